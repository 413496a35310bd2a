namespace FastBatch.Diagnostics;

/// <summary>How durations are distributed; each is at most 1.6 % off.</summary>
public sealed class DurationHistogram
{
    internal DurationHistogram(DurationCounts counts, long frequency)
    {
        TimeSpan Of(double timestamps) => TimeSpan.FromSeconds(timestamps / frequency);
        Count = counts.Count;
        (P50, P90, P99, P999, Max) = (
            Of(counts.Percentile(0.5)), Of(counts.Percentile(0.9)), Of(counts.Percentile(0.99)), Of(counts.Percentile(0.999)), Of(counts.Max));
        Counts = [.. Enumerable.Range(0, DurationCounts.Buckets)
            .Where(bucket => counts[bucket] > 0)
            .Select(bucket => new KeyValuePair<TimeSpan, long>(Of(DurationCounts.Middle(bucket)), counts[bucket]))];
    }

    /// <summary>How many there are.</summary>
    public long Count { get; }

    /// <summary>Half of them are no longer.</summary>
    public TimeSpan P50 { get; }

    /// <summary>90 % are no longer.</summary>
    public TimeSpan P90 { get; }

    /// <summary>99 % are no longer.</summary>
    public TimeSpan P99 { get; }

    /// <summary>99.9 % are no longer.</summary>
    public TimeSpan P999 { get; }

    /// <summary>The longest.</summary>
    public TimeSpan Max { get; }

    /// <summary>How many there are of about each duration, in order; durations there are none of are left out.</summary>
    public IReadOnlyList<KeyValuePair<TimeSpan, long>> Counts { get; }
}
