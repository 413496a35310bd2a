namespace FastBatch.Scheduling;

/// <summary>
/// Predicts when a row submitted now would be answered, so that one that would come too late is refused before it takes room. Any thread; of
/// the numbers it is given some may be a batch older than others, which makes the prediction a batch older and does no other harm.
/// </summary>
internal static class Admission
{
    // In timestamp units: of a device of which nothing is known.
    private const double SmallestCost = 1e-9;

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

    /// <summary>The same where several devices take batches: each when it is free, so that their capacities add up.</summary>
    /// <param name="ahead">Rows that will be taken before it.</param>
    /// <param name="devices">Those that take batches; at least one.</param>
    /// <param name="now">The current timestamp.</param>
    public static long PredictEnd(int ahead, ReadOnlySpan<DeviceOutlook> devices, long now)
    {
        // What runs until a time t, in rows, is the sum over devices of N (t - free) / T(N). Solved for the rows ahead of this one, device by
        // device in the order in which they are free.
        Span<double> free = stackalloc double[devices.Length];
        Span<double> rate = stackalloc double[devices.Length];
        for (int i = 0; i < devices.Length; i++)
        {
            free[i] = devices[i].Remaining(now);
            rate[i] = devices[i].MaxRows / Math.Max(SmallestCost, devices[i].Cost.Plan(devices[i].MaxRows));
        }

        free.Sort(rate);
        (double rows, double sum, double time) = (ahead, 0, free[0]);
        for (int i = 0; i < devices.Length && rows > 0; i++)
        {
            double done = sum * (free[i] - time);
            if (done >= rows)
            {
                break;
            }

            (rows, sum, time) = (rows - done, sum + rate[i], free[i]);
        }

        double begins = rows > 0 && sum > 0 ? time + rows / sum : free[0];
        double end = double.PositiveInfinity;
        foreach (ref readonly DeviceOutlook device in devices)
        {
            int before = ahead % device.MaxRows;
            end = Math.Min(end, Math.Max(begins, device.Remaining(now)) + device.Cost.Plan(before + 1));
        }

        return end < long.MaxValue - now ? now + (long)end : long.MaxValue;
    }
}
