using System.Runtime.CompilerServices;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution;

/// <summary>
/// Drives the device: asks the policy, closes batches, runs them, gives rows back. Its two forms differ in which thread does that. The
/// members marked "device side" are for the one thread that has the device at the moment; everything else is for any thread.
/// </summary>
internal abstract class DeviceExecutor
{
    // A claim is published within the time it takes to copy a row.
    private const int SpinsForPublish = 100;

    // A wait shorter than this is not worth the kernel.
    private static readonly TimeSpan LongestSpin = TimeSpan.FromMicroseconds(50);

    // Below this another thread costs more, in moving the callers' state to its core, than it saves.
    private static readonly TimeSpan WorthOverlapping = TimeSpan.FromMicroseconds(20);

    private readonly Batcher _batcher;
    private readonly IBatchPolicy _policy;
    private readonly TimeProvider _time;
    private readonly long _longestSpin;
    private readonly long _worthOverlapping;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Parker _parker = Parker.Create();
    private WakeMark _mark;

    // The thread that will take the device up when it has resumed its callers; 0 for none. Threads that do so at the same time overwrite
    // each other, and wake somebody in vain.
    private volatile int _resumer;

    // Device side: a free delivery, kept from the last batch.
    private Delivery? _spare;
    private long _started;
    private long _lastEnded;
    private long _lastDuration;
    private bool _parked;

    protected DeviceExecutor(Batcher batcher, Lane lane, IBatchPolicy policy, BatcherOptions options)
    {
        _batcher = batcher;
        Lane = lane;
        _policy = policy;
        _time = options.TimeProvider;
        _longestSpin = (long)_time.ToTimestamp(LongestSpin);
        _worthOverlapping = (long)_time.ToTimestamp(WorthOverlapping);
        Desk = new DeliveryDesk(batcher.Name, batcher.MaxBatchSize, _time);
        Desk.AllDelivered += NoticeDrained;
        Desk.Slow += NoticeSlowDelivery;
    }

    protected Lane Lane { get; }

    protected DeliveryDesk Desk { get; }

    /// <summary>Whether everything accepted has been taken, run and delivered, and nothing more will come.</summary>
    protected bool IsDrained => Lane.Ring.IsClosed
        && Lane.Ring.Claimed == Lane.Ring.ReleaseMark
        && Lane.Overflow.IsEmpty
        && Desk.Resuming == 0;

    /// <summary>Caller side: a row was published.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Notice(long ticket)
    {
        if (_mark.IsReached(ticket))
        {
            NoticeAsleep();
        }
    }

    /// <summary>How long the queue should take to run.</summary>
    public TimeSpan EstimateBacklog()
    {
        double batches = Math.Ceiling((double)Lane.Backlog / _batcher.MaxBatchSize);
        return TimeSpan.FromSeconds(batches * Volatile.Read(ref _lastDuration) / _time.TimestampFrequency);
    }

    /// <summary>Waits until all is delivered; the lane is closed. False if <paramref name="timeout"/> passes first.</summary>
    public async Task<bool> DrainAsync(TimeSpan timeout)
    {
        Notice(WakeMark.Always);
        NoticeDrained();
        try
        {
            await _drained.Task.WaitAsync(timeout).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
        finally
        {
            Stop();
            Desk.Dispose();
        }
    }

    /// <summary>The mark was reached and is ended: have a thread take the device.</summary>
    protected virtual void Wake() => _parker.Unpark();

    /// <summary>Nothing more will come.</summary>
    protected virtual void Stop()
    {
    }

    /// <summary>Resuming callers takes long, or does not end: whoever resumes them should not be waited for. Any thread.</summary>
    protected virtual void NoticeSlowDelivery()
    {
    }

    /// <summary>When the last batch ended.</summary>
    protected long LastEnded => _lastEnded;

    /// <summary>Whether the device thread is blocked in <see cref="Park"/>, and is thus to be unparked rather than replaced.</summary>
    protected bool IsParked => Volatile.Read(ref _parked);

    /// <summary>
    /// Device side: the next batch to run, or null: then nothing waits (<paramref name="until"/> is 0) or the policy waits until a time or
    /// until <paramref name="rows"/> rows wait.
    /// </summary>
    protected Delivery? TryClose(out long until, out int rows)
    {
        Lane.Overflow.Refill(Lane.Ring);
        int waiting = Lane.Ring.CountPublished(_batcher.MaxBatchSize);
        until = 0;
        rows = 1;
        if (waiting == 0)
        {
            return null;
        }

        long now = _time.GetTimestamp();
        Delivery delivery = _spare ?? Desk.Take();
        _spare = delivery;
        BatchDecision decision = BatchDecision.Dispatch(waiting);
        Exception? error = null;
        try
        {
            decision = Decide(waiting, now);
        }
        catch (Exception exception)
        {
            // A policy that throws must not stop the device: those it was asked about learn of it.
            error = exception;
        }

        bool waits = decision.Kind == BatchDecision.DecisionKind.WaitUntil;
        if (waits && decision.Timestamp > now && decision.Rows > waiting && !Lane.Ring.IsClosed)
        {
            (until, rows) = (decision.Timestamp, decision.Rows);
            return null;
        }

        // A wait that is over already is a decision to run, and so is one for rows that will not come any more.
        Lane.Close(delivery.Batch, waits ? waiting : Math.Clamp(decision.Rows, 1, waiting));
        delivery.Batch.IsDropped = decision.Kind == BatchDecision.DecisionKind.Drop;
        delivery.Batch.Error = error;
        _spare = null;
        _started = now;
        return delivery;
    }

    /// <summary>Device side: runs the batch and frees its rows. The callers are the caller's to resume.</summary>
    protected void Run(Delivery delivery)
    {
        Batch batch = delivery.Batch;
        if (batch is { Count: > 0, IsDropped: false, Error: null })
        {
            try
            {
                batch.Attach(_batcher);
                _batcher.RunBatch(batch);
                batch.HasResult = true;
            }
            catch (Exception exception)
            {
                batch.Error = exception;
            }

            long ended = _time.GetTimestamp();
            _lastDuration = ended - _started;
            _lastEnded = ended;
        }

        // Announced before the rows are free: whoever sees the queue empty must see these callers on their way.
        Desk.Announce(delivery);
        Lane.Release(batch);
    }

    /// <summary>
    /// Device side: gives the device up unless there is work. True: it is given up, and whoever publishes <paramref name="ticket"/> or a
    /// later one has a thread take it; the caller has no part in it any more. False: it is still the caller's.
    /// </summary>
    protected bool TrySleep(long ticket)
    {
        LaneRing ring = Lane.Ring;
        _mark.Set(ticket);

        // From here on another thread may have the device: look, but do not touch.
        if (IsDrained)
        {
            _drained.TrySetResult();
        }

        if (Lane.Overflow.Waiting > 0 && ring.HasRoom)
        {
            return !_mark.TryEnd();
        }

        if (ring.Claimed <= ticket)
        {
            return true;
        }

        // A row beyond the mark is claimed. Its caller may have looked at the mark before it was set: then the row is, or is about to be,
        // visible here.
        for (int i = 0; i < SpinsForPublish; i++)
        {
            if (ring.IsPublished(ticket))
            {
                return !_mark.TryEnd();
            }

            Thread.SpinWait(1);
        }

        // Its caller is slow. After this barrier it either sees the mark or its row is visible.
        Atomics.Fence.ProcessWide();
        return !ring.IsPublished(ticket) || !_mark.TryEnd();
    }

    /// <summary>
    /// Device side: gives the device up and resumes the batch's callers on this thread. True if the device is this thread's again after.
    /// </summary>
    protected bool DeliverAndReturn(Delivery delivery)
    {
        (long ended, long duration) = (_lastEnded, _lastDuration);
        long next = Lane.Ring.ReadMark;
        bool fullBatchWaits = Lane.Ring.IsPublished(next + _batcher.MaxBatchSize - 1);
        _resumer = Environment.CurrentManagedThreadId;
        _mark.Set(next);

        // From here on another thread may have the device.
        if (fullBatchWaits && duration > _worthOverlapping)
        {
            NoticeSlowDelivery();
        }

        bool isFree = Desk.DeliverHere(delivery, ended, duration);
        _resumer = 0;
        bool hasDevice = TryTakeUp();
        if (isFree)
        {
            Keep(delivery, hasDevice);
        }

        return hasDevice;
    }

    /// <summary>Any thread: takes the device if it is given up and nobody has been woken to take it.</summary>
    protected bool TryTakeUp()
    {
        if (IsParked || !_mark.TryEnd())
        {
            return false;
        }

        if (!IsParked)
        {
            return true;
        }

        // Another thread had taken the device and parked with it just now: it was its sleep that ended here.
        _parker.Unpark();
        return false;
    }

    /// <summary>Device side: resumes the callers of the batch on this thread, which keeps the device.</summary>
    protected void DeliverInline(Delivery delivery)
    {
        if (Desk.DeliverHere(delivery, _lastEnded, _lastDuration))
        {
            Keep(delivery, hasDevice: true);
        }
    }

    /// <summary>Device side: blocks, keeping the device, until <paramref name="rows"/> rows wait or the time has come. May return early.</summary>
    protected void Park(long until, int rows)
    {
        Volatile.Write(ref _parked, true);
        if (TrySleep(Lane.Ring.ReadMark + rows - 1))
        {
            bool unparked = _parker.Park(RemainingUntil(until));

            // Out of time, but a caller has ended the sleep already: its unpark is on its way, and must not be left for a later park.
            while (!unparked && !_mark.TryEnd())
            {
                unparked = _parker.Park(Timeout.InfiniteTimeSpan);
            }
        }

        Volatile.Write(ref _parked, false);
    }

    /// <summary>Device side: lets time pass as the policy asked for. False if another thread took the device meanwhile.</summary>
    protected bool Wait(long until, int rows)
    {
        if (until - _time.GetTimestamp() > _longestSpin)
        {
            Park(until, rows);
            return true;
        }

        return SpinUntil(until, Lane.Ring.ReadMark + rows - 1, Desk.Resuming > 0);
    }

    /// <summary>Device side: waits some microseconds, see <see cref="IsStillToWait"/>. False if another thread took the device.</summary>
    protected virtual bool SpinUntil(long until, long ticket, bool forCallers)
    {
        while (IsStillToWait(until, ticket, forCallers))
        {
            Pause();
        }

        return true;
    }

    /// <summary>
    /// Whether the time has not come, the row <paramref name="ticket"/> is not published, and the callers being resumed, if any were when
    /// the policy decided, are still on their way. Any thread.
    /// </summary>
    protected bool IsStillToWait(long until, long ticket, bool forCallers) =>
        !Lane.Ring.IsPublished(ticket) && !(forCallers && Desk.Resuming == 0) && _time.GetTimestamp() < until;

    /// <summary>Device side: waits a moment for something to do, where there is a core to spare. True if there is.</summary>
    protected bool SpinForRow(TimeSpan duration)
    {
        if (Environment.ProcessorCount == 1)
        {
            return false;
        }

        long until = _time.GetTimestamp() + (long)_time.ToTimestamp(duration);
        do
        {
            if (Lane.Ring.IsPublished(Lane.Ring.ReadMark) || Lane.Overflow.Waiting > 0)
            {
                return true;
            }

            Pause();
        }
        while (_time.GetTimestamp() < until);
        return false;
    }

    // On one core, what is waited for needs this one.
    protected static void Pause()
    {
        if (Environment.ProcessorCount == 1)
        {
            Thread.Yield();
        }
        else
        {
            Thread.SpinWait(4);
        }
    }

    private void Keep(Delivery delivery, bool hasDevice)
    {
        if (hasDevice && _spare is null)
        {
            _spare = delivery;
        }
        else
        {
            Desk.Return(delivery);
        }
    }

    private BatchDecision Decide(int waiting, long now) => _policy.Decide(
        new QueueSnapshot
        {
            Waiting = waiting,
            MaxBatchSize = _batcher.MaxBatchSize,
            Backlog = Lane.Backlog,
            OldestEnqueued = Lane.Ring.Enqueued(Lane.Ring.ReadMark),
            Resuming = Desk.Resuming,
            LastBatchEnded = _lastEnded,
            LastBatchDuration = _lastDuration,
            TimestampFrequency = _time.TimestampFrequency,
        },
        now);

    private void NoticeAsleep()
    {
        // What a thread's own callers submit while it resumes them, it will find itself; not so if another has parked with the device.
        bool willLook = _resumer == Environment.CurrentManagedThreadId && !IsParked;
        if (!willLook && _mark.TryEnd())
        {
            Wake();
        }
    }

    private void NoticeDrained()
    {
        if (IsDrained)
        {
            _drained.TrySetResult();
        }
    }

    private TimeSpan RemainingUntil(long until)
    {
        if (until == long.MaxValue)
        {
            return Timeout.InfiniteTimeSpan;
        }

        TimeSpan remaining = _time.GetElapsedTime(_time.GetTimestamp(), until);
        return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
    }
}
