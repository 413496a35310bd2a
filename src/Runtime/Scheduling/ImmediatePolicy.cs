namespace FastBatch.Scheduling;

/// <summary>
/// Run what waits the moment the device is free, waiting for nothing at all: not even, as the <see cref="WorkConservingPolicy"/> does for some
/// microseconds, for the last batch's callers to be resumed and submit again.
/// </summary>
public sealed class ImmediatePolicy : IBatchPolicy
{
    /// <summary>The policy has no state: one instance serves every batcher.</summary>
    public static ImmediatePolicy Instance { get; } = new();

    /// <inheritdoc/>
    public BatchDecision Decide(in QueueSnapshot queue, long now) => BatchDecision.Dispatch(queue.Waiting);
}
