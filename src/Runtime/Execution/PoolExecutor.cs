using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution;

/// <summary>
/// Leader and followers on the thread pool, for methods that compute on the CPU: the pool thread that finds rows leads. It runs one batch,
/// gives the lead away, and only then resumes the batch's callers itself, while another thread may lead already. At most one thread
/// leads; the work item of this object is queued exactly when the lead is given to someone new.
/// </summary>
internal sealed class PoolExecutor : DeviceExecutor, IThreadPoolWorkItem
{
    public PoolExecutor(Batcher batcher, Lane lane, IBatchPolicy policy, BatcherOptions options)
        : base(batcher, lane, policy, options) => TrySleep(lane.Ring.ReadMark);

    void IThreadPoolWorkItem.Execute()
    {
        while (true)
        {
            Delivery? delivery = TryClose(out long until, out int rows);
            if (delivery is not null)
            {
                Run(delivery);
                PassLead();
                Desk.DeliverHere(delivery);
                return;
            }

            if (until != 0)
            {
                Wait(until, rows);
            }
            else if (TrySleep(Lane.Ring.ReadMark))
            {
                return;
            }
        }
    }

    protected override void Wake()
    {
        if (IsParked)
        {
            base.Wake();
        }
        else
        {
            QueueLead();
        }
    }

    protected override void Stop()
    {
    }

    private void PassLead()
    {
        if (Lane.Ring.IsPublished(Lane.Ring.ReadMark) || !TrySleep(Lane.Ring.ReadMark))
        {
            QueueLead();
        }
    }

    private void QueueLead() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
}
