namespace FastBatch.Scheduling;

/// <summary>
/// When to close the next batch for a device that is still busy with another. Closed at once, rows that come meanwhile miss it; closed when
/// the device is free, it waits for the copy of the rows. So: just early enough for the copy.
/// </summary>
internal static class LateClose
{
    // Deviations by which to be early: closing too late idles the device, closing too early costs a few rows their place.
    private const double Headroom = 1;

    /// <summary>When to close. In the past if the device is idle or about to be.</summary>
    /// <param name="started">When what runs has started.</param>
    /// <param name="busyUntil">When what runs should end.</param>
    /// <param name="cost">What batches take.</param>
    /// <param name="copy">What the rows' copy to the device takes, and the launch.</param>
    /// <param name="rows">Rows that wait.</param>
    public static long At(long started, long busyUntil, in CostEstimate cost, in CostEstimate copy, int rows)
    {
        double margin = Headroom * cost.Deviation * (busyUntil - started);
        return busyUntil - (long)(copy.Mean(rows) + margin);
    }
}
