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
internal sealed class Lane
{
    private const int DefaultCapacity = 1024;
    private const long DefaultBytes = 16 << 20;

    /// <summary>What rows are filled with when nobody is to read them: no number that a computation comes by, and none that is not finite.</summary>
    public const byte PoisonByte = 0xDB;

    private readonly InputRows[] _inputs;
    private readonly bool _poisons;

    // Its first row, see RowPlace.
    private readonly int _firstRow;

    // Device side: the rows that were there when a batch was last decided on. Read by whoever waits for more.
    private long _seen;

    // Under the lock: the requests before this ticket have been dropped, or cannot be.
    private readonly Lock _dropping = new();
    private long _dropped;

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
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)Capacity);
        foreach (InputRows rows in inputs)
        {
            // The spill rows continue a batch past the ring's end.
            rows.Allocate(index, size + maxBatchSize - 1, zeroRows);
        }

        _inputs = inputs;
        Index = index;
        _firstRow = RowPlace.First(index);
        Ring = new LaneRing(size, Capacity);
        Overflow = new Overflow(inputs, parked ?? new ParkedRows(inputs), index, limit: (int)Math.Min(most - Capacity, int.MaxValue));
    }

    /// <summary>What one row takes, of all inputs.</summary>
    public static long RowBytes(InputRows[] inputs) => Math.Max(1, inputs.Sum(rows => rows.RowBytes));

    /// <summary>Which lane of the batcher it is.</summary>
    public int Index { get; }

    /// <summary>Whose requests it has: lanes count from Normal, priorities from Low.</summary>
    public RequestPriority Priority => (RequestPriority)(((Index + 1) & (RowPlace.Lanes - 1)) - 1);

    /// <summary>Rows that ever got a place in the ring, and those that are parked beside it now. Any thread.</summary>
    public long Submitted => Ring.Claimed + Overflow.Waiting;

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
            return (int)(Ring.Claimed - read) + Overflow.Waiting;
        }
    }

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
    public void Release(Batch batch) => Release(batch.EndTicket, spilled: RowPlace.Index(batch.HostRow) + batch.Count - Ring.Size);

    /// <summary>Device side: the rows before this ticket have been read for the last time, and those past the ring's end.</summary>
    public void Release(long endTicket, int spilled = 0)
    {
        if (_poisons)
        {
            Poison(endTicket, spilled);
        }

        Ring.Release(endTicket);
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

    /// <summary>
    /// Any thread, once the lane is closed: ends every request that has not been decided. The device side skips them when it comes by. False
    /// if rows are still being written.
    /// </summary>
    /// <param name="batcher">The batcher's name.</param>
    /// <param name="ledger">Told how they ended.</param>
    public bool TryFailAll(string batcher, Ledger ledger)
    {
        Overflow.FailAll(batcher, ledger);
        bool all = Overflow.IsEmpty;
        for (long ticket = Ring.ReleaseMark; ticket < Ring.Claimed; ticket++)
        {
            all &= Ring.IsPublished(ticket) || ticket < Ring.ReleaseMark;
            if (Ring.TryPeek(ticket, out long requestTicket) is { } request
                && request.TryFail(requestTicket, new BatcherClosedException(batcher), out Continuation continuation))
            {
                ledger.End(RequestOutcome.Closed);
                continuation.Queue();
            }
        }

        return all;
    }

    /// <summary>
    /// Any thread: ends every request whose deadline has passed by <paramref name="now"/>; the device side skips their rows, or discards their
    /// answers. False if no row is left that has a deadline to come or is still being written, and none is parked.
    /// </summary>
    public bool Expire(long now, string batcher, Ledger ledger)
    {
        bool any = Overflow.Expire(now, batcher, ledger);
        for (long ticket = Ring.ReleaseMark; ticket < Ring.Claimed; ticket++)
        {
            if (!Ring.IsPublished(ticket))
            {
                any |= ticket >= Ring.ReleaseMark;
                continue;
            }

            if (Ring.TryPeek(ticket, out long requestTicket) is not { } request)
            {
                continue;
            }

            long deadline = request.Deadline;
            if (deadline > now)
            {
                any |= deadline != long.MaxValue;
            }
            else if (request.TryFail(requestTicket, new DeadlineExceededException(batcher), out Continuation continuation))
            {
                ledger.End(RequestOutcome.Expired);
                continuation.Queue();
            }
        }

        return any;
    }

    /// <summary>
    /// Any thread, when there is no room: the oldest request that waits makes way for a newer one, which then is to be parked. Its row is
    /// skipped when the device side comes by.
    /// </summary>
    public void DropOldest(string batcher, Ledger ledger)
    {
        lock (_dropping)
        {
            for (long ticket = Math.Max(_dropped, Ring.ReadMark); ticket < Ring.Claimed; ticket++)
            {
                _dropped = ticket + 1;
                if (Ring.TryPeek(ticket, out long requestTicket) is { } request
                    && request.TryFail(requestTicket, RequestDroppedException.ForNewer(batcher), out Continuation continuation))
                {
                    ledger.End(RequestOutcome.Dropped);
                    continuation.Queue();
                    return;
                }
            }
        }

        Overflow.DropOldest(batcher, ledger);
    }

    /// <summary>
    /// Any thread: ends every request that is being run or waits, with what <paramref name="fault"/> makes for each, until it makes nothing any
    /// more. Their rows stay where they are; the device side skips those, or discards the answers.
    /// </summary>
    /// <param name="fault">Makes the fault of one request.</param>
    /// <param name="outcome">What that counts as.</param>
    /// <param name="ledger">Told how they ended.</param>
    /// <param name="waitingOnly">Whether those are left alone that a batch has taken.</param>
    public void EndAll(Func<FastBatchException?> fault, RequestOutcome outcome, Ledger ledger, bool waitingOnly = false)
    {
        for (long ticket = waitingOnly ? Ring.ReadMark : Ring.ReleaseMark; ticket < Ring.Claimed; ticket++)
        {
            if (Ring.TryPeek(ticket, out long requestTicket) is { } request && request.IsPending(requestTicket))
            {
                if (fault() is not { } error)
                {
                    return;
                }

                if (request.TryFail(requestTicket, error, out Continuation continuation))
                {
                    ledger.End(outcome);
                    continuation.Queue();
                }
            }
        }

        Overflow.EndAll(fault, outcome, ledger);
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
