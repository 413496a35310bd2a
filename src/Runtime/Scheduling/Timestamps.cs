namespace FastBatch.Scheduling;

/// <summary>Durations in the timestamp units of a clock.</summary>
internal static class Timestamps
{
    public static double ToTimestamp(this TimeProvider time, TimeSpan duration) => duration.TotalSeconds * time.TimestampFrequency;
}
