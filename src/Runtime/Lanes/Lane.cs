using System.Numerics;
using System.Runtime.CompilerServices;
using FastBatch.Completion;
using FastBatch.Diagnostics;

namespace FastBatch.Lanes;

/// <summary>
/// One bounded ring of same-shaped rows: the positions (<see cref="LaneRing"/>), the memory (<see cref="InputRows"/>, one per input
/// parameter) and what waits for room (<see cref="Overflow"/>). A batch is a run of rows, contiguous in each input's memory.
/// </summary>
internal sealed class Lane
{
    private const int DefaultCapacity = 1024;
    private const long DefaultBytes = 16 << 20;

    /// <summary>What rows are filled with when nobody is to read them: no number that a computation comes by, and none that is not finite.</summary>
    public const byte PoisonByte = 0xDB;

    private readonly InputRows[] _inputs;
    private readonly bool _poisons;

    public Lane(
        InputRows[] inputs, int maxBatchSize, int? capacity, bool zeroRows = true, bool poisons = false, bool wholePages = false)
    {
        _poisons = poisons;
        long rowBytes = Math.Max(1, inputs.Sum(rows => rows.RowBytes));
        Capacity = capacity ?? (int)Math.Max(4L * maxBatchSize, Math.Min(DefaultCapacity, DefaultBytes / rowBytes));
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)Capacity);
        foreach (InputRows rows in inputs)
        {
            rows.Allocate(size, spill: maxBatchSize - 1, zeroRows, wholePages);
        }

        _inputs = inputs;
        Ring = new LaneRing(size, Capacity);
        Overflow = new Overflow(inputs);
    }

    /// <summary>The most rows submitted and not yet run.</summary>
    public int Capacity { get; }

    public LaneRing Ring { get; }

    public Overflow Overflow { get; }

    /// <summary>The memory of the rows, one per input parameter.</summary>
    public IReadOnlyList<InputRows> Inputs => _inputs;

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
            return Ring.TryClaim(out row);
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
    /// Device side: gives back the oldest rows whose requests have ended already, so that a batch has as many rows as it can; while batches
    /// are out whose rows come before, <see cref="ReleaseSkipped"/> does that. Returns how many of them were cancelled.
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
            // Those of a batch that a device has yet to read must not be given back with them.
            bool batchesAreOut = Ring.ReleaseMark != first;
            Ring.Take((int)(ticket - first));
            if (!batchesAreOut)
            {
                Ring.Release(ticket);
            }
        }

        return cancelled;
    }

    /// <summary>Device side, when the rows of every batch are given back: gives back those skipped while they were not.</summary>
    public void ReleaseSkipped()
    {
        if (Ring.ReleaseMark != Ring.ReadMark)
        {
            Ring.Release(Ring.ReadMark);
        }
    }

    /// <summary>Device side: the deadlines of the oldest rows. Returns the earliest.</summary>
    public long ReadDeadlines(Span<long> deadlines)
    {
        long earliest = long.MaxValue;
        for (int i = 0; i < deadlines.Length; i++)
        {
            deadlines[i] = Ring.Request(Ring.ReadMark + i, out _)?.Deadline ?? long.MaxValue;
            earliest = Math.Min(earliest, deadlines[i]);
        }

        return earliest;
    }

    /// <summary>
    /// Device side: takes the oldest <paramref name="rows"/> published rows as a batch. Requests that were cancelled are left out, and so are
    /// those with a deadline before <paramref name="cutoff"/>, which join <paramref name="late"/>: the last rows of the batch move into their
    /// places. The rows are the batch's until <see cref="Release"/>.
    /// </summary>
    public void Close(Batch batch, int rows, long cutoff = long.MinValue, Batch? late = null)
    {
        long first = Ring.Take(rows);
        int firstRow = Ring.Row(first);

        // Past the ring's end the batch goes on in the spill rows, so that it is contiguous all the same.
        for (int row = Ring.Size; row < firstRow + rows; row++)
        {
            Copy(row - Ring.Size, row);
        }

        int decided = 0;
        int cancelled = 0;
        for (int i = 0; i < rows; i++)
        {
            PendingRequest? request = Ring.Request(first + i, out long requestTicket);
            if (request is not null && !request.IsPending(requestTicket))
            {
                cancelled += request.SignOff(requestTicket) ? 1 : 0;
                request = null;
            }
            else if (late is not null && request is not null && request.Deadline < cutoff)
            {
                late.Add(new BatchMember(request, requestTicket));
                request = null;
            }

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

    /// <summary>Device side: the batch's input rows have been read for the last time.</summary>
    public void Release(Batch batch)
    {
        if (_poisons)
        {
            Poison(batch);
        }

        Ring.Release(batch.EndTicket);
    }

    private void Note(BatchRecord record, ReadOnlySpan<BatchMember> members, long first)
    {
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
    /// Any thread: ends every request that is being run or waits, with what <paramref name="fault"/> makes for each, until it makes nothing any
    /// more. Their rows stay where they are; the device side skips those, or discards the answers.
    /// </summary>
    /// <param name="fault">Makes the fault of one request.</param>
    /// <param name="outcome">What that counts as.</param>
    /// <param name="ledger">Told how they ended.</param>
    public void EndAll(Func<FastBatchException?> fault, RequestOutcome outcome, Ledger ledger)
    {
        for (long ticket = Ring.ReleaseMark; ticket < Ring.Claimed; ticket++)
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
    private void Poison(Batch batch)
    {
        int spilled = batch.RingRow + batch.Count - Ring.Size;
        foreach (InputRows rows in _inputs)
        {
            for (long ticket = Ring.ReleaseMark; ticket < batch.EndTicket; ticket++)
            {
                rows.Poison(Ring.Row(ticket), 1);
            }

            if (spilled > 0)
            {
                rows.Poison(Ring.Size, spilled);
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
