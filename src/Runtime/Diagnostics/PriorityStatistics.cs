namespace FastBatch.Diagnostics;

/// <summary>How the requests of one priority fare; see <see cref="BatcherStatistics.Of"/>. All zero for one that was never used.</summary>
public readonly record struct PriorityStatistics
{
    /// <summary>Requests that have got a place in the queue so far, and those that wait for room now.</summary>
    public long Submitted { get; init; }

    /// <summary>Rows submitted and not yet taken into a batch.</summary>
    public int QueueLength { get; init; }

    /// <summary>From submission until a batch was made of the request; see <see cref="BatcherStatistics.Wait"/>.</summary>
    public LatencySummary Wait { get; init; }

    /// <summary>From submission until the caller was resumed; see <see cref="BatcherStatistics.Latency"/>.</summary>
    public LatencySummary Latency { get; init; }

    internal long Taken => Submitted - QueueLength;
}

/// <summary>Those of all priorities.</summary>
internal readonly record struct PriorityStatisticsSet(
    PriorityStatistics Low, PriorityStatistics Normal, PriorityStatistics High, PriorityStatistics Critical)
{
    public PriorityStatistics Of(RequestPriority priority) => priority switch
    {
        RequestPriority.Low => Low,
        RequestPriority.Normal => Normal,
        RequestPriority.High => High,
        RequestPriority.Critical => Critical,
        _ => throw new ArgumentOutOfRangeException(nameof(priority), priority, $"The priority must be a defined value; it is {priority}."),
    };
}
