namespace FastBatch.Diagnostics;

/// <summary>What a <see cref="BatchProfile"/> has measured.</summary>
public sealed record ProfileResult
{
    /// <summary>The batcher's name.</summary>
    public required string Batcher { get; init; }

    /// <summary>The most rows a batch may have.</summary>
    public required int MaxBatchSize { get; init; }

    /// <summary>From the profile's beginning to its end, or to now.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Requests whose times were measured: those of batches that were delivered meanwhile, and submitted meanwhile.</summary>
    public required long Requests { get; init; }

    /// <summary>Requests that ended without a result.</summary>
    public required long Failed { get; init; }

    /// <summary>Batches delivered.</summary>
    public required long Batches { get; init; }

    /// <summary>How long batches ran, summed over batches.</summary>
    public required TimeSpan DeviceTime { get; init; }

    /// <summary>From submission until the caller was resumed, summed over requests.</summary>
    public required TimeSpan Latency { get; init; }

    /// <summary>The parts of <see cref="Latency"/>, each measured by itself.</summary>
    public required ProfilePhases Phases { get; init; }

    /// <summary>How many batches had n rows, at index n.</summary>
    public required IReadOnlyList<long> BatchesBySize { get; init; }

    /// <summary>Why batches were closed when they were.</summary>
    public required IReadOnlyDictionary<BatchCloseReason, long> BatchesByReason { get; init; }

    /// <summary>How latencies are distributed.</summary>
    public required DurationHistogram Latencies { get; init; }

    /// <summary>The last batches, in the order they were delivered; some thousand at most.</summary>
    public required IReadOnlyList<ProfiledBatch> Timeline { get; init; }
}

/// <summary>The parts of what requests take, summed over requests.</summary>
/// <param name="QueueWait">From submission until a batch was made of the request.</param>
/// <param name="Formation">From then until the method was called.</param>
/// <param name="HostToDevice">Rows were copied to the device.</param>
/// <param name="Compute">The method computed.</param>
/// <param name="DeviceToHost">Results were copied back.</param>
/// <param name="Distribution">From the end of the batch until the caller was resumed.</param>
public readonly record struct ProfilePhases(
    TimeSpan QueueWait, TimeSpan Formation, TimeSpan HostToDevice, TimeSpan Compute, TimeSpan DeviceToHost, TimeSpan Distribution)
{
    /// <summary>All of them.</summary>
    public TimeSpan Sum => QueueWait + Formation + HostToDevice + Compute + DeviceToHost + Distribution;
}

/// <summary>One batch on the time line. Times count from the profile's beginning.</summary>
/// <param name="Rows">Its rows.</param>
/// <param name="CloseReason">Why it was closed.</param>
/// <param name="Oldest">When its oldest request was submitted; when it was closed, where that is not known.</param>
/// <param name="Closed">When it was closed.</param>
/// <param name="Started">When the method was called.</param>
/// <param name="OnDevice">When its rows were on the device.</param>
/// <param name="Computed">When the results were there to be copied back.</param>
/// <param name="Ended">When they had been.</param>
/// <param name="Delivered">When all its callers had been resumed.</param>
/// <param name="Backlog">The rows that waited on when it was closed.</param>
/// <param name="HasFailures">Whether requests of it failed.</param>
public readonly record struct ProfiledBatch(
    int Rows, BatchCloseReason CloseReason, TimeSpan Oldest, TimeSpan Closed, TimeSpan Started, TimeSpan OnDevice, TimeSpan Computed,
    TimeSpan Ended, TimeSpan Delivered, int Backlog, bool HasFailures);
