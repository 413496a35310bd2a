using FastBatch.Atomics;
using FastBatch.Diagnostics;
using FastBatch.Scheduling;

namespace FastBatch.Lanes;

/// <summary>
/// The lanes of one batcher, one per <see cref="RequestPriority"/>, and the stripes of Normal's. That of Normal is always there; each other is made
/// when it is first used, so that those who use one priority pay nothing. A batch of rows of one lane lies in that lane's memory; rows of several are
/// gathered in memory of their own, so that the method sees one run of rows all the same.
/// </summary>
internal sealed partial class PriorityLanes
{
    /// <summary>When a request has waited so long its level gets its share of each batch.</summary>
    private static readonly TimeSpan AgePeriod = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly InputRows[] _inputs;
    private readonly int _maxBatchSize;
    private readonly BatcherOptions _options;
    private readonly ParkedRows _parked;
    private readonly PriorityShares _shares;
    private readonly AtomicReference<Lane>[] _lanes = new AtomicReference<Lane>[RowPlace.Lanes];
    private volatile bool _areSeveral;
    private volatile bool _haveLevels;
    private bool _hasMixed;

    // 1 once all are closed.
    private AtomicInt32 _isClosed;
    private bool _closed;

    public PriorityLanes(InputRows[] inputs, int maxBatchSize, BatcherOptions options)
    {
        (_inputs, _maxBatchSize, _options) = (inputs, maxBatchSize, options);
        _parked = new ParkedRows(inputs);
        _byPassedOver = (one, other) => _passedOver[other.Lane.Index].CompareTo(_passedOver[one.Lane.Index]);
        _shares = new PriorityShares((long)options.TimeProvider.ToTimestamp(AgePeriod));
        Normal = Create(0);
        _lanes[0].Write(Normal);
        _canStripe = CanStripe();
    }

    public Lane Normal { get; }

    /// <summary>Whether there are others than Normal's, stripes among them. Once it is so it stays so.</summary>
    public bool AreSeveral => _areSeveral;

    /// <summary>Whether other priorities than Normal are used. Once it is so it stays so.</summary>
    public bool HaveLevels => _haveLevels;

    /// <summary>Rows submitted and not yet taken into a batch, of all lanes.</summary>
    public int Backlog => _areSeveral ? BacklogFrom(RequestPriority.Low) : Normal.Backlog;

    /// <summary>Whether no claim succeeds any more, in any lane.</summary>
    public bool IsClosed => _isClosed.Read() == 1;

    /// <summary>Whether every row ever claimed has been given back, and none is parked.</summary>
    public bool IsEmpty
    {
        get
        {
            for (int index = 0; index < RowPlace.Lanes; index++)
            {
                if (this[index] is { } lane && !(lane.Overflow.IsEmpty && lane.Ring.Claimed == lane.Ring.ReleaseMark))
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>Whether a lane has no room, and nothing that could be taken to make some. Where there are no stripes. Any thread; a moment's view.</summary>
    public bool IsStuck
    {
        get
        {
            for (int index = 0; index < RowPlace.Priorities; index++)
            {
                if (this[index]?.Ring is { HasRoom: false } ring && ring.ReadMark == ring.Claimed)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>The lane with this index, see <see cref="RowPlace"/>; null if it was never used.</summary>
    public Lane? this[int index] => _lanes[index].Read();

    /// <summary>The lane of a priority; null if it was never used.</summary>
    public Lane? LaneOf(RequestPriority priority) => this[IndexOf(priority)];

    /// <summary>Rows that would be taken before one submitted now.</summary>
    public int BacklogFrom(RequestPriority priority)
    {
        int backlog = 0;
        for (RequestPriority level = priority; level <= RequestPriority.Critical; level++)
        {
            backlog += Count(level).Backlog;
        }

        return backlog;
    }

    /// <summary>Rows of a priority ever submitted, and those not yet taken into a batch. Any thread.</summary>
    public (long Submitted, int Backlog) Count(RequestPriority priority)
    {
        (long submitted, int backlog) = (0, 0);
        for (Lane? lane = LaneOf(priority); lane is not null; lane = NextStripe(lane))
        {
            submitted += lane.Submitted;
            backlog += lane.Backlog;
        }

        return (submitted, backlog);
    }

    /// <summary>Caller side: the lane of a priority. Null once closed, if it was never used before.</summary>
    public Lane? Open(RequestPriority priority)
    {
        if (!Enum.IsDefined(priority))
        {
            throw new ArgumentOutOfRangeException(nameof(priority), priority, $"The priority must be a defined value; it is {priority}.");
        }

        return this[IndexOf(priority)] ?? OpenFirst(IndexOf(priority));
    }

    /// <summary>No claim succeeds from now on.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            for (int index = 0; index < RowPlace.Lanes; index++)
            {
                this[index]?.Overflow.Close();
                this[index]?.Ring.Close();
            }

            // When all are: until then a row may still be claimed. Full fence: of whoever closes and whoever resumes the last caller, one at least
            // sees that everything is drained.
            _isClosed.Exchange(1);
        }
    }

    /// <summary>
    /// Device side: fills the lanes up from behind and, if no batch is out, gives back what has ended in front. Returns how many were cancelled.
    /// </summary>
    public int Refill(bool skips)
    {
        int cancelled = 0;
        bool isStriped = IsStriped;
        Lane? own = isStriped ? Own : null;
        if (isStriped)
        {
            BeginMove();
        }

        for (int index = _areSeveral ? RowPlace.Lanes - 1 : 0; skips && index >= 0; index--)
        {
            // Those of another thread's stripe are found when they are taken: to look at them now would take them out of that thread's cache.
            if (this[index] is { } lane && (!lane.IsStripe || lane == own))
            {
                cancelled += lane.SkipDecided();
            }
        }

        // When all room is back that there is.
        for (int index = 0; index < RowPlace.Lanes && (index == 0 || _areSeveral); index++)
        {
            this[index]?.Overflow.Refill(this[index]!);
        }

        if (isStriped)
        {
            EndMove();
        }

        return cancelled;
    }

    /// <summary>Device side: see <see cref="Lane.Forfeit"/>.</summary>
    public int Forfeit()
    {
        int cancelled = 0;
        for (int index = 0; index < RowPlace.Lanes; index++)
        {
            if (this[index] is { } lane)
            {
                cancelled += lane.Forfeit();

                // Whatever has been written meanwhile is news.
                lane.CountWaiting(0);
            }
        }

        _last.Elsewhere = 0;
        return cancelled;
    }

    /// <summary>Any thread: the oldest request of a lane makes way for a newer one, unless there is room; see <see cref="Lane.DropOldest"/>.</summary>
    public void MakeRoom(Lane lane, string batcher, Ledger ledger)
    {
        bool hasRoom = false;
        for (Lane? each = lane; each is not null; each = NextStripe(each))
        {
            hasRoom |= each.Ring.HasRoom;
        }

        if (hasRoom)
        {
            return;
        }

        // What stripes have was there before the oldest were to be dropped: nothing more is put there, see TakeRoomBack.
        for (Lane? stripe = NextStripe(lane); stripe is not null; stripe = NextStripe(stripe))
        {
            if (stripe.TryDropOldest(batcher, ledger))
            {
                return;
            }
        }

        lane.DropOldest(batcher, ledger);
    }

    /// <summary>Any thread, once closed: see <see cref="Lane.TryFailAll"/>.</summary>
    public bool TryFailAll(string batcher, Ledger ledger)
    {
        bool all = true;
        for (int index = 0; index < RowPlace.Lanes; index++)
        {
            all &= this[index]?.TryFailAll(batcher, ledger) ?? true;
        }

        return all;
    }

    /// <summary>Any thread: see <see cref="Lane.EndAll"/>.</summary>
    public void EndAll(Func<FastBatchException?> fault, RequestOutcome outcome, Ledger ledger, bool waitingOnly = false)
    {
        for (int index = 0; index < RowPlace.Lanes; index++)
        {
            this[index]?.EndAll(fault, outcome, ledger, waitingOnly);
        }
    }

    /// <summary>Any thread: see <see cref="Lane.Expire"/>.</summary>
    public bool Expire(long now, string batcher, Ledger ledger)
    {
        bool any = false;
        for (int index = 0; index < RowPlace.Lanes; index++)
        {
            any |= this[index]?.Expire(now, batcher, ledger) ?? false;
        }

        return any;
    }

    private static int IndexOf(RequestPriority priority) => (int)priority & (RowPlace.Priorities - 1);

    private Lane? OpenFirst(int index)
    {
        lock (_gate)
        {
            if (_closed || this[index] is not null)
            {
                return this[index];
            }

            ReserveMixed();
            Lane lane = Create(index);

            // In this order: whoever sees the lane sees that there are several.
            _areSeveral = true;
            _haveLevels = true;
            _lanes[index].Write(lane);
            return lane;
        }
    }

    /// <summary>Any thread: makes the rows in which batches are gathered, unless they are there.</summary>
    public void ReserveMixed()
    {
        lock (_gate)
        {
            if (_hasMixed)
            {
                return;
            }

            // For each device its own: batches of several may be on their way there at once.
            foreach (InputRows rows in _inputs)
            {
                rows.Allocate(RowPlace.Memory(RowPlace.Mixed), _maxBatchSize * Math.Max(1, _options.Devices.Count), _options.ZeroRows);
            }

            _hasMixed = true;
        }
    }

    /// <summary>The first of the rows in which batches for a device are gathered.</summary>
    public int MixedRow(int deviceNumber) => RowPlace.Mixed + (deviceNumber * _maxBatchSize);

    /// <summary>Device side: zeroes the rows of a batch.</summary>
    public void Clear(Batch batch)
    {
        foreach (InputRows rows in _inputs)
        {
            rows.Clear(batch.FirstRow, batch.Count);
        }
    }

    private Lane Create(int index) =>
        new(_inputs, _maxBatchSize, _options.Capacity, _options.ZeroRows, _options.Checked, _options.MaxQueueBytes, index, _parked,
            consumers: Math.Max(1, _options.Devices.Count));
}
