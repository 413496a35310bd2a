namespace FastBatch.Scheduling;

/// <summary>
/// Run when the batch is full or the oldest row has waited <c>maxQueueDelay</c> since it was submitted, whichever is first. The rule of
/// Triton's dynamic batcher and most others: worth it where device time is dear, never for latency.
/// </summary>
/// <param name="maxQueueDelay">How long the oldest row may wait; not negative.</param>
/// <param name="size">The rows that make a batch full enough to run; 0 for <see cref="QueueSnapshot.MaxBatchSize"/>.</param>
public sealed class SizeOrDelayPolicy(TimeSpan maxQueueDelay, int size = 0) : IBatchPolicy
{
    private readonly int[] _preferred = [];

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

    /// <summary>
    /// Sizes that the method runs best at, in any order; each at least 1. As soon as one can be formed the largest such batch runs; others
    /// only when the delay is over. Empty for none.
    /// </summary>
    public IReadOnlyList<int> PreferredBatchSizes
    {
        get => _preferred;
        init => _preferred = value.All(size => size >= 1)
            ? [.. value.Distinct().Order()]
            : throw new ArgumentOutOfRangeException(nameof(value), string.Join(", ", value), "Preferred batch sizes must be at least 1.");
    }

    /// <inheritdoc/>
    public BatchDecision Decide(in QueueSnapshot queue, long now)
    {
        int full = Size == 0 ? queue.MaxBatchSize : Math.Min(Size, queue.MaxBatchSize);
        long delay = queue.ToTimestamp(MaxQueueDelay);
        long due = delay > long.MaxValue - queue.OldestEnqueued ? long.MaxValue : queue.OldestEnqueued + delay;
        if (queue.Waiting >= full || now >= due)
        {
            return BatchDecision.Dispatch(queue.Waiting);
        }

        (int best, int next) = Preferred(queue.Waiting, full);
        return best > 0 ? BatchDecision.Dispatch(best) : BatchDecision.WaitUntil(due, next);
    }

    // The largest preferred size there are rows for, or 0, and the next one up.
    private (int Best, int Next) Preferred(int waiting, int full)
    {
        int best = 0;
        foreach (int size in _preferred)
        {
            if (size > waiting)
            {
                return (best, Math.Min(size, full));
            }

            best = size;
        }

        return (best, full);
    }
}
