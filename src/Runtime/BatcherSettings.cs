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

    public BatcherSettings(string batcher, BatcherOptions options, int maxBatchSize, TimeSpan maxQueueDelay)
    {
        (_batcher, _methodBatchSize, _methodQueueDelay) = (batcher, maxBatchSize, maxQueueDelay);
        Options = options;
        MaxBatchSize = options.MaxBatchSize ?? maxBatchSize;
        options.Validate(batcher, MaxBatchSize);
        Policy = options.PolicyOr(maxQueueDelay);
    }

    public BatcherOptions Options { get; }

    public int MaxBatchSize { get; }

    public IBatchPolicy Policy { get; }

    /// <summary>These settings with other options; refused where they differ in what is fixed while the batcher serves.</summary>
    /// <param name="options">The other options.</param>
    /// <param name="largestBatch">The rows that there is memory for.</param>
    public BatcherSettings With(BatcherOptions options, int largestBatch)
    {
        var settings = new BatcherSettings(_batcher, options, _methodBatchSize, _methodQueueDelay);
        options.RequireSameFixed(_batcher, Options);
        options.RequireBatchSize(_batcher, settings.MaxBatchSize, largestBatch);
        return settings;
    }
}
