namespace FastBatch.Scheduling;

/// <summary>
/// Run when the batch is full or the oldest row has waited <c>maxQueueDelay</c> since it was submitted, whichever is first. The rule of
/// Triton's dynamic batcher and most others: worth it where device time is dear, never for latency.
/// </summary>
/// <param name="maxQueueDelay">How long the oldest row may wait; not negative.</param>
/// <param name="size">The rows that make a batch full enough to run; 0 for <see cref="QueueSnapshot.MaxBatchSize"/>.</param>
public sealed class SizeOrDelayPolicy(TimeSpan maxQueueDelay, int size = 0) : IBatchPolicy
{
    /// <summary>How long the oldest row may wait.</summary>
    public TimeSpan MaxQueueDelay { get; } = maxQueueDelay >= TimeSpan.Zero
        ? maxQueueDelay
        : throw new ArgumentOutOfRangeException(nameof(maxQueueDelay), maxQueueDelay, "The delay must not be negative.");

    /// <summary>The rows that make a batch full enough to run; 0 for the largest batch.</summary>
    public int Size { get; } = size >= 0
        ? size
        : throw new ArgumentOutOfRangeException(nameof(size), size, "The size must not be negative.");

    /// <inheritdoc/>
    public bool UsesEnqueueTime => true;

    /// <inheritdoc/>
    public BatchDecision Decide(in QueueSnapshot queue, long now)
    {
        int full = Size == 0 ? queue.MaxBatchSize : Math.Min(Size, queue.MaxBatchSize);
        long delay = queue.ToTimestamp(MaxQueueDelay);
        long due = delay > long.MaxValue - queue.OldestEnqueued ? long.MaxValue : queue.OldestEnqueued + delay;
        return queue.Waiting >= full || now >= due
            ? BatchDecision.Dispatch(queue.Waiting)
            : BatchDecision.WaitUntil(due, full);
    }
}
