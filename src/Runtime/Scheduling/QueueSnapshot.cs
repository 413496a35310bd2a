namespace FastBatch.Scheduling;

/// <summary>What an <see cref="IBatchPolicy"/> knows when it decides.</summary>
public readonly record struct QueueSnapshot
{
    /// <summary>An empty snapshot, to be filled in.</summary>
    public QueueSnapshot()
    {
    }

    /// <summary>The rows that could run now, at most <see cref="MaxBatchSize"/>; at least 1.</summary>
    public required int Waiting { get; init; }

    /// <summary>The most rows one batch may have.</summary>
    public required int MaxBatchSize { get; init; }

    /// <summary>All rows submitted and not yet run, those being written included.</summary>
    public int Backlog { get; init; }

    /// <summary>When the oldest waiting row was submitted; 0 unless <see cref="IBatchPolicy.UsesEnqueueTime"/>.</summary>
    public long OldestEnqueued { get; init; }

    /// <summary>When the newest waiting row was submitted; 0 unless <see cref="IBatchPolicy.UsesEnqueueTime"/>.</summary>
    public long NewestEnqueued { get; init; }

    /// <summary>The earliest deadline of the waiting rows; <see cref="long.MaxValue"/> if none has one. A wait never lasts past it.</summary>
    public long EarliestDeadline { get; init; } = long.MaxValue;

    /// <summary>The callers of earlier batches that are being resumed at this moment; closed-loop callers will submit again at once.</summary>
    public int Resuming { get; init; }

    /// <summary>When a thread began to resume callers that is not the device's and had to wake for it; 0 if none ever did.</summary>
    public long ResumingSince { get; init; }

    /// <summary>When the last batch ended; 0 before the first.</summary>
    public long LastBatchEnded { get; init; }

    /// <summary>How long the last batch ran, in timestamp units; 0 before the first.</summary>
    public long LastBatchDuration { get; init; }

    /// <summary>
    /// What any batch costs however few its rows, learned, in timestamp units; 0 before the first batches. Up to date
    /// only if <see cref="IBatchPolicy.UsesEstimates"/>.
    /// </summary>
    public double FixedCost { get; init; }

    /// <summary>What each row adds to the cost of a batch; as <see cref="FixedCost"/>.</summary>
    public double CostPerRow { get; init; }

    /// <summary>Rows submitted per timestamp unit of late; as <see cref="FixedCost"/>.</summary>
    public double ArrivalRate { get; init; }

    /// <summary>Timestamp units per second.</summary>
    public required long TimestampFrequency { get; init; }

    /// <summary>A duration in timestamp units.</summary>
    /// <param name="duration">The duration.</param>
    public long ToTimestamp(TimeSpan duration) => (long)(duration.Ticks * (double)TimestampFrequency / TimeSpan.TicksPerSecond);
}
