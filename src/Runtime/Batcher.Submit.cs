using System.ComponentModel;
using System.Diagnostics;
using FastBatch.Completion;
using FastBatch.Diagnostics;
using FastBatch.Execution;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch;

/// <content>
/// How a request gets a row: callers' threads. Invariant: a row that was claimed is published, if only as a tombstone, and nothing between the
/// two can fail but the caller's own code.
/// </content>
public abstract partial class Batcher
{
    private volatile bool _levelsAreTimed;

    /// <summary>
    /// Reserves a row for the request. False if the request has ended instead: cancelled, refused because the batcher is full, or closed.
    /// A row reserved must be published or abandoned. For generated code.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    /// <param name="claim">The row.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected bool TryClaim(PendingRequest request, CancellationToken cancellationToken, out RowClaim claim)
    {
        if (Ledger.Details != RequestDetails.None)
        {
            return TryClaim(request, default, cancellationToken, out claim);
        }

        if (cancellationToken.CanBeCanceled && !request.TryListen(cancellationToken))
        {
            Ledger.End(RequestOutcome.Cancelled);
            claim = default;
            return false;
        }

        if (_isWatched && IsStalled(request))
        {
            claim = default;
            return false;
        }

        long ticket = _lanes.Current.TryClaim(out int row);
        claim = new RowClaim(ticket, row);
        return ticket >= 0 || TryClaimElsewhere(request, _lane, ticket, ref claim);
    }

    /// <summary>
    /// The same, for a request with options of its own; it may also have ended because it would be late. For generated code.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="options">What it asks for.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    /// <param name="claim">The row.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected bool TryClaim(PendingRequest request, RequestOptions options, CancellationToken cancellationToken, out RowClaim claim)
    {
        claim = default;
        bool isNormal = options.Priority == RequestPriority.Normal;
        Lane? lane = isNormal ? _lane : OpenLane(options.Priority);
        if ((Ledger.Details & RequestDetails.Origins) != 0)
        {
            request.NoteOrigin(Activity.Current?.Context ?? default);
        }

        if (cancellationToken.CanBeCanceled && !request.TryListen(cancellationToken))
        {
            Ledger.End(RequestOutcome.Cancelled);
            return false;
        }

        if (_isWatched && IsStalled(request))
        {
            return false;
        }

        long now = Options.TimeProvider.GetTimestamp();
        bool isDue = TryGetDeadline(options, now, out long deadline);
        if (isDue && !TryAdmit(request, options.Priority, deadline, now))
        {
            return false;
        }

        int row = -1;
        long ticket = (isNormal ? _lanes.Current : lane)?.TryClaim(out row) ?? LaneRing.Closed;
        claim = new RowClaim(ticket, row, now);
        if (ticket < 0 && !TryClaimElsewhere(request, lane, ticket, ref claim))
        {
            return false;
        }

        if (isDue)
        {
            _executor.WatchDeadlines();
        }

        return true;
    }

    /// <summary>Hands the written row to the device side. For generated code.</summary>
    /// <param name="claim">The row.</param>
    /// <param name="request">The request.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected void Publish(RowClaim claim, PendingRequest? request)
    {
        if (_requiresFinite && request is not null && FindNonFinite(claim) is { } error)
        {
            Abandon(claim, request, error);
            return;
        }

        if (claim.Row < RowPlace.Size)
        {
            _lane.Ring.Publish(claim.Ticket, request, claim.Enqueued);
            _executor.Notice(claim.Ticket);
            if (_lanes.IsStriped)
            {
                _executor.NoticeFromOutside();
            }
        }
        else
        {
            // Parked, or not in Normal's lane: whatever the device side waits for, it is asked again.
            _lanes[RowPlace.Lane(claim.Row)]!.Publish(claim, request);
            _executor.Notice(WakeMark.Always);
        }
    }

    /// <summary>Gives back a row whose writer threw, and ends the request with what it threw. For generated code.</summary>
    /// <param name="claim">The row.</param>
    /// <param name="request">The request.</param>
    /// <param name="error">What the writer threw.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected void Abandon(RowClaim claim, PendingRequest request, Exception error)
    {
        // Published all the same, as a tombstone: a ticket left out would block every later one.
        Publish(claim, null);
        Ledger.End(request.TryRefuse(error) ? RequestOutcome.Abandoned : RequestOutcome.Cancelled);
    }

    private Lane? OpenLane(RequestPriority priority)
    {
        Lane? lane = _lanes.Open(priority);

        // From now on every request needs its time: levels are told apart by how long their rows have waited.
        if (!_levelsAreTimed)
        {
            Ledger.NoteTimes(true);
            _levelsAreTimed = true;
        }

        return lane;
    }

    // Without a ticket: there may be room in a stripe; if not the request lines up beside the lane, or is refused.
    private bool TryClaimElsewhere(PendingRequest request, Lane? lane, long refusal, ref RowClaim claim)
    {
        if (lane == _lane && refusal == LaneRing.Full && _lanes.IsStriped && Options.Overload != OverloadMode.DropOldest)
        {
            refusal = _lanes.TryClaimAnywhere(out int row);
            claim = new RowClaim(refusal, row, claim.Enqueued);
        }

        return refusal >= 0 || TryPark(request, lane, refusal, ref claim);
    }

    private bool TryPark(PendingRequest request, Lane? lane, long refusal, ref RowClaim claim)
    {
        OverloadMode overload = Options.Overload;
        if (lane is not null && refusal == LaneRing.Full && overload != OverloadMode.Reject)
        {
            if (overload == OverloadMode.DropOldest)
            {
                _lanes.MakeRoom(lane, Name, Ledger);
            }

            if (lane.Overflow.TryPark(out int row))
            {
                claim = new RowClaim(-1, row, claim.Enqueued);
                return true;
            }
        }

        bool rejected = lane is not null && refusal == LaneRing.Full && !lane.Overflow.IsClosed;
        Refuse(
            request,
            rejected ? new BatcherOverloadedException(Name, Capacity, _executor.EstimateBacklog())
                : _executor.Loss is { } loss ? new DeviceLostException(Name, loss)
                : new BatcherClosedException(Name),
            rejected ? RequestOutcome.Rejected : RequestOutcome.Closed);
        return false;
    }

    private void Refuse(PendingRequest request, Exception error, RequestOutcome outcome) =>
        Ledger.End(request.TryRefuse(error) ? outcome : RequestOutcome.Cancelled);

    private bool TryGetDeadline(RequestOptions options, long now, out long deadline)
    {
        long duration = options.Deadline is not { } own ? Settings.Deadline
            : own == Timeout.InfiniteTimeSpan ? 0
            : own > TimeSpan.Zero ? Options.TimeProvider.ToDeadline(own)
            : -1;
        deadline = duration < long.MaxValue - now ? now + duration : long.MaxValue;
        return duration != 0 && deadline != long.MaxValue;
    }

    // Before the request has a row: refuses it if its answer would be late.
    private bool TryAdmit(PendingRequest request, RequestPriority priority, long deadline, long now)
    {
        request.Deadline = deadline;
        if (deadline <= now)
        {
            Refuse(request, new DeadlineExceededException(Name), RequestOutcome.Expired);
            return false;
        }

        long end = _executor.PredictEnd(priority, now);
        if (end > deadline)
        {
            TimeProvider time = Options.TimeProvider;
            Refuse(
                request,
                new BatcherOverloadedException(Name, time.GetElapsedTime(now, deadline), time.GetElapsedTime(deadline, end)),
                RequestOutcome.Rejected);
            return false;
        }

        return true;
    }

    // Refuses the request if the method does not return. A closed batcher says that it is closed.
    private bool IsStalled(PendingRequest request)
    {
        if (_lane.Ring.IsClosed || _executor.FindStall() is not { } stall)
        {
            return false;
        }

        Refuse(request, stall, RequestOutcome.Stalled);
        return true;
    }

    private NonFiniteException? FindNonFinite(RowClaim claim)
    {
        foreach (InputRows rows in _inputs)
        {
            if (rows.FindNonFinite(claim, Name) is { } error)
            {
                return error;
            }
        }

        return null;
    }
}
