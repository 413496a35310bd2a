using FastBatch.Completion;
using FastBatch.Diagnostics;

namespace FastBatch.Lanes;

/// <content>
/// Requests that are ended where they wait, or while they run. Any thread: each is decided by the compare-and-swap on its state, and its row stays
/// where it is until the device side skips it, or discards its answer.
/// </content>
internal sealed partial class Lane
{
    // Under the lock: the requests before this ticket have been dropped, or cannot be.
    private readonly Lock _dropping = new();
    private long _dropped;

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
        if (!TryDropOldest(batcher, ledger))
        {
            Overflow.DropOldest(batcher, ledger);
        }
    }

    /// <summary>The same, of the requests that have a place in the ring; false if none waits.</summary>
    public bool TryDropOldest(string batcher, Ledger ledger)
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
                    return true;
                }
            }
        }

        return false;
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
}
