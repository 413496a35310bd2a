namespace FastBatch.Simulation.Oracles;

/// <summary>
/// The most requests that could have been answered in time by somebody who knew all arrivals beforehand; exact. Requests have the same
/// deadline from their submission, and batches take a + b n.
/// </summary>
/// <remarks>
/// Some best schedule serves rows in order, in batches of neighbours: a row left out of a batch that has room for an older one could take
/// its place, being there and due later. So a batch is the rows i to j, it starts when the device is free and j is there, and all that
/// matters of the past is how many are in time and when the device is free; of two pasts with as many the earlier one is better.
/// A test tries everything on small cases.
/// </remarks>
internal static class ClairvoyantOptimum
{
    /// <summary>How many can be in time.</summary>
    /// <param name="arrivals">In ms, in order.</param>
    /// <param name="device">The cost of a batch; no jitter.</param>
    /// <param name="maxBatchSize">The largest batch.</param>
    /// <param name="deadline">In ms from submission.</param>
    public static int Solve(ReadOnlySpan<double> arrivals, DeviceModel device, int maxBatchSize, double deadline)
    {
        // free[i][k]: when the device can be free at the earliest, with the first i rows decided and k of them in time.
        int count = arrivals.Length;
        double[][] free = [.. Enumerable.Range(0, count + 1).Select(i => Enumerable.Repeat(double.PositiveInfinity, i + 1).ToArray())];
        free[0][0] = 0;
        for (int i = 0; i < count; i++)
        {
            for (int k = 0; k <= i; k++)
            {
                free[i + 1][k] = Math.Min(free[i + 1][k], free[i][k]);
                for (int n = 1; n <= maxBatchSize && i + n <= count && double.IsFinite(free[i][k]); n++)
                {
                    double end = Math.Max(free[i][k], arrivals[i + n - 1]) + device.Mean(n);
                    if (end <= arrivals[i] + deadline)
                    {
                        free[i + n][k + n] = Math.Min(free[i + n][k + n], end);
                    }
                }
            }
        }

        return Array.FindLastIndex(free[count], double.IsFinite);
    }
}
