using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution;

/// <summary>
/// Drives the device: asks the policy, closes batches, runs them, gives rows back. Its two forms differ in which thread does that. The
/// members marked "device side" are for the one thread that has the device at the moment; everything else is for any thread.
/// </summary>
internal abstract partial class DeviceExecutor
{
    // How late a thread may be that is woken at a time.
    private static readonly TimeSpan LatestWakeUp = TimeSpan.FromMicroseconds(200);

    private static readonly TimeSpan LongestBacklog = TimeSpan.FromDays(1);

    private readonly Batcher _batcher;
    private readonly Scheduler _scheduler;
    private readonly TimeProvider _time;
    private readonly int _largestBatch;
    private readonly long _latestWakeUp;
    private readonly FaultIsolation _isolation;
    private readonly DeadlineWatch _watch;
    private readonly WarmUp _warmUp;
    private readonly StallWatch? _stalls;
    private readonly Ledger _ledger;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Device side: what the scheduler goes by.
    private BatcherSettings _settings;

    // Device side: a free delivery, kept from the last batch.
    private Delivery? _spare;
    private long _started;
    private bool _decidedWhileResuming;

    protected DeviceExecutor(Batcher batcher, PriorityLanes lanes, BatcherOptions options)
    {
        _batcher = batcher;
        Lanes = lanes;
        _time = options.TimeProvider;
        _settings = batcher.Settings;
        _largestBatch = _settings.MaxBatchSize;
        _scheduler = NewScheduler();
        _longestSpin = (long)_time.ToTimestamp(LongestSpin);
        _latestWakeUp = (long)_time.ToTimestamp(LatestWakeUp);
        Counts = [new BatchCounts(_largestBatch)];
        _isolation = new FaultIsolation(batcher.RunBatch, options.IsolateFaults);
        _ledger = batcher.Ledger;
        _watch = new DeadlineWatch(lanes, batcher, _time);
        Desk = new DeliveryDesk(batcher.Name, batcher.MaxBatchSize, _time, _ledger, areSeveral: options.Devices.Count > 1);
        Desk.AllDelivered += NoticeAllDelivered;
        Desk.Slow += NoticeSlowDelivery;
        _warmUp = new WarmUp(batcher, lanes, Desk, _scheduler);

        // Each device has its own.
        _stalls = options.Devices.Count == 0 ? WatchStalls(EndInFlight) : null;
    }

    protected internal PriorityLanes Lanes { get; }

    /// <summary>The lane of the usual priority.</summary>
    protected Lane Lane => Lanes.Normal;

    protected internal DeliveryDesk Desk { get; }

    /// <summary>What callers are told while the method does not return; null while it does. Any thread.</summary>
    public virtual BatcherStalledException? FindStall() => _stalls is { IsStalled: true } ? _stalls.Fault() : null;

    /// <summary>Whether some of several devices take no batches any more, or for the time being, and the others do. Any thread.</summary>
    public virtual bool IsDegraded => false;

    /// <summary>Whether no caller is being resumed.</summary>
    public bool AllDelivered => Desk.Resuming == 0;

    /// <summary>Ends the watches. Once nothing is left to deliver.</summary>
    public virtual void EndWatch()
    {
        Desk.Dispose();
        _watch.Dispose();
        _stalls?.Dispose();
    }

    /// <summary>
    /// Caller side, before it claims a row for a request with a deadline: when the request should be answered. Not late where the device is
    /// found idle, whatever was learned of it.
    /// </summary>
    public long PredictEnd(RequestPriority priority, long now)
    {
        if (!_watch.IsUsed)
        {
            _scheduler.Learn();
            _watch.Use();
        }

        return PredictEnd(Lanes.BacklogFrom(priority), now);
    }

    /// <summary>Any thread: when a row submitted now should be answered, with so many to be taken before it.</summary>
    protected virtual long PredictEnd(int ahead, long now)
    {
        Estimates estimates = _scheduler.Estimates;
        return ahead == 0 && estimates.BusyUntil <= now ? now : estimates.PredictEnd(ahead, now);
    }

    /// <summary>Caller side, when it has claimed that row.</summary>
    public void WatchDeadlines() => _watch.TurnOn();

    /// <summary>Whether everything accepted has been taken, run and delivered, and nothing more will come.</summary>
    // In the direction requests move: each is counted where it goes before it is uncounted where it comes from.
    protected bool IsDrained => Lanes.IsClosed
        && Lanes.IsEmpty
        && InFlight == 0
        && Desk.Resuming == 0;

    /// <summary>Batches that a device has whose rows may be free already. Any thread.</summary>
    protected virtual int InFlight => 0;

    /// <summary>Any thread: as <see cref="PriorityLanes.EndAll"/>, for the requests of batches whose rows may be free already.</summary>
    public virtual void EndInFlight(Func<FastBatchException?> fault, RequestOutcome outcome)
    {
    }

    /// <summary>Any thread: asks for a warm-up, once the rows for it are reserved.</summary>
    public virtual Task<WarmUpReport> WarmUpAsync()
    {
        Task<WarmUpReport> warm = _warmUp.Ask();
        Notice(WakeMark.Always);
        return warm;
    }

    /// <summary>Any thread, once the batcher is closed: ends a warm-up that nobody may come to.</summary>
    public virtual void AbandonWarmUp() => _warmUp.Abandon(new BatcherClosedException(_batcher.Name));

    /// <summary>How long the queue should take to run.</summary>
    public TimeSpan EstimateBacklog()
    {
        double batches = Math.Ceiling((double)Lanes.Backlog / _batcher.MaxBatchSize);

        // A clock that jumped makes durations of any size and sign.
        return TimeSpan.FromSeconds(Math.Clamp(batches * TimePerBatch / _time.TimestampFrequency, 0, LongestBacklog.TotalSeconds));
    }

    /// <summary>Any thread: what goes by from the end of a batch to that of the next while there are more, in timestamp units.</summary>
    protected virtual double TimePerBatch => _scheduler.LastDuration;

    /// <summary>
    /// Waits until all is delivered; the lane is closed. False if <paramref name="timeout"/> passes or <paramref name="giveUp"/> is cancelled
    /// first.
    /// </summary>
    public async Task<bool> DrainAsync(TimeSpan timeout, CancellationToken giveUp)
    {
        Notice(WakeMark.Always);
        NoticeDrained();
        try
        {
            await _drained.Task.WaitAsync(timeout, giveUp).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            return false;
        }
        finally
        {
            Stop();
        }
    }

    /// <summary>Nothing more will come.</summary>
    protected virtual void Stop()
    {
    }

    /// <summary>Resuming callers takes long, or does not end: whoever resumes them should not be waited for. Any thread.</summary>
    /// <param name="isStuck">Whether a caller does not return.</param>
    protected virtual void NoticeSlowDelivery(bool isStuck)
    {
    }

    /// <summary>When the last batch ended.</summary>
    protected long LastEnded => _scheduler.LastEnded;

    /// <summary>Device side. Of several devices, of the first.</summary>
    protected Scheduler Scheduler => _scheduler;

    /// <summary>Device side: a scheduler by the settings in force.</summary>
    protected Scheduler NewScheduler() => new(_settings.Policy, _largestBatch, _time.TimestampFrequency);

    /// <summary>Has a run watched that takes too long; what ends then besides the lanes' requests, if those do, is given.</summary>
    protected StallWatch? WatchStalls(Action<Func<FastBatchException?>, RequestOutcome> endInFlight, Func<bool>? endsAll = null) =>
        _batcher.Options.RunLimit is { } limit ? new StallWatch(Lanes, _batcher, limit, _time, endInFlight, endsAll) : null;

    /// <summary>Device side: the settings in force.</summary>
    protected BatcherSettings Settings => _settings;

    /// <summary>Device side: when the batch that was closed last was.</summary>
    protected long Closed => _started;

    /// <summary>The clock.</summary>
    protected internal TimeProvider Time => _time;

    /// <summary>Device side: callers were being resumed when the policy decided last.</summary>
    protected internal bool DecidedWhileResuming => _decidedWhileResuming;

    /// <summary>Device side: runs the batch and frees its rows. The callers are the caller's to resume.</summary>
    protected void Run(Delivery delivery)
    {
        RunOnly(delivery);
        Free(delivery);
    }

    /// <summary>Device side: runs the batch.</summary>
    protected void RunOnly(Delivery delivery)
    {
        Batch batch = delivery.Batch;
        if (batch is { Count: > 0, Fate: BatchFate.Runs, HasFaults: false })
        {
            int rows = batch.Count;
            _scheduler.Start(rows, _started);
            batch.Record?.Start(_time.GetTimestamp());
            _running++;
            _stalls?.Begin(_started);
            RunMethod(batch);
            _stalls?.End();
            _running--;
            long ended = _time.GetTimestamp();
            Counts[0].Add(rows, ended - _started);

            // A batch that threw took as long as its parts: nothing to learn a cost from.
            _scheduler.Record(batch.HasResult ? rows : 0, _started, ended);
            batch.Record?.End(ended);
        }
    }

    /// <summary>Device side: frees the rows of the batch that was run.</summary>
    /// <param name="delivery">The batch.</param>
    /// <param name="borrower">The stripe that its callers will submit to; see <see cref="PriorityLanes.Release(Batch, Lane)"/>.</param>
    protected void Free(Delivery delivery, Lane? borrower = null)
    {
        // Announced before the rows are free: whoever sees the queue empty must see these callers on their way.
        Desk.Announce(delivery);
        Lanes.Release(delivery.Batch, borrower);
    }

    /// <summary>Device side: resumes the callers of the batch on this thread, which keeps the device.</summary>
    protected void DeliverInline(Delivery delivery)
    {
        if (Desk.DeliverHere(delivery, _scheduler.LastEnded, _scheduler.LastDuration))
        {
            Keep(delivery, hasDevice: true);
        }
    }

    private void RunMethod(Batch batch)
    {
        try
        {
            batch.Attach(_batcher);
        }
        catch (Exception exception)
        {
            batch.Fail(0, batch.Count, exception);
            return;
        }

        try
        {
            _batcher.RunBatch(batch);
            batch.HasResult = true;
            _isolation.Succeeded();
        }
        catch (Exception exception)
        {
            if (FaultIsolation.IsOutOfMemory(exception))
            {
                _scheduler.OutOfMemory(batch.Count);
            }

            _isolation.Isolate(batch, exception);
        }
    }

    /// <summary>When the callers have been resumed, and nobody else is at it any more.</summary>
    protected void Keep(Delivery delivery, bool hasDevice)
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

    private void NoticeAllDelivered()
    {
        WakeForCallers();
        NoticeDrained();
    }

    private void NoticeDrained()
    {
        if (IsDrained)
        {
            _drained.TrySetResult();
        }
    }
}
