namespace FastBatch.Scheduling;

/// <summary>Durations in the timestamp units of a clock.</summary>
internal static class Timestamps
{
    public static double ToTimestamp(this TimeProvider time, TimeSpan duration) => duration.TotalSeconds * time.TimestampFrequency;

    /// <summary>
    /// The time; something else if the clock throws. For threads that owe callers their answers, or sleep: what throws on the device side ends
    /// the batcher (<see cref="Execution.DeviceExecutor.Loss"/>), and what throws elsewhere would end the process.
    /// </summary>
    public static long GetTimestampOr(this TimeProvider time, long otherwise)
    {
        try
        {
            return time.GetTimestamp();
        }
        catch (Exception)
        {
            return otherwise;
        }
    }

    /// <summary>A deadline in those units: 0 only for none, and never so much that a timestamp and it would not fit.</summary>
    public static long ToDeadline(this TimeProvider time, TimeSpan duration) =>
        duration == TimeSpan.Zero ? 0 : (long)Math.Clamp(time.ToTimestamp(duration), 1, long.MaxValue / 2);
}
