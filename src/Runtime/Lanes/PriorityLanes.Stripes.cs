using System.Numerics;
using System.Runtime.CompilerServices;
using FastBatch.Atomics;

namespace FastBatch.Lanes;

/// <content>
/// Stripes: Normal's lane once more for each of a few threads that resume callers at the same time. What its callers submit meanwhile a thread puts into
/// its own, and takes batches from there first, so that the state of a caller, its row and its place in the ring stay in the cache of one core; in one
/// ring each would go to whichever thread comes next. Invariant: Normal's lane and its stripes share one bound. Room moves with the
/// rows that are released: to the stripe where their callers are about to submit, or back. Callers take whatever room there is, in whichever of them.
/// </content>
internal sealed partial class PriorityLanes
{
    private const int MostStripes = RowPlace.Lanes - RowPlace.Priorities;

    // What stripes may take at most, which is as much as the rows of Normal's lane do.
    private const long MostBytes = 16 << 20;

    // Another lane goes first that has so many times as many rows as the thread's own stripe, and as many batches more.
    private const int MostUneven = 2;

    // Device side, by lane: how good a choice it is for the next batch; 0 for none.
    private readonly long[] _weights = new long[RowPlace.Lanes];

    // Where the callers submit that this thread resumes; none while it resumes none, or has no stripe.
    [ThreadStatic]
    private static Lane? t_stripe;

    // The stripe this thread had last, counted from 1; of any batcher: it only says where to look first.
    [ThreadStatic]
    private static int t_last;

    // None until they are needed.
    private AtomicReference<Lane[]> _stripes;

    // Whether there may be any.
    private readonly bool _canStripe;

    // Device side: whether they are being made, or could not be.
    private bool _isAsked;

    // A bit per stripe that a thread has.
    private PaddedAtomicInt64 _entered;

    // Odd while room moves. Device side; any thread reads.
    private PaddedAtomicInt64 _moves;

    /// <summary>Whether there are stripes. Once it is so it stays so.</summary>
    public bool IsStriped => _stripes.Read() is not null;

    /// <summary>Where the callers that this thread resumes submit.</summary>
    public Lane Current
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _stripes.Read() is null ? Normal : CurrentStripe();
    }

    /// <summary>Whether as many threads have a stripe as there are. Any thread.</summary>
    public bool AllStripesTaken => IsStriped && BitOperations.PopCount((ulong)_entered.Value.Read()) == Stripes.Length;

    /// <summary>How many threads have a stripe, and this one if it had one too.</summary>
    public int StripesTakenWithOwn
    {
        get
        {
            int taken = BitOperations.PopCount((ulong)_entered.Value.Read());
            return t_stripe is { } stripe && stripe.IsStripeOf(Normal) ? taken : taken + 1;
        }
    }

    /// <summary>
    /// Device side: whether rows may be put into stripes. Not beside other priorities, nor where it matters which of all is the oldest, nor while
    /// requests wait for room, in order; nor before there are any: the thread pool makes them when this is first asked, since it takes its time.
    /// </summary>
    public bool MayStripe(OverloadMode overload)
    {
        if (!_canStripe || _haveLevels || overload == OverloadMode.DropOldest || !Normal.Overflow.IsEmpty)
        {
            return false;
        }

        if (!IsStriped && !_isAsked)
        {
            _isAsked = true;
            ThreadPool.UnsafeQueueUserWorkItem(static lanes => lanes.MakeStripes(), this, preferLocal: false);
        }

        return IsStriped;
    }

    /// <summary>
    /// Device side: a stripe for this thread, to which what it resumes submits until it leaves: that which it has, if it has one. Null if there is none to
    /// be had.
    /// </summary>
    public Lane? Enter()
    {
        if (t_stripe is { } held && held.IsStripeOf(Normal))
        {
            return held;
        }

        ReadOnlySpan<Lane> stripes = Stripes;
        int last = t_last - 1;
        long entered = _entered.Value.Read();
        while (BitOperations.PopCount((ulong)entered) < stripes.Length)
        {
            int number = (uint)last < (uint)stripes.Length && (entered & (1L << last)) == 0
                ? last
                : BitOperations.TrailingZeroCount(~entered);
            if (_entered.Value.CompareExchange(entered, entered | (1L << number)))
            {
                t_last = number + 1;
                t_stripe = stripes[number];
                return t_stripe;
            }

            entered = _entered.Value.Read();
        }

        return null;
    }

    /// <summary>
    /// Gives up this thread's stripe, if it has one. Full fence: what it looks at next is what was there while it still had the stripe, or later.
    /// </summary>
    public void Leave()
    {
        if (t_stripe is { } stripe && stripe.IsStripeOf(Normal))
        {
            t_stripe = null;
            _entered.Value.Add(-(1L << (stripe.Index - RowPlace.Priorities)));
        }
    }

    /// <summary>
    /// Caller side, where a claim found no room: claims in whichever of Normal's lane and its stripes there is some. Refused only if all were full at once.
    /// </summary>
    public long TryClaimAnywhere(out int row)
    {
        SpinWait spin = default;
        while (true)
        {
            // While no room moves they only fill up: then those that were found full still are.
            long moves = _moves.Value.Read();
            bool isMoving = (moves & 1) != 0;
            for (Lane? lane = Normal; lane is not null; lane = NextStripe(lane))
            {
                long ticket = lane.TryClaim(out row);
                if (ticket != LaneRing.Full)
                {
                    return ticket;
                }
            }

            if (!isMoving && _moves.Value.Read() == moves)
            {
                row = -1;
                return LaneRing.Full;
            }

            spin.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <summary>
    /// Device side, while no batch is out: nothing is to be put into stripes any more, and room that was lent to them goes back. Returns how many of the
    /// requests in front were cancelled.
    /// </summary>
    public int TakeRoomBack()
    {
        int cancelled = 0;
        BeginMove();
        foreach (Lane stripe in Stripes)
        {
            // As callers do that come to nothing.
            for (long ticket; (ticket = stripe.Ring.TryClaimAccepted(out _)) >= 0;)
            {
                stripe.Ring.Publish(ticket, null);
            }

            cancelled += stripe.SkipDecided();
        }

        EndMove();
        return cancelled;
    }

    // The stripe this thread had last, if there are that many.
    private Lane? Own
    {
        get
        {
            ReadOnlySpan<Lane> stripes = Stripes;
            int last = t_last - 1;
            return (uint)last < (uint)stripes.Length ? stripes[last] : null;
        }
    }

    // Device side, around each release.
    private void BeginMove() => _moves.Value.Write(_moves.Value.Read() + 1);

    private void EndMove() => _moves.Value.Write(_moves.Value.Read() + 1);

    // The lane of Normal's that has the next batch, a full one: this thread's stripe, unless another was passed over too often, or has far more rows. Null
    // if rows of several are to be gathered.
    private Lane? NextFull(int rows)
    {
        Lane? own = Own;
        Lane? overdue = null;
        for (Lane? lane = Normal; lane is not null; lane = NextStripe(lane))
        {
            // To the last row first: who finds it published finds it claimed.
            bool mayBeFull = lane.HasRows(rows);
            int waiting = CountAll(lane);
            _weights[lane.Index] = !mayBeFull ? 0 : lane == own ? (long)(waiting + rows) * MostUneven : waiting;
            if (lane.HasRows(1) && ++_passedOver[lane.Index] > Math.Max(MostPassedOver, overdue is null ? 0 : _passedOver[overdue.Index]))
            {
                overdue = lane;
            }
        }

        if (overdue is not null)
        {
            return overdue.CountWaiting(rows) == rows ? overdue : null;
        }

        // A row in front may still be being written: then it is the next one's turn.
        while (Heaviest() is { } next)
        {
            if (next.CountWaiting(rows) == rows)
            {
                return next;
            }

            _weights[next.Index] = 0;
        }

        return null;
    }

    private Lane? Heaviest()
    {
        Lane? heaviest = null;
        for (Lane? lane = Normal; lane is not null; lane = NextStripe(lane))
        {
            if (_weights[lane.Index] > (heaviest is null ? 0 : _weights[heaviest.Index]))
            {
                heaviest = lane;
            }
        }

        return heaviest;
    }

    /// <summary>Any thread: makes the stripes, if there may be any and there are none.</summary>
    public void MakeStripes()
    {
        lock (_gate)
        {
            if (_closed || !_canStripe || IsStriped)
            {
                return;
            }

            try
            {
                ReserveMixed();
                int count = StripeCount;
                var stripes = new Lane[count];
                for (int i = 0; i < count; i++)
                {
                    stripes[i] = new Lane(Normal, RowPlace.Priorities + i, Normal.Capacity / count, _maxBatchSize, _options.ZeroRows);
                }

                _areSeveral = true;
                for (int i = 0; i < count; i++)
                {
                    _lanes[RowPlace.Priorities + i].Write(stripes[i]);
                }

                _stripes.Write(stripes);
            }
            catch (OutOfMemoryException)
            {
                // It goes without.
            }
        }
    }

    // Enough rows for each to have some batches of its own, and not too much memory.
    private bool CanStripe()
    {
        long bytes = Normal.Capacity * Lane.RowBytes(_inputs);
        return StripeCount > 1
            && Normal.Capacity >= 2 * StripeCount * _maxBatchSize
            && bytes <= Math.Min(MostBytes, (_options.MaxQueueBytes ?? long.MaxValue) - bytes);
    }

    private static int StripeCount => Math.Min(MostStripes, Environment.ProcessorCount);

    private Lane CurrentStripe() => t_stripe is { } stripe && stripe.IsStripeOf(Normal) ? stripe : Normal;

    private ReadOnlySpan<Lane> Stripes => _stripes.Read();

    // The next of a level's lanes: Normal's has stripes.
    private Lane? NextStripe(Lane lane)
    {
        ReadOnlySpan<Lane> stripes = Stripes;
        int next = lane == Normal ? 0 : lane.IsStripe ? lane.Index - RowPlace.Priorities + 1 : stripes.Length;
        return next < stripes.Length ? stripes[next] : null;
    }
}
