namespace FastBatch.Scheduling;

/// <summary>
/// Trades latency for device time at a price: minimises the summed time requests take plus <c>deviceCost</c> times the time the device is
/// busy. Runs what waits once it is at least the control limit Q*, computed from the learned cost of a batch and the rate of arrivals; where
/// device time is free Q* is 1, and this is the <see cref="WorkConservingPolicy"/>. Rows wait no longer when arrivals dry up, and never
/// longer than <c>maxQueueDelay</c> for a fuller batch.
/// </summary>
public sealed class AdaptivePolicy : IBatchPolicy
{
    // With steady random arrivals, one gap in some 400 is longer than this many mean gaps: then the rows expected are not coming.
    private const double LongestGap = 6;

    /// <summary>A policy with a price and a limit.</summary>
    /// <param name="deviceCost">How many milliseconds of waiting, summed over requests, saving a millisecond of device time is worth.</param>
    /// <param name="maxQueueDelay">How long the oldest row may wait while the device is free; null for no limit but the price's.</param>
    public AdaptivePolicy(double deviceCost, TimeSpan? maxQueueDelay = null)
    {
        if (!(deviceCost >= 0 && double.IsFinite(deviceCost)))
        {
            throw new ArgumentOutOfRangeException(nameof(deviceCost), deviceCost, "The price of device time must be finite and not negative.");
        }

        if (maxQueueDelay < TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(nameof(maxQueueDelay), maxQueueDelay, "The delay must not be negative.");
        }

        (DeviceCost, MaxQueueDelay) = (deviceCost, maxQueueDelay);
    }

    /// <summary>How many milliseconds of waiting, summed over requests, saving a millisecond of device time is worth.</summary>
    public double DeviceCost { get; }

    /// <summary>How long the oldest row may wait while the device is free; null for no limit but the price's.</summary>
    public TimeSpan? MaxQueueDelay { get; }

    /// <inheritdoc/>
    public bool UsesEnqueueTime => DeviceCost > 0;

    /// <inheritdoc/>
    public bool UsesEstimates => DeviceCost > 0;

    /// <inheritdoc/>
    public BatchDecision Decide(in QueueSnapshot queue, long now)
    {
        int limit = ControlLimit(queue);
        if (queue.Waiting >= limit)
        {
            return WorkConservingPolicy.Instance.Decide(queue, now);
        }

        long due = Later(queue.NewestEnqueued, LongestGap / queue.ArrivalRate);
        if (MaxQueueDelay is { } delay)
        {
            due = Math.Min(due, Later(queue.OldestEnqueued, queue.ToTimestamp(delay)));
        }

        return now >= due ? BatchDecision.Dispatch(queue.Waiting) : BatchDecision.WaitUntil(due, limit);
    }

    /// <summary>Q*: the fewest rows worth a run of the device. At least 1, at most the largest batch.</summary>
    /// <param name="queue">What is known of the device and of arrivals.</param>
    public int ControlLimit(in QueueSnapshot queue)
    {
        if (DeviceCost == 0 || queue.ArrivalRate <= 0)
        {
            return 1;
        }

        // The square-root rule for order sizes. A run at Q rows costs p a; waiting for one row more costs Q / rate, and every row that comes
        // lengthens the run for those before it, which adds 2 b rate. The next row is worth its wait while Q (Q + 1) is less than this:
        double worth = 2 * queue.ArrivalRate * DeviceCost * queue.FixedCost / (1 + 2 * queue.ArrivalRate * queue.CostPerRow);
        return (int)Math.Clamp(Math.Ceiling(Math.Sqrt(worth + 0.25) - 0.5), 1, queue.MaxBatchSize);
    }

    private static long Later(long timestamp, double duration) =>
        duration < long.MaxValue - timestamp ? timestamp + (long)duration : long.MaxValue;
}
