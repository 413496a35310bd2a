namespace FastBatch.Scheduling;

/// <summary>
/// Predicts when a row submitted now would be answered, so that one that would come too late is refused before it takes room. Any thread; of
/// the numbers it is given some may be a batch older than others, which makes the prediction a batch older and does no other harm.
/// </summary>
internal static class Admission
{
    /// <summary>
    /// When the row's batch should end. Rows that will come and make it longer are not counted: if that makes it too late after all, the
    /// guard gives a row up, which costs the device nothing, and a row refused in vain is lost for sure. No later than now while nothing is known of the device.
    /// </summary>
    /// <param name="ahead">Rows that will be taken before it.</param>
    /// <param name="maxBatchSize">The most rows a batch may have.</param>
    /// <param name="cost">What batches take.</param>
    /// <param name="busyUntil">When what runs should end.</param>
    /// <param name="now">The current timestamp.</param>
    public static long PredictEnd(int ahead, int maxBatchSize, in CostEstimate cost, long busyUntil, long now)
    {
        (int batches, int before) = Math.DivRem(ahead, maxBatchSize);
        double end = Math.Max(0, busyUntil - now) + batches * cost.Plan(maxBatchSize) + cost.Plan(before + 1);
        return end < long.MaxValue - now ? now + (long)end : long.MaxValue;
    }
}
