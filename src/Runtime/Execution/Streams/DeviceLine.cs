using FastBatch.Atomics;
using FastBatch.Devices;
using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution.Streams;

/// <summary>
/// One device of a batcher, and the thread that drives it: it launches the next batch while one computes, and gives results to the callers, by
/// way of the thread pool, as they arrive. It closes a batch, when it has the lanes, just early enough for its rows to be there when the one
/// before is done. While it waits for the device it spins for some microseconds and then naps; with nothing in flight it parks. All members are
/// its thread's, except where they say any thread.
/// </summary>
internal sealed class DeviceLine
{
    // About what parking and waking cost together.
    private static readonly TimeSpan IdleSpin = TimeSpan.FromMicroseconds(20);

    // A batch is looked for this long before it is expected, for the kernel wakes late; and after that, in naps that grow with its delay.
    private static readonly TimeSpan Early = TimeSpan.FromMicroseconds(60);
    private static readonly TimeSpan LongestNap = TimeSpan.FromMilliseconds(1);
    private const int NapFraction = 8;

    // Those whose device has not come to an end: it may write to their memory yet.
    private static readonly List<StreamPipeline> s_quarantine = [];

    private readonly StreamExecutor _executor;
    private readonly Batcher _batcher;
    private readonly Device _device;
    private readonly TimeProvider _time;
    private readonly long _early;
    private readonly long _longestNap;
    private readonly ManualResetEventSlim _opened = new();

    // For what only this thread waits for: events of its device, the lanes. What comes while it does not wait is remembered.
    private readonly Parker _parker = Parker.Create();
    private StreamPipeline? _pipeline;

    // What kept it from opening, before it is said to have opened.
    private Exception? _failure;
    private volatile DeviceException? _loss;
    private volatile bool _hasRoom;

    // 1 while this thread launches something, and cannot have the lanes.
    private AtomicInt32 _launching;

    // The batch that it has closed, until the device's pipeline has it; and whether it is closing one.
    private Delivery? _closed;
    private bool _closes;

    // It has the lanes, and waits for another device that should take what waits.
    private bool _waitsForOther;

    public DeviceLine(StreamExecutor executor, Batcher batcher, int number, Scheduler scheduler)
    {
        _executor = executor;
        _batcher = batcher;
        Number = number;
        Scheduler = scheduler;
        _device = batcher.Options.Devices[number];
        _time = batcher.Options.TimeProvider;
        _early = (long)_time.ToTimestamp(Early);
        _longestNap = (long)_time.ToTimestamp(LongestNap);
        WarmUp = new WarmUp(batcher, executor.Lanes, executor.Desk, scheduler, number);
    }

    /// <summary>Which of the batcher's devices it is.</summary>
    public int Number { get; }

    /// <summary>Decides for it, and learns its costs.</summary>
    public Scheduler Scheduler { get; }

    public WarmUp WarmUp { get; }

    /// <summary>The watch over runs that take too long, if there is one.</summary>
    public StallWatch? Stalls { get; private set; }

    /// <summary>Why nothing can be run on it any more; null while something can. Any thread.</summary>
    public DeviceException? Loss => _loss ?? _executor.OwnLoss;

    /// <summary>Whether what it runs takes too long. Any thread.</summary>
    public bool IsStalled => Stalls is { IsStalled: true };

    /// <summary>Whether it takes batches. Any thread.</summary>
    public bool Serves => Loss is null && !IsStalled;

    /// <summary>Batches launched and not yet retired. Any thread.</summary>
    public int InFlight => _pipeline?.Count ?? 0;

    /// <summary>Whether it could take a batch, where there are several devices. Any thread.</summary>
    public bool HasRoom => _hasRoom;

    /// <summary>
    /// Whether its thread is busy with something that may take long. Any thread; set by whoever has the lanes, so that they are not given to a
    /// thread that begins a launch.
    /// </summary>
    public bool IsLaunching => _launching.Read() == 1;

    /// <summary>Whether it needs the lanes, if only to give them away before it warms up. Any thread.</summary>
    public bool IsToWarmUp => WarmUp.IsAsked && _hasRoom && Serves && !IsLaunching;

    /// <summary>What is known of it, for the choice among several. Any thread.</summary>
    public DeviceOutlook Outlook
    {
        get
        {
            Estimates estimates = Scheduler.Estimates;
            return new DeviceOutlook(
                Serves, _hasRoom, InFlight + _launching.Read(), estimates.BusyUntil, estimates.Cost, estimates.MaxRows);
        }
    }

    /// <summary>Any thread: starts the thread.</summary>
    public void Start() => new Thread(RunThread) { IsBackground = true, Name = $"FastBatch {_batcher.Name} {_device.Name}" }.UnsafeStart();

    /// <summary>Any thread: waits until it has the device; returns what kept it from that.</summary>
    public Exception? WaitUntilOpen()
    {
        _opened.Wait();
        return _failure;
    }

    /// <summary>Any thread: has it look again at what it waits for.</summary>
    public void Unpark() => _parker.Unpark();

    /// <summary>Any thread: see <see cref="DeviceExecutor.EndInFlight"/>.</summary>
    public void EndInFlight(Func<FastBatchException?> fault, RequestOutcome outcome) => _pipeline?.EndAll(fault, outcome, _batcher.Ledger);

    /// <summary>How its graphs fare; none where there are none. Any thread.</summary>
    public IEnumerable<GraphReport> Graphs => _pipeline?.Graphs ?? [];

    /// <summary>Any thread.</summary>
    public DeviceStatus Status()
    {
        (long batches, long rows, BatchSizes sizes) = (0, 0, default);
        _executor.Counts[Number].AddTo(ref batches, ref rows, ref sizes);
        CostEstimate cost = Scheduler.Estimates.Cost;
        return new DeviceStatus
        {
            Name = _device.Name,
            Description = _pipeline?.Description ?? "",
            Loss = Loss,
            IsStalled = IsStalled,
            BatchesRunning = InFlight,
            Batches = batches,
            Rows = rows,
            FixedCost = _executor.Duration(cost.Fixed),
            CostPerRow = _executor.Duration(cost.PerRow),
        };
    }

    /// <summary>The thread that calls it drives the device from now on.</summary>
    internal void Open()
    {
        Stalls = _executor.NewStallWatch(this);
        _pipeline = _executor.NewPipeline(this);
        _hasRoom = true;
    }

    /// <summary>Does something that can be done now. False if there is nothing: then it says what to wait for.</summary>
    internal bool Step(out long until, out int rows)
    {
        (until, rows) = (0, 1);
        if (Loss is not null)
        {
            return FailNext();
        }

        try
        {
            return StepSoundly(out until, out rows);
        }
        catch (Exception exception)
        {
            // Nothing here throws but a device that is lost; whatever else it is, no request must be left waiting for it.
            Lose(exception is DeviceException { Failure: DeviceFailure.Lost } loss
                ? loss
                : new DeviceException(DeviceFailure.Lost, $"{_device.Name} cannot be driven any more: {FastBatchException.MessageOf(exception)}", exception));
            return true;
        }
    }

    /// <summary>Once stopped.</summary>
    internal void Close()
    {
        bool isClean = Loss is null && _pipeline!.Count == 0;
        if (isClean)
        {
            _pipeline!.Dispose();
        }
        else
        {
            lock (s_quarantine)
            {
                s_quarantine.Add(_pipeline!);
            }
        }

        _executor.NoteEnd(isClean);
    }

    private void RunThread()
    {
        try
        {
            Open();
        }
        catch (Exception exception)
        {
            _failure = exception;
            _executor.NoteEnd(isClean: true);
            return;
        }
        finally
        {
            _opened.Set();
        }

        Run();
    }

    /// <summary>Drives the device until the batcher ends; the thread that opened it.</summary>
    internal void Run()
    {
        while (!_executor.IsStopped)
        {
            if (!Step(out long until, out int rows))
            {
                Rest(until, rows);
            }
        }

        Close();
    }

    private bool StepSoundly(out long until, out int rows)
    {
        (until, rows) = (0, 1);
        bool changed = _pipeline!.Poll();
        if (_pipeline.Landed() is { } landed)
        {
            Deliver(landed);
            NoteProgress();
            return true;
        }

        if (changed)
        {
            NoteProgress();
        }

        if (!_executor.HasLanes(this))
        {
            return changed;
        }

        _executor.Answer();
        if (WarmUp.IsAsked && _pipeline.HasRoom)
        {
            _executor.TakeSettings(Scheduler);
            BeginLaunch();
            try
            {
                WarmUp.RunIfAsked(delivery => _pipeline.RunAlone(delivery, Scheduler.Cap), WarmUpGraphs);
            }
            finally
            {
                EndLaunch();
            }

            return true;
        }

        Turn turn = _executor.Choose(this);
        _waitsForOther = turn == Turn.Wait;
        if (turn != Turn.Take)
        {
            return changed;
        }

        if (!_pipeline.HasRoom || !MayClose(out until, out rows))
        {
            return changed;
        }

        _closes = true;
        _closed = _executor.TryClose(this, out until, out rows, out long closed);
        _closes = false;
        if (_closed is not { } delivery)
        {
            return changed;
        }

        Scheduler.Start(delivery.Batch.Count, closed);
        if (_pipeline.Count == 0)
        {
            Stalls?.Begin(closed);
        }

        try
        {
            BeginLaunch();
            long now = _time.GetTimestamp();
            _closed = null;
            _pipeline.Launch(delivery, closed, now, Scheduler.Cap, Scheduler.OutOfMemory);
        }
        finally
        {
            EndLaunch();
        }

        return true;
    }

    // Places that have a batch record theirs when it is gone, before the next.
    private void WarmUpGraphs(Delivery delivery)
    {
        foreach (int rows in _pipeline!.GraphSizes.Where(rows => rows <= Scheduler.Cap))
        {
            for (int place = 0; place < _pipeline.FreePlaces; place++)
            {
                while (_pipeline.WantsRehearsal(rows, place))
                {
                    WarmUp.CloseZeros(delivery, rows);
                    _pipeline.RunAlone(delivery, Scheduler.Cap, place);
                }
            }
        }
    }

    // Nothing is run on it from now on; nor on any other, if rows were in hand.
    private void Lose(DeviceException loss)
    {
        _loss = loss;
        if (_closes)
        {
            _executor.Lose(loss);
        }
        else
        {
            _executor.NoteLoss();
        }

        Stalls?.End();
        if (_closed is { } delivery)
        {
            _closed = null;
            Fail(delivery);
        }
    }

    // It has the lanes, and not afterwards if there is anybody else: what follows takes long, and may take for ever.
    private void BeginLaunch()
    {
        if (_executor.AreSeveral)
        {
            _hasRoom = false;
            _launching.Write(1);
            _executor.PassOn(this);
        }
    }

    // Full fence: of whoever leaves the lanes to nobody and this thread, one sees the other.
    private void EndLaunch()
    {
        if (_executor.AreSeveral)
        {
            _launching.Exchange(0);
            NoteProgress();
        }
    }

    // Rows that come while the device computes may still go with those that wait, until these have to be on their way.
    private bool MayClose(out long until, out int rows)
    {
        (until, rows) = (0, 1);
        int waiting = _executor.Lanes.CountWaiting(Scheduler.Cap);
        if (waiting > 0
            && waiting < Scheduler.Cap
            && !_executor.Lanes.IsClosed
            && _pipeline!.CloseAt(waiting) is { } close
            && close > _time.GetTimestamp())
        {
            (until, rows) = (close, Scheduler.Cap);
            return false;
        }

        return true;
    }

    private void NoteProgress()
    {
        if (_executor.AreSeveral)
        {
            _hasRoom = _pipeline!.HasRoom;
            if (!_executor.HasLanes(this))
            {
                _executor.CallHolder();
            }
        }
    }

    private void Deliver(Flight flight)
    {
        Batch batch = flight.Batch;

        // A batch that threw took as long as its parts: nothing to learn a cost from.
        long now = _time.GetTimestampOr(flight.Started);
        Scheduler.Record(batch.HasResult ? batch.Count : 0, flight.Started, now);
        if (!flight.IsGrounded)
        {
            batch.Record?.End(now);
            _executor.Counts[Number].Add(batch.Count, now - flight.Started);
        }

        // Announced before the place is free: whoever sees nothing in flight must see these callers on their way.
        _executor.Desk.Announce(flight.Delivery!);
        Delivery delivery = _pipeline!.Retire();
        if (_pipeline.Count == 0)
        {
            Stalls?.End();
        }
        else
        {
            Stalls?.Begin(now);
        }

        Deliver(delivery);
    }

    private void Deliver(Delivery delivery)
    {
        if (!_batcher.Options.InlineContinuations)
        {
            _executor.Desk.DeliverOnPool(delivery);
        }
        else if (_executor.Desk.DeliverHere(delivery, Scheduler.LastEnded, Scheduler.LastDuration))
        {
            _executor.Desk.Return(delivery);
        }
    }

    // The device is lost: what it had ends with that, and what waits if there is no other.
    private bool FailNext()
    {
        if (WarmUp.IsAsked)
        {
            WarmUp.Forget(new DeviceLostException(_batcher.Name, Loss!));
        }

        if (_pipeline!.Forfeit(Loss!) is { } flight)
        {
            Deliver(flight);

            // Whoever has the lanes may wait for its rows.
            _executor.CallHolder();
            return true;
        }

        if (!_executor.HasLanes(this) || _executor.TryHandOver(this))
        {
            return false;
        }

        _executor.Answer();
        if (_executor.TryCloseLost(this) is not { } delivery)
        {
            _waitsForOther = !_executor.TryEndLost();
            return false;
        }

        Fail(delivery);
        return true;
    }

    // A batch that the device has not been given.
    private void Fail(Delivery delivery)
    {
        delivery.Batch.Fail(0, delivery.Batch.Count, Loss!);
        _executor.Desk.Announce(delivery);
        _pipeline!.Release(delivery.Batch);
        Deliver(delivery);
    }

    private void Rest(long until, int rows)
    {
        bool hasLanes = _executor.HasLanes(this);
        if (hasLanes && _waitsForOther)
        {
            // Not for rows: those are there. Whoever gets nearer to taking them calls; and one that does not come back is given up in time.
            _parker.Park(LongestNap);
            return;
        }

        if (Loss is not null || _pipeline!.Count == 0)
        {
            RestIdle(hasLanes, until, rows);
            return;
        }

        long now = _time.GetTimestampOr(0);
        long expected = _pipeline.NextEvent;
        if (until != 0)
        {
            expected = Math.Min(expected, until);
        }

        if (expected - now is var ahead && ahead > _early)
        {
            Nap(hasLanes, Math.Min(expected - _early, now + _longestNap), rows);
        }
        else if (-ahead > _early)
        {
            Nap(hasLanes, now + Math.Min(-ahead / NapFraction, _longestNap), rows);
        }
        else
        {
            DeviceExecutor.Pause();
        }
    }

    private void RestIdle(bool hasLanes, long until, int rows)
    {
        if (!hasLanes)
        {
            _parker.Park(Timeout.InfiniteTimeSpan);
        }
        else if (until != 0)
        {
            _executor.Wait(until, rows);
        }
        else if (!_executor.SpinForRow(IdleSpin))
        {
            _executor.Park(long.MaxValue, rows: 1);
        }
    }

    // With the lanes, and room for another batch, rows end it; without, whoever calls.
    private void Nap(bool hasLanes, long until, int rows)
    {
        if (hasLanes && _pipeline!.HasRoom)
        {
            _executor.Park(until, rows, _executor.DecidedWhileResuming);
        }
        else
        {
            _parker.Park(_executor.RemainingUntil(until));
        }
    }
}
