using FastBatch.Atomics;
using FastBatch.Devices;
using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution.Streams;

/// <summary>
/// One device of a batcher, and the thread that drives it: it launches the next batch while one computes, and gives results to the callers, by
/// way of the thread pool, as they arrive. It closes a batch, when it has the lanes, just early enough for its rows to be there when the one
/// before is done. All members are its thread's, except where they say any thread.
/// </summary>
internal sealed partial class DeviceLine
{
    private readonly StreamExecutor _executor;
    private readonly LaneRelay _relay;
    private readonly Batcher _batcher;
    private readonly Device _device;
    private readonly TimeProvider _time;
    private StreamPipeline? _pipeline;
    private volatile bool _hasRoom;

    // The batch that it has closed, until the device's pipeline has it; and whether it is closing one.
    private Delivery? _closed;
    private bool _closes;

    // It has the lanes, and waits for another device that should take what waits.
    private bool _waitsForOther;

    // It had the lanes when it last began to look for something to do.
    private bool _hadLanes;

    // What a warm-up has found.
    private DeviceException? _lostAlone;

    public DeviceLine(StreamExecutor executor, LaneRelay relay, Batcher batcher, int number, Scheduler scheduler)
    {
        _executor = executor;
        _relay = relay;
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

    /// <summary>Whether what it runs takes too long. Any thread.</summary>
    public bool IsStalled => Stalls is { IsStalled: true };

    /// <summary>Whether it takes batches. Any thread.</summary>
    public bool Serves => Loss is null && !IsStalled;

    /// <summary>Batches launched and not yet retired. Any thread.</summary>
    public int InFlight => _pipeline?.Count ?? 0;

    /// <summary>Whether it could take a batch, where there are several devices. Any thread.</summary>
    public bool HasRoom => _hasRoom;

    /// <summary>Whether it needs the lanes, if only to give them away before it warms up. Any thread.</summary>
    public bool IsToWarmUp => WarmUp.IsAsked && _hasRoom && Serves && !_relay.IsBusy(Number);

    /// <summary>Any thread: see <see cref="DeviceExecutor.EndInFlight"/>.</summary>
    public void EndInFlight(Func<FastBatchException?> fault, RequestOutcome outcome) => _pipeline?.EndAll(fault, outcome, _batcher.Ledger);

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
        _hadLanes = _relay.Has(Number);
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

        if (!_relay.Has(Number))
        {
            return changed;
        }

        _executor.Answer();
        if (WarmUp.IsAsked && _pipeline.HasRoom)
        {
            RunWarmUp();
            return true;
        }

        Turn turn = _executor.Choose(this);
        _waitsForOther = turn == Turn.Wait;
        return (turn == Turn.Take && _pipeline.HasRoom && MayClose(out until, out rows) && TryLaunch(out until, out rows)) || changed;
    }

    private bool TryLaunch(out long until, out int rows)
    {
        _closes = true;
        _closed = _executor.TryClose(this, out until, out rows, out long closed);
        _closes = false;
        if (_closed is not { } delivery)
        {
            return false;
        }

        Scheduler.Start(delivery.Batch.Count, closed);
        if (_pipeline!.Count == 0)
        {
            Stalls?.Begin(closed);
        }

        try
        {
            BeginLaunch();

            // Here it changes hands: whatever is thrown, one of the two has it.
            _pipeline.Add(delivery, closed);
            _closed = null;
            _pipeline.Launch(_time.GetTimestampOr(closed), Scheduler.Cap, Scheduler.OutOfMemory);
        }
        finally
        {
            EndLaunch();
        }

        return true;
    }

    private void RunWarmUp()
    {
        _executor.TakeSettings(Scheduler);
        try
        {
            BeginLaunch();
            WarmUp.RunIfAsked(delivery => RunAlone(delivery, 0), WarmUpGraphs);
        }
        finally
        {
            EndLaunch();
        }

        // Whoever asked knows; nobody's requests are to be the next to find out.
        if (_lostAlone is not null)
        {
            throw _lostAlone;
        }
    }

    private void RunAlone(Delivery delivery, int place)
    {
        try
        {
            _pipeline!.RunAlone(delivery, Scheduler.Cap, place);
        }
        catch (DeviceException exception) when (exception.Failure == DeviceFailure.Lost)
        {
            _lostAlone = exception;
            throw new DeviceLostException(_batcher.Name, exception);
        }
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
                    RunAlone(delivery, place);
                }
            }
        }
    }

    // It has the lanes, and not afterwards if there is anybody else: what follows takes long, and may take for ever.
    private void BeginLaunch()
    {
        if (_executor.AreSeveral)
        {
            _hasRoom = false;
            _relay.BecomeBusy(Number);
            _executor.PassOn(this);
        }
    }

    private void EndLaunch()
    {
        if (_executor.AreSeveral)
        {
            _relay.ComeBack(Number);
            NoteProgress();
        }
    }

    private void NoteProgress()
    {
        if (_executor.AreSeveral)
        {
            _hasRoom = _pipeline!.HasRoom;

            // Of whoever has the lanes and looks at the room here, and this thread, which looks at what waits, one sees the other.
            Fence.Full();
            if (!_relay.Has(Number))
            {
                _executor.CallHolder(this);
            }
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
}
