namespace FastBatch.Diagnostics;

/// <summary>How durations were distributed over the last 10 to 20 seconds; each is at most 1.6 % off. All zero where nothing was measured.</summary>
public readonly record struct LatencySummary
{
    /// <summary>The requests measured.</summary>
    public long Count { get; init; }

    /// <summary>The mean.</summary>
    public TimeSpan Mean { get; init; }

    /// <summary>Half of the requests took no longer.</summary>
    public TimeSpan P50 { get; init; }

    /// <summary>90 % took no longer.</summary>
    public TimeSpan P90 { get; init; }

    /// <summary>99 % took no longer.</summary>
    public TimeSpan P99 { get; init; }

    /// <summary>99.9 % took no longer.</summary>
    public TimeSpan P999 { get; init; }

    /// <summary>The longest.</summary>
    public TimeSpan Max { get; init; }
}
