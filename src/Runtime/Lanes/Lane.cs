using System.Numerics;
using System.Runtime.CompilerServices;
using FastBatch.Completion;
using FastBatch.Diagnostics;

namespace FastBatch.Lanes;

/// <summary>
/// One bounded ring of same-shaped rows: the positions (<see cref="LaneRing"/>), the memory (<see cref="InputRows"/>, one per input
/// parameter) and what waits for room (<see cref="Overflow"/>). A batch is a run of rows, contiguous in each input's memory; for batches of
/// several lanes see <see cref="PriorityLanes"/>.
/// </summary>
internal sealed partial class Lane
{
    private const int DefaultCapacity = 1024;
    private const long DefaultBytes = 16 << 20;

    /// <summary>What rows are filled with when nobody is to read them: no number that a computation comes by, and none that is not finite.</summary>
    public const byte PoisonByte = 0xDB;

    private readonly InputRows[] _inputs;
    private readonly bool _poisons;

    // Whose room this lane's is; a stripe's is lent by Normal's lane, and goes back to it with every row released.
    private readonly Lane _lender;

    // Its first row, see RowPlace.
    private readonly int _firstRow;

    // Device side: the rows that were there when a batch was last decided on. Read by whoever waits for more.
    private long _seen;

    /// <param name="inputs">The rows' memory.</param>
    /// <param name="maxBatchSize">The most rows taken at once.</param>
    /// <param name="capacity">See <see cref="BatcherOptions.Capacity"/>.</param>
    /// <param name="zeroRows">See <see cref="BatcherOptions.ZeroRows"/>.</param>
    /// <param name="poisons">See <see cref="BatcherOptions.Checked"/>.</param>
    /// <param name="maxBytes">See <see cref="BatcherOptions.MaxQueueBytes"/>.</param>
    /// <param name="index">Which lane of the batcher it is, see <see cref="RowPlace"/>.</param>
    /// <param name="parked">Rows for those that wait for room, shared by the lanes.</param>
    /// <param name="consumers">How many devices take from it.</param>
    public Lane(
        InputRows[] inputs, int maxBatchSize, int? capacity, bool zeroRows = true, bool poisons = false, long? maxBytes = null, int index = 0,
        ParkedRows? parked = null, int consumers = 1)
    {
        _poisons = poisons;
        long rowBytes = RowBytes(inputs);
        int wanted = capacity ?? (int)Math.Max(4L * consumers * maxBatchSize, Math.Min(DefaultCapacity, DefaultBytes / rowBytes));
        long most = (maxBytes ?? long.MaxValue) / rowBytes;
        Capacity = (int)Math.Min(wanted, most);
        _lender = this;
        _inputs = inputs;
        Index = index;
        _firstRow = RowPlace.First(index);
        Ring = Reserve(Capacity, Capacity, maxBatchSize, zeroRows);
        Overflow = new Overflow(inputs, parked ?? new ParkedRows(inputs), index, limit: (int)Math.Min(most - Capacity, int.MaxValue));
    }

    /// <summary>A stripe of a lane: it has room for as many rows as are lent to it.</summary>
    /// <param name="lender">The lane.</param>
    /// <param name="index">See <see cref="RowPlace"/>.</param>
    /// <param name="rows">The most rows it ever has room for.</param>
    /// <param name="maxBatchSize">The most rows taken at once.</param>
    /// <param name="zeroRows">See <see cref="BatcherOptions.ZeroRows"/>.</param>
    public Lane(Lane lender, int index, int rows, int maxBatchSize, bool zeroRows)
    {
        (_lender, _inputs, _poisons) = (lender, lender._inputs, lender._poisons);
        Index = index;
        _firstRow = RowPlace.First(index);
        Ring = Reserve(rows, bound: 0, maxBatchSize, zeroRows);

        foreach (InputRows input in _inputs)
        {
            // So that the pages are there before a caller writes to them.
            input.Clear(_firstRow, Ring.Size);
        }

        // Who comes while others are parked lines up behind them, here as well.
        Overflow = lender.Overflow;
    }

    /// <summary>What one row takes, of all inputs.</summary>
    public static long RowBytes(InputRows[] inputs) => Math.Max(1, inputs.Sum(rows => rows.RowBytes));

    /// <summary>Which lane of the batcher it is.</summary>
    public int Index { get; }

    /// <summary>Whether it is one of the stripes of Normal's lane, see <see cref="PriorityLanes"/>.</summary>
    public bool IsStripe => _lender != this;

    /// <summary>Whether it is one of that lane's.</summary>
    public bool IsStripeOf(Lane lane) => _lender == lane && this != lane;

    /// <summary>Whose requests it has: lanes count from Normal, priorities from Low.</summary>
    public RequestPriority Priority => IsStripe ? _lender.Priority : (RequestPriority)(((Index + 1) & (RowPlace.Priorities - 1)) - 1);

    /// <summary>Rows that ever got a place in the ring, and those that are parked beside it now. Any thread.</summary>
    public long Submitted => Ring.Claimed + Parked;

    /// <summary>Tickets before this were there when a batch was last decided on. Any thread.</summary>
    public long Seen => Volatile.Read(ref _seen);

    /// <summary>The most rows submitted and not yet run.</summary>
    public int Capacity { get; }

    public LaneRing Ring { get; }

    public Overflow Overflow { get; }

    /// <summary>Rows submitted and not yet taken into a batch, those being written included.</summary>
    public int Backlog
    {
        get
        {
            // The mark that runs behind is read first: never negative.
            long read = Ring.ReadMark;
            return (int)(Ring.Claimed - read) + Parked;
        }
    }

    // Those of a stripe are its lender's.
    private int Parked => IsStripe ? 0 : Overflow.Waiting;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long TryClaim(out int row)
    {
        if (Overflow.IsEmpty)
        {
            long ticket = Ring.TryClaim(out row);
            row += _firstRow;
            return ticket;
        }

        row = -1;
        return LaneRing.Full;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Publish(RowClaim claim, PendingRequest? request)
    {
        if (claim.IsParked)
        {
            Overflow.Publish(claim, request);
        }
        else
        {
            Ring.Publish(claim.Ticket, request, claim.Enqueued);
        }
    }

    /// <summary>
    /// Device side, while no batch is out: gives back the oldest rows whose requests have ended already, so that a batch has as many rows as it
    /// can. Returns how many of them were cancelled.
    /// </summary>
    public int SkipDecided()
    {
        int cancelled = 0;
        long first = Ring.ReadMark;
        long ticket = first;
        while (Ring.IsPublished(ticket))
        {
            PendingRequest? request = Ring.Request(ticket, out long requestTicket);
            if (request is not null && request.IsPending(requestTicket))
            {
                break;
            }

            cancelled += request is not null && request.SignOff(requestTicket) ? 1 : 0;
            ticket++;
        }

        if (ticket != first)
        {
            Ring.Take((int)(ticket - first));
            Release(ticket);
        }

        return cancelled;
    }

    /// <summary>
    /// Device side, once closed, when nothing is run any more and what waited has been ended: gives all rows back, those of a batch that was not run
    /// among them. Returns how many of their requests were cancelled.
    /// </summary>
    public int Forfeit()
    {
        int cancelled = 0;
        for (long ticket = Ring.ReleaseMark; ticket < Ring.ReadMark; ticket++)
        {
            cancelled += Ring.Request(ticket, out long requestTicket)?.SignOff(requestTicket) == true ? 1 : 0;
        }

        Release(Ring.ReadMark);
        return cancelled + SkipDecided();
    }

    /// <summary>Device side: how many of the oldest rows could be taken, up to <paramref name="limit"/>.</summary>
    public int CountWaiting(int limit)
    {
        int waiting = Ring.CountPublished(limit);
        Volatile.Write(ref _seen, Ring.ReadMark + waiting);
        return waiting;
    }

    /// <summary>Device side: whether so many rows could be taken.</summary>
    public bool HasRows(int count) => Ring.IsPublished(Ring.ReadMark + count - 1);

    /// <summary>Any thread: whether a row waits that was not there when a batch was last decided on.</summary>
    public bool HasNews => Ring.IsPublished(Seen);

    /// <summary>Device side: the deadlines of the oldest rows.</summary>
    public void ReadDeadlines(Span<long> deadlines)
    {
        for (int i = 0; i < deadlines.Length; i++)
        {
            deadlines[i] = Deadline(i);
        }
    }

    /// <summary>Device side: the earliest deadline of the oldest rows.</summary>
    public long EarliestDeadline(int rows)
    {
        long earliest = long.MaxValue;
        for (int i = 0; i < rows; i++)
        {
            earliest = Math.Min(earliest, Deadline(i));
        }

        return earliest;
    }

    private long Deadline(int row) => Ring.Request(Ring.ReadMark + row, out _)?.Deadline ?? long.MaxValue;

    /// <summary>
    /// Device side: takes the oldest <paramref name="rows"/> published rows as a batch. Requests that were cancelled are left out, and so are
    /// those with a deadline before <paramref name="cutoff"/>, which join <paramref name="late"/>: the last rows of the batch move into their
    /// places. The rows are the batch's until it is released.
    /// </summary>
    public void Close(Batch batch, int rows, long cutoff = long.MinValue, Batch? late = null)
    {
        long first = Ring.Take(rows);
        int firstRow = Ring.Row(first);

        // Past the ring's end the batch goes on in the spill rows, so that it is contiguous all the same.
        for (int row = Ring.Size; row < firstRow + rows; row++)
        {
            Copy(_firstRow + row - Ring.Size, _firstRow + row);
        }

        firstRow += _firstRow;
        int decided = 0;
        int cancelled = 0;
        for (int i = 0; i < rows; i++)
        {
            PendingRequest? request = Pick(first + i, cutoff, late, out long requestTicket, ref cancelled);
            batch.Members[i] = new BatchMember(request, requestTicket);
            decided += request is null ? 1 : 0;
        }

        if (batch.Record is { } record)
        {
            Note(record, batch.Members.AsSpan(0, rows), first);
        }

        int count = rows - decided;
        if (decided > 0)
        {
            FillHoles(batch, rows, firstRow);
        }

        batch.Close(firstRow, count, first + rows, cancelled);
    }

    /// <summary>
    /// Device side: as <see cref="Close"/>, but copies the rows into those in which a batch from several lanes is gathered, from <paramref name="firstRow"/> on, behind the
    /// <paramref name="count"/> that are there. Returns how many are there now.
    /// </summary>
    public int Gather(Batch batch, int firstRow, int count, int rows, long cutoff, Batch? late, ref int cancelled)
    {
        long first = Ring.Take(rows);
        batch.EndTickets[Index] = first + rows;
        for (long ticket = first; ticket < first + rows; ticket++)
        {
            if (Pick(ticket, cutoff, late, out long requestTicket, ref cancelled) is { } request)
            {
                Copy(_firstRow + Ring.Row(ticket), firstRow + count);
                batch.Record?.Note(count, Ring.Enqueued(ticket), request.Origin(requestTicket));
                batch.Record?.Belong(count, Priority);
                batch.Members[count++] = new BatchMember(request, requestTicket);
            }
        }

        return count;
    }

    // The request of a row that is taken; null if it is not to run.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PendingRequest? Pick(long ticket, long cutoff, Batch? late, out long requestTicket, ref int cancelled)
    {
        PendingRequest? request = Ring.Request(ticket, out requestTicket);
        if (request is null)
        {
            return null;
        }

        if (!request.IsPending(requestTicket))
        {
            cancelled += request.SignOff(requestTicket) ? 1 : 0;
            return null;
        }

        if (late is not null && request.Deadline < cutoff)
        {
            late.Add(new BatchMember(request, requestTicket));
            return null;
        }

        return request;
    }

    /// <summary>Device side: the batch's input rows have been read for the last time.</summary>
    public void Release(Batch batch, Lane? borrower = null) =>
        Release(batch.EndTicket, spilled: RowPlace.Index(batch.HostRow) + batch.Count - Ring.Size, borrower, batch.Count);

    /// <summary>Device side: the rows before this ticket have been read for the last time, and those past the ring's end.</summary>
    /// <param name="endTicket">The ticket.</param>
    /// <param name="spilled">Rows past the ring's end.</param>
    /// <param name="borrower">The stripe that gets the room, as far as it has none for <paramref name="needed"/> rows.</param>
    /// <param name="needed">Rows.</param>
    public void Release(long endTicket, int spilled = 0, Lane? borrower = null, int needed = 0)
    {
        if (_poisons)
        {
            Poison(endTicket, spilled);
        }

        if (borrower is null && !IsStripe)
        {
            Ring.Release(endTicket);
            return;
        }

        // Nobody's for a moment: room that others could see in between would be claimed twice.
        int freed = (int)(endTicket - Ring.ReleaseMark);
        Ring.Release(endTicket, Ring.Bound - freed);
        int lent = borrower?.Borrow(freed, needed) ?? 0;
        _lender.Grant(freed - lent);
    }

    // Of the room on offer what makes it enough for the rows needed, and what there are rows for.
    private int Borrow(int offered, int needed)
    {
        int rows = Math.Clamp(needed - Ring.Room, 0, Math.Min(offered, Ring.Size - Ring.Bound));
        Grant(rows);
        return rows;
    }

    private void Grant(int rows)
    {
        // Not to touch what other threads read.
        if (rows > 0)
        {
            Ring.Release(Ring.ReleaseMark, Ring.Bound + rows);
        }
    }

    private LaneRing Reserve(int rows, int bound, int maxBatchSize, bool zeroRows)
    {
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)rows);
        foreach (InputRows input in _inputs)
        {
            // The spill rows continue a batch past the ring's end.
            input.Allocate(Index, size + maxBatchSize - 1, zeroRows);
        }

        return new LaneRing(size, bound);
    }

    private void Note(BatchRecord record, ReadOnlySpan<BatchMember> members, long first)
    {
        record.Belong(Priority);
        for (int i = 0; i < members.Length; i++)
        {
            (PendingRequest? request, long requestTicket) = members[i];
            record.Note(i, Ring.Enqueued(first + i), request?.Origin(requestTicket) ?? default);
        }
    }

    // The order within a batch means nothing, so each hole takes the last live row: one copy per hole at most.
    private void FillHoles(Batch batch, int rows, int firstRow)
    {
        Span<BatchMember> members = batch.Members.AsSpan(0, rows);
        int last = members.Length - 1;
        for (int hole = 0; hole < last; hole++)
        {
            if (members[hole].Request is not null)
            {
                continue;
            }

            while (last > hole && members[last].Request is null)
            {
                last--;
            }

            if (last > hole)
            {
                Copy(firstRow + last, firstRow + hole);
                batch.Record?.Move(last, hole);
                members[hole] = members[last];
                members[last--] = default;
            }
        }
    }

    // All rows that end with the batch, those of cancelled requests among them, and those it had past the ring's end.
    private void Poison(long endTicket, int spilled)
    {
        foreach (InputRows rows in _inputs)
        {
            for (long ticket = Ring.ReleaseMark; ticket < endTicket; ticket++)
            {
                rows.Poison(_firstRow + Ring.Row(ticket), 1);
            }

            if (spilled > 0)
            {
                rows.Poison(_firstRow + Ring.Size, spilled);
            }
        }
    }

    private void Copy(int from, int to)
    {
        foreach (InputRows rows in _inputs)
        {
            rows.Copy(from, to);
        }
    }
}
