namespace FastBatch.Scheduling;

/// <summary>
/// Run what waits as soon as the device is free: no window buys latency back. The one thing worth waiting for, and only for a fraction
/// of the last batch's duration, are the last batch's own callers while they are being resumed: in a closed loop they all submit again
/// at once, and a batch closed before they do is half empty.
/// </summary>
public sealed class WorkConservingPolicy : IBatchPolicy
{
    // Resuming a batch of callers that submit again takes some ten microseconds.
    private static readonly TimeSpan ShortestHandshake = TimeSpan.FromMicroseconds(20);
    private static readonly TimeSpan LongestHandshake = TimeSpan.FromMicroseconds(50);
    private const int HandshakeFraction = 8;

    // Where another thread resumes them, which has to wake first: how long after the batch that is waited for, and no longer than that ran.
    private static readonly TimeSpan LatestResuming = TimeSpan.FromMicroseconds(200);

    /// <summary>The policy has no state: one instance serves every batcher.</summary>
    public static WorkConservingPolicy Instance { get; } = new();

    /// <inheritdoc/>
    public BatchDecision Decide(in QueueSnapshot queue, long now)
    {
        if (queue.Resuming > 0 && queue.Waiting < queue.MaxBatchSize)
        {
            long patience = Math.Clamp(
                queue.LastBatchDuration / HandshakeFraction,
                queue.ToTimestamp(ShortestHandshake),
                queue.ToTimestamp(LongestHandshake));
            long latest = queue.LastBatchEnded + Math.Clamp(queue.LastBatchDuration, 0, queue.ToTimestamp(LatestResuming));
            long until = Math.Clamp(queue.ResumingSince, queue.LastBatchEnded, latest) + patience;
            if (now < until)
            {
                return BatchDecision.WaitUntil(until, queue.MaxBatchSize);
            }
        }

        return BatchDecision.Dispatch(queue.Waiting);
    }
}
