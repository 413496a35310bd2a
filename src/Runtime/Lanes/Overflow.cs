using System.Runtime.CompilerServices;
using FastBatch.Atomics;
using FastBatch.Completion;
using FastBatch.Diagnostics;

namespace FastBatch.Lanes;

/// <summary>
/// The requests that wait for room in the ring (<see cref="OverloadMode.Wait"/>), in order, each with its row in memory of its own. Callers
/// park here; the device side moves them into the ring as it releases rows. Behind a lock: this is not the fast path.
/// </summary>
/// <param name="inputs">The rows' memory.</param>
/// <param name="rows">Where parked rows come from.</param>
/// <param name="lane">Which lane it stands behind; see <see cref="RowPlace"/>.</param>
/// <param name="limit">The most rows parked.</param>
internal sealed class Overflow(InputRows[] inputs, ParkedRows rows, int lane, int limit)
{
    private readonly Lock _gate = new();
    private readonly Queue<Parked> _queue = new();
    private bool _closed;

    // Written under the lock, with a full fence; read without it.
    private AtomicInt32 _reserved;
    private AtomicInt32 _waiting;

    /// <summary>Whether no request is parked or about to be. Those that come later must line up behind it.</summary>
    public bool IsEmpty
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _reserved.Read() == 0;
    }

    /// <summary>Requests that could be moved into the ring if it had room.</summary>
    public int Waiting => _waiting.Read();

    /// <summary>Whether nothing may be parked any more.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_gate)
            {
                return _closed;
            }
        }
    }

    /// <summary>Reserves a parked row. False once closed, and where there are too many.</summary>
    public bool TryPark(out int row)
    {
        lock (_gate)
        {
            int parked = _reserved.Read();
            if (_closed || parked >= limit)
            {
                row = -1;
                return false;
            }

            // Here, where running out of memory costs the caller an exception; publishing must not fail.
            _queue.EnsureCapacity(parked + 1);
            row = RowPlace.Parked + RowPlace.First(lane) + rows.Take();
            _reserved.Add(1);
            return true;
        }
    }

    /// <summary>The parked row is written; null gives it back unused.</summary>
    public void Publish(RowClaim claim, PendingRequest? request)
    {
        lock (_gate)
        {
            if (request is null)
            {
                Free(claim.Row);
            }
            else
            {
                _queue.Enqueue(new Parked(request, request.Ticket, claim));

                // Full fence: the caller looks next whether the device side sleeps, and that side looks here after it said it would.
                _waiting.Add(1);
            }
        }
    }

    /// <summary>Device side: moves requests into the lane it stands behind, or a stripe of that, while there is room.</summary>
    public void Refill(Lane target)
    {
        if (Waiting == 0)
        {
            return;
        }

        lock (_gate)
        {
            while (_queue.TryPeek(out Parked parked))
            {
                long ticket = target.Ring.TryClaimAccepted(out int row);
                if (ticket < 0)
                {
                    return;
                }

                foreach (InputRows input in inputs)
                {
                    input.Unpark(RowPlace.Index(parked.Claim.Row), RowPlace.First(target.Index) + row);
                }

                target.Ring.Publish(ticket, parked.Request, parked.Ticket, parked.Claim.Enqueued);
                _queue.Dequeue();
                _waiting.Add(-1);
                Free(parked.Claim.Row);
            }
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
        }
    }

    /// <summary>Any thread, once closed: ends every parked request.</summary>
    public void FailAll(string batcher, Ledger ledger)
    {
        lock (_gate)
        {
            while (_queue.TryDequeue(out Parked parked))
            {
                _waiting.Add(-1);
                Free(parked.Claim.Row);
                bool refused = parked.Request.TryRefuse(parked.Ticket, new BatcherClosedException(batcher));
                ledger.End(refused ? RequestOutcome.Closed : RequestOutcome.Cancelled);
            }
        }
    }

    /// <summary>
    /// Any thread: ends every parked request whose deadline has passed by <paramref name="now"/>. Its row moves on with the others, to be skipped. False
    /// if nothing is parked.
    /// </summary>
    public bool Expire(long now, string batcher, Ledger ledger)
    {
        if (IsEmpty)
        {
            return false;
        }

        lock (_gate)
        {
            foreach (Parked parked in _queue)
            {
                if (parked.Request.Deadline <= now
                    && parked.Request.TryFail(parked.Ticket, new DeadlineExceededException(batcher), out Continuation continuation))
                {
                    ledger.End(RequestOutcome.Expired);
                    continuation.Queue();
                }
            }
        }

        return true;
    }

    /// <summary>Any thread: ends every parked request, with what <paramref name="fault"/> makes for each, until it makes nothing any more.</summary>
    public void EndAll(Func<FastBatchException?> fault, RequestOutcome outcome, Ledger ledger)
    {
        lock (_gate)
        {
            while (_queue.TryPeek(out Parked parked) && fault() is { } error)
            {
                _queue.Dequeue();
                _waiting.Add(-1);
                Free(parked.Claim.Row);
                ledger.End(parked.Request.TryRefuse(parked.Ticket, error) ? outcome : RequestOutcome.Cancelled);
            }
        }
    }

    /// <summary>Any thread: the oldest parked request that has not ended makes way for a newer one.</summary>
    public void DropOldest(string batcher, Ledger ledger)
    {
        lock (_gate)
        {
            while (_queue.TryDequeue(out Parked parked))
            {
                _waiting.Add(-1);
                Free(parked.Claim.Row);
                if (parked.Request.TryRefuse(parked.Ticket, RequestDroppedException.ForNewer(batcher)))
                {
                    ledger.End(RequestOutcome.Dropped);
                    return;
                }
            }
        }
    }

    private void Free(int row)
    {
        rows.Return(RowPlace.Index(row));
        _reserved.Add(-1);
    }

    // The ticket of the request: by the time its row moves on it may have ended, and serve another caller.
    private readonly record struct Parked(PendingRequest Request, long Ticket, RowClaim Claim);
}
