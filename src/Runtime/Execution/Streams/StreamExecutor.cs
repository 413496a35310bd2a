using System.Runtime.ExceptionServices;
using FastBatch.Atomics;
using FastBatch.Devices;
using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution.Streams;

/// <summary>
/// Drives devices with streams, each on a thread of the batcher's own (<see cref="DeviceLine"/>), over one set of lanes. At any time one of those
/// threads has the lanes (<see cref="LaneRelay"/>): it alone refills them, decides, closes batches, and sleeps with the wake mark set, so that for
/// callers there is one device side whatever the number of devices. Before it launches the batch it has closed, which may take long, it hands the
/// lanes on. Rows go back in the order in which they were taken (<see cref="ReleaseOrder"/>). A device that is lost takes no batches any more; once
/// all are, every request that is pending or still comes ends with the loss. What fails while a batch is closed, which has rows and lanes in
/// hand, is no device's: then all of them stop. With one device its thread has the lanes for good.
/// </summary>
internal sealed partial class StreamExecutor : DeviceExecutor
{
    private readonly Batcher _batcher;
    private readonly InputRows[] _inputs;
    private readonly DeviceLine[] _lines;
    private readonly LaneRelay _relay;
    private readonly ReleaseOrder? _order;
    private readonly Lock _asking = new();

    // Threads that have not ended, and whether one of them left something with its device.
    private AtomicInt32 _open;
    private AtomicInt32 _leftovers;
    private volatile bool _stopped;

    private StreamExecutor(Batcher batcher, PriorityLanes lanes, InputRows[] inputs, BatcherOptions options)
        : base(batcher, lanes, options)
    {
        _batcher = batcher;
        _inputs = inputs;
        int count = options.Devices.Count;
        _relay = new LaneRelay(count);
        _order = count > 1 ? new ReleaseOrder(lanes) : null;
        _handOver = options.TimeProvider.ToTimestamp(HandOver);
        _longIdle = options.TimeProvider.ToTimestamp(LongIdle);
        _outlooks = new DeviceOutlook[count];
        Counts = [.. options.Devices.Select(_ => new BatchCounts(batcher.MaxBatchSize))];
        _lines = [.. Enumerable.Range(0, count).Select(number => new DeviceLine(this, _relay, batcher, number, number == 0 ? Scheduler : NewScheduler()))];
        _open.Write(count);
        if (AreSeveral)
        {
            Array.ForEach(_lines, static line => line.Scheduler.Learn());
        }
    }

    /// <summary>One for each device.</summary>
    internal IReadOnlyList<DeviceLine> Lines => _lines;

    /// <summary>The number of the one whose thread has the lanes; negative for none. Any thread; a moment's view.</summary>
    internal int Holder => _relay.Holder;

    internal bool AreSeveral => _lines.Length > 1;

    internal bool IsStopped => _stopped;

    public override DeviceException? Loss =>
        OwnLoss ?? (Array.TrueForAll(_lines, static line => line.Loss is not null) ? _lines[0].Loss : null);

    /// <summary>An executor whose threads run and have their devices; what keeps one from that is thrown here.</summary>
    public static StreamExecutor Start(Batcher batcher, PriorityLanes lanes, InputRows[] inputs, BatcherOptions options)
    {
        var executor = new StreamExecutor(batcher, lanes, inputs, options);
        if (options.Drive is { } drive)
        {
            Array.ForEach(executor._lines, static line => line.Open());
            drive(executor);
            return executor;
        }

        Array.ForEach(executor._lines, static line => line.Start());
        Exception? failure = null;
        foreach (DeviceLine line in executor._lines)
        {
            failure = line.WaitUntilOpen() ?? failure;
        }

        if (failure is not null)
        {
            executor.Stop();
            executor.EndWatch();
            ExceptionDispatchInfo.Throw(failure);
        }

        return executor;
    }

    public override void EndWatch()
    {
        base.EndWatch();
        Array.ForEach(_lines, static line => line.Stalls?.Dispose());
    }

    public override void EndInFlight(Func<FastBatchException?> fault, RequestOutcome outcome) =>
        Array.ForEach(_lines, line => line.EndInFlight(fault, outcome));

    public override async Task<WarmUpReport> WarmUpAsync()
    {
        Task<WarmUpReport>[] warm = AskAll();
        Call();
        Array.ForEach(_lines, line => _relay.Unpark(line.Number));
        WarmUpReport[] reports = await Task.WhenAll(warm).ConfigureAwait(false);
        return new WarmUpReport(
            reports.Sum(static report => report.Batches),
            reports.Sum(static report => report.Rows),
            reports.Select(static report => report.Duration).DefaultIfEmpty().Max());
    }

    public override void AbandonWarmUp()
    {
        foreach (DeviceLine line in _lines)
        {
            line.WarmUp.Abandon(new BatcherClosedException(_batcher.Name));
        }
    }

    /// <summary>By a device's thread that opens it: its batches on the way through it.</summary>
    internal StreamPipeline NewPipeline(DeviceLine line) => new(_batcher, Lanes, _inputs, _batcher.Options, line.Number, _order);

    /// <summary>The same: the watch over its runs; null if there is none.</summary>
    internal StallWatch? NewStallWatch(DeviceLine line) => WatchStalls(line.EndInFlight, () => FindStall() is not null);

    /// <summary>By a device's thread, as its last act. Rows stay pinned where a device may yet copy from them.</summary>
    internal void NoteEnd(bool isClean)
    {
        if (!isClean)
        {
            _leftovers.Exchange(1);
        }

        if (_open.Add(-1) == 0 && _leftovers.Read() == 0)
        {
            Array.ForEach(_inputs, static rows => rows.Unpin());
        }
    }

    // All or none: while one device is warmed up the others are not asked again.
    private Task<WarmUpReport>[] AskAll()
    {
        lock (_asking)
        {
            return Array.Exists(_lines, static line => line.WarmUp.IsAsked)
                ? throw _lines[0].WarmUp.AlreadyAsked()
                : [.. _lines.Where(static line => line.Loss is null).Select(static line => line.WarmUp.Ask())];
        }
    }

    protected override void Stop()
    {
        _stopped = true;
        Wake();
        Array.ForEach(_lines, line => _relay.Unpark(line.Number));
    }
}
