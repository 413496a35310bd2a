using System.Diagnostics;
using FastBatch.Atomics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution;

/// <summary>
/// Leader and followers on the thread pool, for methods that compute on the CPU. Whoever leads has the device. The leader runs a batch,
/// gives the device up, and only then resumes the batch's callers. When it is done it takes the device again, its caches warm and its
/// callers' next rows all there, unless another thread has: any thread that submits meanwhile has a follower queued, unless the leader will be
/// back before that could run, and so has a delivery that takes long or whose continuation does not return. At most one thread leads; an offer
/// is taken by one compare-and-swap.
/// </summary>
internal sealed class PoolExecutor : DeviceExecutor, IThreadPoolWorkItem
{
    // How long one thread leads before it lets the pool's other work have it.
    private static readonly TimeSpan Quantum = TimeSpan.FromMilliseconds(4);

    // A caller whose answer was faster than its await goes on at once, and is back in less than it takes to wake a thread.
    private static readonly TimeSpan IdleSpin = TimeSpan.FromMicroseconds(2);

    // Above this a second thread is worth its while, whatever it takes to wake it; below it is tried, and the one waits for the other.
    private static readonly TimeSpan ShortBatch = TimeSpan.FromMicroseconds(20);

    // What it takes until a thread that is woken does what it was woken for, on a core that may have other work.
    private static readonly TimeSpan WakeUp = TimeSpan.FromMicroseconds(40);

    // Threads that take turns are back sooner, unless their callers hold them up.
    private static readonly TimeSpan LongestTurn = TimeSpan.FromMicroseconds(200);

    private readonly double _quantum;
    private readonly long _longestTurn;
    private readonly long _shortBatch;
    private readonly long _wakeUp;
    private readonly OverlapTrial _trial;

    // 1: whoever makes it 0 leads.
    private AtomicInt32 _offered;

    // When the batch had ended after which it was offered last in turn.
    private long _turn;

    // 1: a follower is queued and has not looked yet.
    private AtomicInt32 _queued;

    // Threads that have resumed their callers and wait for the lead.
    private AtomicInt32 _awaiting;

    public PoolExecutor(Batcher batcher, PriorityLanes lanes, BatcherOptions options)
        : base(batcher, lanes, options)
    {
        _quantum = options.TimeProvider.ToTimestamp(Quantum);
        _shortBatch = (long)options.TimeProvider.ToTimestamp(ShortBatch);
        _wakeUp = (long)options.TimeProvider.ToTimestamp(WakeUp);
        _longestTurn = (long)options.TimeProvider.ToTimestamp(LongestTurn);
        _trial = new OverlapTrial(options.TimeProvider);
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

    /// <inheritdoc/>
    public override void NoticeFromOutside()
    {
        if (_offered.Read() == 1 && Time.GetTimestampOr(0) - Volatile.Read(ref _turn) > _longestTurn)
        {
            QueueFollower();
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

    protected override void NoticeSlowDelivery(bool isStuck)
    {
        ForgetResumer();
        if (TryTakeUp())
        {
            OfferLead();
        }
        else if (_offered.Read() == 1 && (isStuck || !Lanes.AllStripesTaken))
        {
            // It may rely on the thread that takes so long.
            QueueFollower();
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
        Lanes.Leave();
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
                RunOnly(delivery);
                started ??= LastEnded;
                if (!DeliverAndReturn(delivery))
                {
                    return;
                }

                if (LastEnded - started > _quantum)
                {
                    // But for its own follower.
                    if (ThreadPool.PendingWorkItemCount > _queued.Read())
                    {
                        Lanes.Leave();

                        // To the end of the line: the pool's threads take what they queued themselves before what others did.
                        OfferLead(preferLocal: false);
                        return;
                    }

                    started = LastEnded;
                }
            }
            else
            {
                // Nobody relies on a thread that sleeps.
                Lanes.Leave();
                if (until == 0 ? !SpinForRow(IdleSpin) && TrySleep(Lane.Ring.ReadMark) : !Wait(until, rows))
                {
                    return;
                }
            }
        }
    }

    // Gives the device up and resumes the batch's callers on this thread. True if the device is this thread's again after.
    private bool DeliverAndReturn(Delivery delivery)
    {
        (long ended, long duration) = (LastEnded, Scheduler.LastDuration);
        bool isShort = duration <= _shortBatch;
        if (isShort && TakesTurns(delivery.Batch.Count, ended))
        {
            return DeliverInTurn(delivery, ended, duration);
        }

        Lanes.Leave();
        Free(delivery);

        // Who is woken for less finds this thread back already.
        bool isSoonBack = Desk.AreQuick(delivery.Batch.Count, _wakeUp) && delivery.Batch.Record is null;
        bool overlaps = !isShort && !isSoonBack && Lanes.HasFullBatch(Settings.MaxBatchSize);
        GiveUp(Lane.Ring.ReadMark, backBy: isSoonBack ? ended + (2 * _wakeUp) : long.MinValue);

        // From here on another thread may have the device.
        if (overlaps)
        {
            NoticeSlowDelivery(isStuck: false);
        }

        bool isFree = Desk.DeliverHere(delivery, ended, duration);
        return Regain(delivery, isFree, TakeUpAgain() || TryTakeOffer());
    }

    // The same where another thread runs the next batch meanwhile. They take turns, so none is woken for it while enough of them are at it, and one too
    // many goes away. A thread keeps its stripe while it leads, so that no other gets it.
    private bool DeliverInTurn(Delivery delivery, long ended, long duration)
    {
        Lane? stripe = Lanes.Enter();
        Free(delivery, stripe);
        Volatile.Write(ref _turn, ended);
        OfferLead(reliesOnOthers: true);

        // From here on another thread may have the device.
        bool isFree = Desk.DeliverHere(delivery, ended, duration);

        // Whoever offers looks again, for those it relied on may be stuck; but one too many is not waiting for the others to be.
        bool hasDevice = TryTakeUp() || (stripe is not null && AwaitOffer());
        if (!hasDevice)
        {
            // An offer that relied on this thread is visible now.
            Lanes.Leave();
            hasDevice = TryTakeOffer();
        }

        return Regain(delivery, isFree, hasDevice);
    }

    private bool Regain(Delivery delivery, bool isFree, bool hasDevice)
    {
        if (isFree)
        {
            Keep(delivery, hasDevice);
        }

        return hasDevice;
    }

    // With short batches a second thread that resumes callers is only worth its while if each keeps to its own, in stripes, and if it is measured to be. And
    // only callers that let their thread go can be relied on.
    private bool TakesTurns(int rows, long ended)
    {
        // Whether there are two full batches for each, counted alike whether one of them is at it or all: callers being resumed are about to be back.
        int callers = Lanes.CountedBacklog + Desk.Resuming;
        int threads = Math.Max(2, Lanes.StripesTakenWithOwn);
        bool isDeep = callers >= 2 * threads * Settings.MaxBatchSize
            && Desk.IsQuick(rows)
            && !Desk.IsStuck
            && Lanes.MayStripe(Settings.Options.Overload);
        _trial.Record(ended, rows, isDeep, isDeep ? callers : 0, Environment.CurrentManagedThreadId);
        return isDeep && _trial.Overlaps;
    }

    private bool TryTakeOffer() => _offered.Read() == 1 && _offered.CompareExchange(1, 0);

    // Whoever has the lead has it for one short batch.
    private bool AwaitOffer()
    {
        if (TryTakeOffer())
        {
            return true;
        }

        _awaiting.Add(1);
        long start = Stopwatch.GetTimestamp();
        bool hasLead;
        do
        {
            Pause();
            hasLead = TryTakeOffer();
        }
        while (!hasLead && Stopwatch.GetElapsedTime(start) < ShortBatch);

        // Full fence, before the last look: an offer that relied on this thread is visible now.
        _awaiting.Add(-1);
        return hasLead || TryTakeOffer();
    }

    private void OfferLead(bool preferLocal = true, bool reliesOnOthers = false)
    {
        // Full fence: whoever waits for the lead, or has a stripe, sees the offer when it looks, or has looked and is not relied on here.
        _offered.Exchange(1);
        if (reliesOnOthers && (_awaiting.Read() > 0 || Lanes.AllStripesTaken))
        {
            return;
        }

        QueueFollower(preferLocal);
    }

    private void QueueFollower(bool preferLocal = true)
    {
        // Full fence even if it fails: then the follower queued earlier looks after this.
        if (_queued.CompareExchange(0, 1))
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal);
        }
    }
}
