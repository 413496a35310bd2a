namespace FastBatch.Scheduling;

/// <summary>
/// Decides when waiting rows become a batch. Pure: no thread, clock or lock; the same question gets the same answer, and the same
/// instance may be asked from different threads, one at a time per batcher.
/// </summary>
public interface IBatchPolicy
{
    /// <summary>
    /// Asked when the device is free and at least one row waits; asked again when more rows wait, when the callers of the last batch
    /// have been resumed, and when a time it named has come.
    /// </summary>
    /// <param name="queue">What is known of the queue and the device.</param>
    /// <param name="now">The current timestamp of the batcher's <see cref="TimeProvider"/>.</param>
    BatchDecision Decide(in QueueSnapshot queue, long now);

    /// <summary>
    /// Whether <see cref="Decide"/> looks at <see cref="QueueSnapshot.OldestEnqueued"/> and may let rows wait for longer than it takes to
    /// resume callers. Costs a timestamp per request, and makes the batcher use a thread of its own. Constant.
    /// </summary>
    bool UsesEnqueueTime => false;

    /// <summary>
    /// Whether <see cref="Decide"/> looks at <see cref="QueueSnapshot.FixedCost"/>, <see cref="QueueSnapshot.CostPerRow"/> or
    /// <see cref="QueueSnapshot.ArrivalRate"/>. Costs some nanoseconds per batch. Constant.
    /// </summary>
    bool UsesEstimates => false;
}
