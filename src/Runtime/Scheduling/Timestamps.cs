namespace FastBatch.Scheduling;

/// <summary>Durations in the timestamp units of a clock.</summary>
internal static class Timestamps
{
    public static double ToTimestamp(this TimeProvider time, TimeSpan duration) => duration.TotalSeconds * time.TimestampFrequency;

    /// <summary>The same for a deadline: 0 only for none, and never so much that a timestamp and it would not fit.</summary>
    public static long ToDeadline(this TimeProvider time, TimeSpan duration) =>
        duration == TimeSpan.Zero ? 0 : (long)Math.Clamp(time.ToTimestamp(duration), 1, long.MaxValue / 2);
}
