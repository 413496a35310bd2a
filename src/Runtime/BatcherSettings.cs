using FastBatch.Scheduling;

namespace FastBatch;

/// <summary>
/// What a batcher's options come to, over those of its method. Immutable, and replaced as a whole: the device side reads it once for each
/// batch, so that no decision mixes old settings with new ones.
/// </summary>
internal sealed class BatcherSettings
{
    private readonly string _batcher;
    private readonly int _methodBatchSize;
    private readonly TimeSpan _methodQueueDelay;
    private readonly TimeSpan _methodDeadline;
    private readonly bool _methodUsesGraphs;

    public BatcherSettings(
        string batcher, BatcherOptions options, int maxBatchSize, TimeSpan maxQueueDelay, TimeSpan deadline, bool useCudaGraphs)
    {
        _methodUsesGraphs = useCudaGraphs;
        (_batcher, _methodBatchSize, _methodQueueDelay, _methodDeadline) = (batcher, maxBatchSize, maxQueueDelay, deadline);
        Options = options;
        MaxBatchSize = options.MaxBatchSize ?? maxBatchSize;
        options.Validate(batcher, MaxBatchSize);
        Policy = options.PolicyOr(maxQueueDelay);
        GraphSizes = options.UseCudaGraphs ?? useCudaGraphs ? options.GraphSizes ?? GraphSizes.PowersOfTwo(MaxBatchSize) : null;
        Deadline = options.TimeProvider.ToDeadline(options.Deadline ?? deadline);
    }

    public BatcherOptions Options { get; }

    public int MaxBatchSize { get; }

    public IBatchPolicy Policy { get; }

    /// <summary>How long callers want their answers, in timestamp units; 0 for as long as it takes.</summary>
    public long Deadline { get; }

    /// <summary>To which sizes batches are filled up, to be run as graphs on a device; null where they are not.</summary>
    public GraphSizes? GraphSizes { get; }

    /// <summary>Whether every request has to know when it was submitted.</summary>
    public bool StampsRequests => Policy.UsesEnqueueTime || Deadline > 0;

    /// <summary>These settings with other options; refused where they differ in what is fixed while the batcher serves.</summary>
    /// <param name="options">The other options.</param>
    /// <param name="largestBatch">The rows that there is memory for.</param>
    public BatcherSettings With(BatcherOptions options, int largestBatch)
    {
        var settings = new BatcherSettings(_batcher, options, _methodBatchSize, _methodQueueDelay, _methodDeadline, _methodUsesGraphs);
        options.RequireSameFixed(_batcher, Options);
        options.RequireBatchSize(_batcher, settings.MaxBatchSize, largestBatch);
        return settings;
    }
}
