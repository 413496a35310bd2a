using FastBatch.Atomics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution;

/// <summary>
/// Leader and followers on the thread pool, for methods that compute on the CPU. Whoever leads has the device. The leader runs a batch,
/// gives the device up, and only then resumes the batch's callers. When it is done it takes the device again, its caches warm and its
/// callers' next rows all there, unless another thread has: any thread that submits meanwhile has a follower queued at once, and so has a
/// delivery that takes long or whose continuation does not return. At most one thread leads; an offer is taken by one compare-and-swap.
/// </summary>
internal sealed class PoolExecutor : DeviceExecutor, IThreadPoolWorkItem
{
    // How long one thread leads before it lets the pool's other work have it.
    private static readonly TimeSpan Quantum = TimeSpan.FromMilliseconds(4);

    // A caller whose answer was faster than its await goes on at once, and is back in less than it takes to wake a thread.
    private static readonly TimeSpan IdleSpin = TimeSpan.FromMicroseconds(2);

    private readonly double _quantum;

    // 1: whoever makes it 0 leads.
    private AtomicInt32 _offered;

    // 1: a follower is queued and has not looked yet.
    private AtomicInt32 _queued;

    public PoolExecutor(Batcher batcher, PriorityLanes lanes, BatcherOptions options)
        : base(batcher, lanes, options)
    {
        _quantum = options.TimeProvider.ToTimestamp(Quantum);
        TrySleep(lanes.Normal.Ring.ReadMark);
    }

    void IThreadPoolWorkItem.Execute()
    {
        // Full fence, before the look: an offer that relied on this follower is visible now.
        _queued.Exchange(0);
        if (TryTakeOffer())
        {
            LeadSafely();
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
            OfferLead();
        }
    }

    protected override void NoticeSlowDelivery()
    {
        ForgetResumer();
        if (TryTakeUp())
        {
            OfferLead();
        }
    }

    // While this thread waits for callers that another one resumes, that one may take the lead as soon as it is done.
    protected override bool SpinUntil(long until, long ticket, bool forCallers)
    {
        _offered.Write(1);
        while (_offered.Read() == 1 && IsStillToWait(until, ticket, forCallers))
        {
            Pause();
        }

        return TryTakeOffer();
    }

    // What throws does so while this thread has the device.
    private void LeadSafely()
    {
        try
        {
            Lead();
        }
        catch (Exception exception)
        {
            Lose(exception);
            LeadLost();
        }
    }

    private void LeadLost()
    {
        do
        {
            EndLost();
        }
        while (!TrySleep(Lane.Ring.ReadMark));
    }

    private void Lead()
    {
        long? started = null;
        while (true)
        {
            if (Loss is not null)
            {
                LeadLost();
                return;
            }

            Delivery? delivery = TryClose(out long until, out int rows);
            if (delivery is not null)
            {
                Run(delivery);
                started ??= LastEnded;
                if (!DeliverAndReturn(delivery) && !TryTakeOffer())
                {
                    return;
                }

                if (LastEnded - started > _quantum)
                {
                    // To the end of the line: the pool's threads take what they queued themselves before what others did.
                    OfferLead(preferLocal: false);
                    return;
                }
            }
            else if (until == 0 ? !SpinForRow(IdleSpin) && TrySleep(Lane.Ring.ReadMark) : !Wait(until, rows))
            {
                return;
            }
        }
    }

    private bool TryTakeOffer() => _offered.Read() == 1 && _offered.CompareExchange(1, 0);

    private void OfferLead(bool preferLocal = true)
    {
        _offered.Write(1);

        // Full fence even if it fails: then the follower queued earlier looks after this offer.
        if (_queued.CompareExchange(0, 1))
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal);
        }
    }
}
