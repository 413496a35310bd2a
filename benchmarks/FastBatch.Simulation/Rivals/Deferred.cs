using FastBatch.Scheduling;

namespace FastBatch.Simulation.Rivals;

/// <summary>
/// Deferred batching (Symphony, Proteus): a batch that is not full starts as late as the deadline of its oldest row allows with one row
/// more, so that it is as full as can be; rows that cannot make it any more are dropped from the front. Gets FastBatch's cost model, and
/// a tenth of headroom for scatter.
/// </summary>
internal sealed class Deferred(double maxLatency) : IBatchPolicy
{
    private const double Headroom = 1.1;

    public bool UsesEnqueueTime => true;

    public bool UsesEstimates => true;

    public BatchDecision Decide(in QueueSnapshot queue, long now)
    {
        long due = queue.OldestEnqueued + VirtualTime.FromMilliseconds(maxLatency);
        if (now + Time(queue, queue.Waiting) > due)
        {
            return BatchDecision.Drop(1);
        }

        long latest = due - Time(queue, queue.Waiting + 1);
        return queue.Waiting == queue.MaxBatchSize || now >= latest
            ? BatchDecision.Dispatch(queue.Waiting)
            : BatchDecision.WaitUntil(latest, queue.Waiting + 1);
    }

    private static long Time(in QueueSnapshot queue, int rows) => (long)(Headroom * (queue.FixedCost + queue.CostPerRow * rows));
}
