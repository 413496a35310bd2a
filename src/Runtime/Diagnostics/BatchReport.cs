using System.Diagnostics;

namespace FastBatch.Diagnostics;

/// <summary>
/// What became of one batch. Times are timestamps of the batcher's <see cref="TimeProvider"/>, durations are in its units. A batch that did
/// not run (<see cref="Ran"/>) started and ended when it was closed.
/// </summary>
public readonly ref struct BatchReport
{
    private readonly BatchRecord _record;

    internal BatchReport(BatchRecord record) => _record = record;

    /// <summary>Its rows: the requests that were alive when it was closed; at least 1.</summary>
    public int Rows => _record.Rows;

    /// <summary>The most rows it might have had.</summary>
    public int MaxRows => _record.MaxRows;

    /// <summary>Why it was closed.</summary>
    public BatchCloseReason CloseReason => _record.CloseReason;

    /// <summary>Whether the method was called; not if the policy dropped the batch or threw.</summary>
    public bool Ran => _record.Ran;

    /// <summary>Rows still waiting when it was closed, those being written included.</summary>
    public int Backlog => _record.Backlog;

    /// <summary>When it was closed: its rows were fixed from then on.</summary>
    public long Closed => _record.Closed;

    /// <summary>When the method was called.</summary>
    public long Started => _record.Started;

    /// <summary>When the method had returned, and the results were there.</summary>
    public long Ended => _record.Ended;

    /// <summary>When every caller had been resumed, or had been taken in hand by a thread.</summary>
    public long Delivered => _record.Delivered;

    /// <summary>Of the time between start and end: how long rows were copied to the device; 0 where there is nothing to copy.</summary>
    public long HostToDevice => _record.HostToDevice;

    /// <summary>Of the time between start and end: how long results were copied back; 0 where there is nothing to copy.</summary>
    public long DeviceToHost => _record.DeviceToHost;

    /// <summary>Requests whose callers have their results.</summary>
    public int Succeeded => Ran ? Rows - Failed - Cancelled - Gone : 0;

    /// <summary>Requests that failed: the method threw on their rows or gave them a value that must not be, or the policy threw.</summary>
    public int Failed => _record.IsDropped ? 0 : _record.Undelivered;

    /// <summary>Requests that the policy dropped.</summary>
    public int Dropped => _record.IsDropped ? _record.Undelivered : 0;

    /// <summary>Requests whose callers gave up after it was closed.</summary>
    public int Cancelled => _record.Cancelled;

    /// <summary>
    /// Requests that ended while it ran in another way, because the method stalled or the batcher was closed; see
    /// <see cref="BatchObserver.OnEnded"/>.
    /// </summary>
    public int Gone => _record.Gone;

    /// <summary>What the method threw, if it did: the first of what it threw.</summary>
    public Exception? Error => _record.Error;

    /// <summary>
    /// When each of the requests was submitted, oldest first but for a few that took the places of cancelled ones; 0 for those that were
    /// submitted before anybody asked. Empty unless the observers, or the policy, want <see cref="RequestDetails.Times"/>.
    /// </summary>
    public ReadOnlySpan<long> Enqueued => _record.Enqueued;

    /// <summary>
    /// The traces the requests belong to; the default for those that belong to none. Empty unless an observer wants
    /// <see cref="RequestDetails.Origins"/>.
    /// </summary>
    public ReadOnlySpan<ActivityContext> Origins => _record.Origins;

    /// <summary>Timestamp units per second.</summary>
    public long TimestampFrequency => _record.TimestampFrequency;

    /// <summary>When its oldest request was submitted; 0 if that is not known.</summary>
    public long OldestEnqueued
    {
        get
        {
            long oldest = 0;
            foreach (long enqueued in Enqueued)
            {
                oldest = oldest == 0 || (enqueued != 0 && enqueued < oldest) ? enqueued : oldest;
            }

            return oldest;
        }
    }

    /// <summary>How one of its requests ended: <see cref="RequestOutcome.Succeeded"/> also for those of <see cref="Gone"/>.</summary>
    /// <param name="index">The index of the request; less than <see cref="Rows"/>.</param>
    public RequestOutcome Outcome(int index) => _record.Outcome(index);

    /// <summary>The priority of one of its requests.</summary>
    /// <param name="index">The index of the request; less than <see cref="Rows"/>.</param>
    public RequestPriority Priority(int index) => _record.Priority(index);

    /// <summary>
    /// When the request's caller was resumed, by its place among the others: they are resumed one after the other, and nobody looks at the
    /// clock in between.
    /// </summary>
    /// <param name="index">The index of the request; less than <see cref="Rows"/>.</param>
    public long Resumed(int index) => Ended + ((Delivered - Ended) * (index + 1) / Rows);
}
