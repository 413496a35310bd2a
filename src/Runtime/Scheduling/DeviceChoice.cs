namespace FastBatch.Scheduling;

/// <summary>What is known of one of several devices, for the choice among them. Estimates: nothing relies on their fitting together.</summary>
/// <param name="Serves">Whether it takes batches at all.</param>
/// <param name="HasRoom">Whether it could take one now.</param>
/// <param name="InFlight">Batches that it has.</param>
/// <param name="BusyUntil">When it should be done with those.</param>
/// <param name="Cost">What batches take there; all 0 while nothing is known.</param>
/// <param name="MaxRows">The most rows a batch for it may have.</param>
internal readonly record struct DeviceOutlook(bool Serves, bool HasRoom, int InFlight, long BusyUntil, CostEstimate Cost, int MaxRows)
{
    private bool IsKnown => Cost.Mean(1) > 0;

    /// <summary>How long it should go on with what it has. One that is late may be so for as long again.</summary>
    public double Remaining(long now) => InFlight == 0 ? 0 : Math.Abs((double)BusyUntil - now);

    /// <summary>How long until a batch of so many rows would end there. Of a device that has never run one nothing is known, so it is tried when it is idle.</summary>
    public double End(int rows, long now) => IsKnown ? Remaining(now) + Cost.Mean(Math.Min(rows, MaxRows))
        : InFlight == 0 ? 0
        : double.PositiveInfinity;

    /// <summary>How long until all that waits would have ended, if it took all of it.</summary>
    public double EndOfAll(int rows, long now) => IsKnown
        ? Remaining(now) + (Math.Ceiling((double)rows / MaxRows) * Cost.Mean(Math.Min(rows, MaxRows)))
        : double.PositiveInfinity;
}

/// <summary>
/// Which of several devices takes the next batch: the one that should be done with it first, though it may have to be waited for. One that is
/// slower takes it if it would end no later there than the fastest could end all that waits: then waiting gains nobody anything. Pure.
/// </summary>
internal static class DeviceChoice
{
    /// <summary>The number of the device; that of the current one if none serves.</summary>
    /// <param name="devices">All devices.</param>
    /// <param name="waiting">Rows that wait; at least 1.</param>
    /// <param name="current">The device that would have to hand over to another.</param>
    /// <param name="handOver">What that takes, in timestamp units: it must gain more.</param>
    /// <param name="now">The current timestamp.</param>
    public static int Choose(ReadOnlySpan<DeviceOutlook> devices, int waiting, int current, double handOver, long now)
    {
        int best = Earliest(devices, waiting, current, handOver, now, roomOnly: false);
        if (best < 0 || devices[best].HasRoom)
        {
            return best < 0 ? current : best;
        }

        int other = Earliest(devices, waiting, current, handOver, now, roomOnly: true);
        return other >= 0 && devices[other].End(waiting, now) <= devices[best].EndOfAll(waiting, now) ? other : best;
    }

    private static int Earliest(
        ReadOnlySpan<DeviceOutlook> devices, int waiting, int current, double handOver, long now, bool roomOnly)
    {
        int best = -1;
        (double, int, int) least = default;
        for (int i = 0; i < devices.Length; i++)
        {
            ref readonly DeviceOutlook device = ref devices[i];
            if (!device.Serves || (roomOnly && !device.HasRoom))
            {
                continue;
            }

            // Among equals one that has room, then the one with fewer batches, then the current one, which need not hand over.
            (double, int, int) rank = (
                device.End(waiting, now) + (i == current ? 0 : handOver), device.HasRoom ? 0 : 1, (2 * device.InFlight) + (i == current ? 0 : 1));
            if (best < 0 || rank.CompareTo(least) < 0)
            {
                (best, least) = (i, rank);
            }
        }

        return best;
    }
}
