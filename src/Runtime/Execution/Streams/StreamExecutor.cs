using System.Runtime.ExceptionServices;
using FastBatch.Devices;
using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution.Streams;

/// <summary>
/// A thread of the batcher's own drives a device with streams: it launches the next batch while one computes, and gives results to the
/// callers, by way of the thread pool, as they arrive. It closes a batch just early enough for its rows to be there when the one before is
/// done. While it waits for the device it spins for some microseconds and then naps; with nothing in flight it parks. Once the device is lost,
/// every request that is pending or still comes ends with the loss.
/// </summary>
internal sealed class StreamExecutor : DeviceExecutor
{
    // About what parking and waking cost together.
    private static readonly TimeSpan IdleSpin = TimeSpan.FromMicroseconds(20);

    // A batch is looked for this long before it is expected, for the kernel wakes late; and after that, in naps that grow with its delay.
    private static readonly TimeSpan Early = TimeSpan.FromMicroseconds(60);
    private static readonly TimeSpan LongestNap = TimeSpan.FromMilliseconds(1);
    private const int NapFraction = 8;

    // Those whose device has not come to an end: it may write to their memory yet.
    private static readonly List<StreamPipeline> s_quarantine = [];

    private readonly Batcher _batcher;
    private readonly InputRows[] _inputs;
    private readonly Device _device;
    private readonly BatcherOptions _options;
    private readonly TimeProvider _time;
    private readonly long _early;
    private readonly long _longestNap;
    private StreamPipeline? _pipeline;
    private readonly ManualResetEventSlim _opened = new();

    // What kept it from opening, before it is said to have opened.
    private ExceptionDispatchInfo? _failure;
    private volatile bool _stopped;

    internal StreamExecutor(Batcher batcher, PriorityLanes lanes, InputRows[] inputs, BatcherOptions options, Device device)
        : base(batcher, lanes, options)
    {
        _batcher = batcher;
        _inputs = inputs;
        _device = device;
        _options = options;
        _time = options.TimeProvider;
        _early = (long)_time.ToTimestamp(Early);
        _longestNap = (long)_time.ToTimestamp(LongestNap);
    }

    public override IEnumerable<GraphReport> Graphs => _pipeline?.Graphs ?? [];

    protected override int InFlight => _pipeline?.Count ?? 0;

    /// <summary>An executor whose thread runs and has the device; what keeps it from that is thrown here.</summary>
    public static StreamExecutor Start(Batcher batcher, PriorityLanes lanes, InputRows[] inputs, BatcherOptions options, Device device)
    {
        var executor = new StreamExecutor(batcher, lanes, inputs, options, device);
        if (options.Drive is { } drive)
        {
            executor.Open();
            drive(executor);
            return executor;
        }

        new Thread(executor.RunThread) { IsBackground = true, Name = $"FastBatch {batcher.Name} {device.Name}" }.UnsafeStart();
        executor._opened.Wait();
        executor._failure?.Throw();
        return executor;
    }

    public override void EndInFlight(Func<FastBatchException?> fault, RequestOutcome outcome) =>
        _pipeline?.EndAll(fault, outcome, _batcher.Ledger);

    /// <summary>The thread that calls it is the device side from now on.</summary>
    internal void Open() =>
        _pipeline = new StreamPipeline(_batcher, Lanes, _inputs, _device, _options.MaxInFlight, _options.IsolateFaults, _time);

    /// <summary>Device side: does something that can be done now. False if there is nothing: then it says what to wait for.</summary>
    internal bool Step(out long until, out int rows)
    {
        (until, rows) = (0, 1);
        if (Loss is not null)
        {
            return FailNext(out until, out rows);
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

    protected override void RunAlone(Delivery delivery) => _pipeline!.RunAlone(delivery, Scheduler.Cap);

    // Places that have a batch record theirs when it is gone, before the next.
    protected override void WarmUpGraphs(Delivery delivery)
    {
        foreach (int rows in _pipeline!.GraphSizes.Where(rows => rows <= Scheduler.Cap))
        {
            for (int place = 0; place < _pipeline.FreePlaces; place++)
            {
                while (_pipeline.WantsRehearsal(rows, place))
                {
                    CloseZeros(delivery, rows);
                    _pipeline.RunAlone(delivery, Scheduler.Cap, place);
                }
            }
        }
    }

    protected override void Stop()
    {
        _stopped = true;
        base.Wake();
    }

    private void RunThread()
    {
        try
        {
            Open();
        }
        catch (Exception exception)
        {
            _failure = ExceptionDispatchInfo.Capture(exception);
            return;
        }
        finally
        {
            _opened.Set();
        }

        while (!_stopped)
        {
            if (!Step(out long until, out int rows))
            {
                Rest(until, rows);
            }
        }

        Close();
    }

    /// <summary>Device side, once stopped.</summary>
    internal void Close()
    {
        if (Loss is null && _pipeline!.Count == 0)
        {
            _pipeline.Dispose();
            return;
        }

        lock (s_quarantine)
        {
            s_quarantine.Add(_pipeline!);
        }
    }

    private bool StepSoundly(out long until, out int rows)
    {
        (until, rows) = (0, 1);
        bool changed = _pipeline!.Poll();
        if (_pipeline.Landed() is { } landed)
        {
            Deliver(landed);
            return true;
        }

        if (!_pipeline.HasRoom || !MayClose(out until, out rows))
        {
            return changed;
        }

        if (TryClose(out until, out rows) is not { } delivery)
        {
            return changed;
        }

        Scheduler.Start(delivery.Batch.Count, Closed);
        if (_pipeline.Count == 0)
        {
            Stalls?.Begin(Closed);
        }

        _pipeline.Launch(delivery, Closed, _time.GetTimestampOr(Closed), Scheduler.Cap, Scheduler.OutOfMemory);
        return true;
    }

    // Rows that come while the device computes may still go with those that wait, until these have to be on their way.
    private bool MayClose(out long until, out int rows)
    {
        (until, rows) = (0, 1);
        int waiting = Lanes.CountWaiting(Scheduler.Cap);
        if (waiting > 0 && waiting < Scheduler.Cap && !Lanes.IsClosed && _pipeline!.CloseAt(waiting) is { } close && close > _time.GetTimestamp())
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
            Count(batch.Count, now - flight.Started);
        }

        // Announced before the place is free: whoever sees nothing in flight must see these callers on their way.
        Desk.Announce(flight.Delivery!);
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
        if (_options.InlineContinuations)
        {
            DeliverInline(delivery);
        }
        else
        {
            Desk.DeliverOnPool(delivery);
        }
    }

    // The device is lost: what it had, and what waits, ends with that.
    private bool FailNext(out long until, out int rows)
    {
        (until, rows) = (0, 1);
        if (_pipeline!.Forfeit(Loss!) is { } flight)
        {
            Deliver(flight);
            return true;
        }

        if (TryCloseLost() is not { } delivery)
        {
            EndLost();
            return false;
        }

        delivery.Batch.Fail(0, delivery.Batch.Count, Loss!);
        Desk.Announce(delivery);
        Lanes.Release(delivery.Batch);
        Deliver(delivery);
        return true;
    }

    // As long as that works: then observers are told of a batch.
    private Delivery? TryCloseLost()
    {
        try
        {
            return TryClose(out _, out _);
        }
        catch (Exception)
        {
            return null;
        }
    }

    private void Rest(long until, int rows)
    {
        if (Loss is not null || _pipeline!.Count == 0)
        {
            RestIdle(until, rows);
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
            Nap(Math.Min(expected - _early, now + _longestNap), rows);
        }
        else if (-ahead > _early)
        {
            Nap(now + Math.Min(-ahead / NapFraction, _longestNap), rows);
        }
        else
        {
            Pause();
        }
    }

    private void RestIdle(long until, int rows)
    {
        if (until != 0)
        {
            Wait(until, rows);
        }
        else if (!SpinForRow(IdleSpin))
        {
            Park(long.MaxValue, rows: 1);
        }
    }

    // Where there is room for another batch, rows end it.
    private void Nap(long until, int rows)
    {
        if (_pipeline!.HasRoom)
        {
            Park(until, rows, DecidedWhileResuming);
        }
        else
        {
            Sleep(until);
        }
    }
}
