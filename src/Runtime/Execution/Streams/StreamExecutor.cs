using FastBatch.Atomics;
using FastBatch.Devices;
using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution.Streams;

/// <summary>
/// Drives devices with streams, each on a thread of the batcher's own (<see cref="DeviceLine"/>), over one set of lanes. At any time one of those
/// threads has the lanes: it alone refills them, decides, closes batches, and sleeps with the wake mark set, so that for callers there is one
/// device side whatever the number of devices. Before it launches the batch it has closed, which may take long, it hands the lanes on, to the
/// device that should be done with the next one first. Invariant: only whoever has the lanes gives them away; they are nobody's only while every
/// thread that could have them launches, and the first that comes back takes them. Rows go back in order (<see cref="ReleaseOrder"/>).
/// A device that is lost takes no batches any more; once all are, every request that is pending or still comes ends with the loss. What fails
/// while a batch is closed, which has rows and lanes in hand, is no device's: then all of them stop.
/// </summary>
internal sealed class StreamExecutor : DeviceExecutor
{
    // What waking another thread takes, about.
    private static readonly TimeSpan HandOver = TimeSpan.FromMicroseconds(20);

    private readonly Batcher _batcher;
    private readonly InputRows[] _inputs;
    private readonly DeviceLine[] _lines;
    private readonly ReleaseOrder? _order;
    private readonly double _handOver;

    // Of whoever has the lanes.
    private readonly DeviceOutlook[] _outlooks;

    // Who has the lanes; null for nobody. Exchanged: what the one who gives them away has written is visible to the one who has them then.
    private AtomicReference<DeviceLine> _holder;

    // Threads that have not ended, and whether one of them left something with its device.
    private AtomicInt32 _open;
    private AtomicInt32 _leftovers;
    private volatile bool _stopped;

    private StreamExecutor(Batcher batcher, PriorityLanes lanes, InputRows[] inputs, BatcherOptions options)
        : base(batcher, lanes, options)
    {
        _batcher = batcher;
        _inputs = inputs;
        _handOver = options.TimeProvider.ToTimestamp(HandOver);
        int count = options.Devices.Count;
        _outlooks = new DeviceOutlook[count];
        _order = count > 1 ? new ReleaseOrder(lanes) : null;
        Counts = [.. options.Devices.Select(_ => new BatchCounts(batcher.MaxBatchSize))];
        _lines = [.. Enumerable.Range(0, count).Select(number => new DeviceLine(this, batcher, number, number == 0 ? Scheduler : NewScheduler()))];
        _holder.Write(_lines[0]);
        _open.Write(count);
        if (AreSeveral)
        {
            Array.ForEach(_lines, static line => line.Scheduler.Learn());
        }
    }

    /// <summary>One for each device.</summary>
    internal IReadOnlyList<DeviceLine> Lines => _lines;

    /// <summary>Who has the lanes. Any thread; a moment's view.</summary>
    internal DeviceLine? Holder => _holder.Read();

    internal bool AreSeveral => _lines.Length > 1;

    internal bool IsStopped => _stopped;

    public override DeviceException? Loss =>
        OwnLoss ?? (Array.TrueForAll(_lines, static line => line.Loss is not null) ? _lines[0].Loss : null);

    public override IEnumerable<GraphReport> Graphs => _lines.SelectMany(static line => line.Graphs).GroupBy(static size => size.Rows).Select(
        static size => new GraphReport(
            size.Key,
            size.Sum(static graphs => graphs.Recorded),
            size.Sum(static graphs => graphs.Places),
            size.Sum(static graphs => graphs.Replays),
            size.Select(static graphs => graphs.Refusal).FirstOrDefault(static refusal => refusal is not null)));

    public override bool IsDegraded => Array.Exists(_lines, static line => !line.Serves);

    public override int BatchLimit
    {
        get
        {
            int limit = 0;
            foreach (DeviceLine line in _lines)
            {
                limit = Math.Max(limit, line.Loss is null ? line.Scheduler.Estimates.MaxRows : 1);
            }

            return limit;
        }
    }

    // Of the first that serves.
    protected override CostEstimate Cost => (Array.Find(_lines, static line => line.Serves) ?? _lines[0]).Scheduler.Estimates.Cost;

    protected override double ArrivalRate => (Array.Find(_lines, static line => line.Serves) ?? _lines[0]).Scheduler.Estimates.ArrivalRate;

    protected override double TimePerBatch
    {
        get
        {
            double rate = 0;
            foreach (DeviceLine line in _lines)
            {
                rate += line.Loss is null && line.Scheduler.LastDuration is > 0 and var duration ? 1.0 / duration : 0;
            }

            return rate > 0 ? 1 / rate : 0;
        }
    }

    protected override int InFlight
    {
        get
        {
            int count = 0;
            foreach (DeviceLine line in _lines)
            {
                count += line.InFlight;
            }

            return count;
        }
    }

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
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }

        return executor;
    }

    public override BatcherStalledException? FindStall() => Array.TrueForAll(_lines, static line => line.IsStalled || line.Loss is not null)
        ? Array.Find(_lines, static line => line.IsStalled)?.Stalls!.Fault()
        : null;

    public override void EndWatch()
    {
        base.EndWatch();
        Array.ForEach(_lines, static line => line.Stalls?.Dispose());
    }

    public override void EndInFlight(Func<FastBatchException?> fault, RequestOutcome outcome) =>
        Array.ForEach(_lines, line => line.EndInFlight(fault, outcome));

    public override async Task<WarmUpReport> WarmUpAsync()
    {
        Task<WarmUpReport>[] warm = [.. _lines.Where(static line => line.Loss is null).Select(static line => line.WarmUp.Ask())];
        Call();
        Array.ForEach(_lines, static line => line.Unpark());
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

    public override IReadOnlyList<DeviceStatus> DeviceStatus() => [.. _lines.Select(static line => line.Status())];

    /// <summary>By a device's thread, when it launches nothing: whether it has the lanes. If nobody has, it takes them.</summary>
    internal bool HasLanes(DeviceLine line)
    {
        DeviceLine? holder = _holder.Read();
        return ReferenceEquals(holder, line) || (holder is null && _holder.CompareExchange(null, line));
    }

    /// <summary>By the thread that has the lanes: whose turn it is. If it is another device's, the lanes are handed over.</summary>
    internal Turn Choose(DeviceLine line)
    {
        if (!AreSeveral)
        {
            return Turn.Take;
        }

        int chosen = Array.Find(_lines, static line => line.IsToWarmUp)?.Number ?? Choose(line, isLeaving: false);

        // While nothing waits whoever has room keeps the lanes, and sleeps so that a row wakes it.
        if (chosen == line.Number || (!_lines[chosen].HasRoom && line.HasRoom && Lanes.Backlog == 0))
        {
            return Turn.Take;
        }

        if (_lines[chosen].IsLaunching)
        {
            return Turn.Wait;
        }

        HandOverTo(_lines[chosen]);
        return Turn.HandedOver;
    }

    /// <summary>By the thread that has the lanes, and launches something now: gives them to whoever takes the next batch, of those that launch nothing.</summary>
    internal void PassOn(DeviceLine line)
    {
        if (!AreSeveral)
        {
            return;
        }

        int chosen = Choose(line, isLeaving: true);
        if (chosen != line.Number)
        {
            HandOverTo(_lines[chosen]);
            return;
        }

        bool isAlone = true;
        foreach (DeviceLine other in _lines)
        {
            isAlone &= other == line || other.Loss is not null;
        }

        if (isAlone)
        {
            return;
        }

        // Full fence: of whoever comes back from a launch now and this thread, one sees the other.
        _holder.Exchange(null);
        foreach (DeviceLine other in _lines)
        {
            if (other != line && !other.IsLaunching)
            {
                other.Unpark();
            }
        }
    }

    /// <summary>By the thread that has the lanes and must not keep them: hands them to any other device that is not lost.</summary>
    internal bool TryHandOver(DeviceLine line)
    {
        DeviceLine? other = Array.Find(_lines, other => other != line && other.Serves)
            ?? Array.Find(_lines, other => other != line && other.Loss is null);
        if (other is null)
        {
            return false;
        }

        HandOverTo(other);
        return true;
    }

    /// <summary>
    /// By a device's thread that has not the lanes: its device has got nearer to taking a batch, or rows are free. Has whoever has them look again,
    /// if there is anything to see: rows, or that it has no room and this one has.
    /// </summary>
    internal void CallHolder()
    {
        if (Lanes.Backlog > 0 || _holder.Read() is { HasRoom: false })
        {
            Call();
            _holder.Read()?.Unpark();
        }
    }

    /// <summary>By the thread that has the lanes: the next batch for its device; see <see cref="DeviceExecutor.TryClose(out long, out int)"/>.</summary>
    internal Delivery? TryClose(DeviceLine line, out long until, out int rows, out long closed)
    {
        Delivery? delivery = TryClose(line.Scheduler, line.Number, skips: _order is not { IsEmpty: false }, out until, out rows);
        closed = Closed;
        if (delivery is not null)
        {
            _order?.Add(delivery.Batch);
        }

        return delivery;
    }

    internal StreamPipeline NewPipeline(DeviceLine line) => new(_batcher, Lanes, _inputs, _batcher.Options, line.Number, _order);

    internal StallWatch? NewStallWatch(DeviceLine line) => WatchStalls(line.EndInFlight, () => FindStall() is not null);

    /// <summary>By the thread that has the lanes, when all is lost: <see cref="TryClose"/>, as long as that works.</summary>
    internal Delivery? TryCloseLost(DeviceLine line)
    {
        // It may have failed with rows taken that are in no batch: what takes those behind them would give them back with its own.
        if (OwnLoss is not null)
        {
            return null;
        }

        try
        {
            return TryClose(line, out _, out _, out _);
        }
        catch (Exception exception)
        {
            Lose(exception);
            return null;
        }
    }

    /// <summary>
    /// By the thread that has the lanes, when all is lost: ends what waits. False while rows of batches are out, which go back first: then it is
    /// to be called again.
    /// </summary>
    internal bool TryEndLost()
    {
        if (_order is { IsEmpty: false })
        {
            EndWaiting();
            return false;
        }

        EndLost();
        return true;
    }

    /// <summary>By a device's thread: it is lost. With the last one nothing is accepted any more.</summary>
    internal void NoteLoss()
    {
        // Of several that are lost at once one sees the others.
        Fence.Full();
        if (Loss is not null)
        {
            Lanes.Close();
        }
    }

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

    protected override long PredictEnd(int ahead, long now)
    {
        if (!AreSeveral)
        {
            return base.PredictEnd(ahead, now);
        }

        Span<DeviceOutlook> outlooks = stackalloc DeviceOutlook[_lines.Length];
        int count = 0;
        bool isIdle = false;
        foreach (DeviceLine line in _lines)
        {
            if (line.Serves)
            {
                outlooks[count++] = line.Outlook;
                isIdle |= line.InFlight == 0;
            }
        }

        return (ahead == 0 && isIdle) || count == 0 ? now : Admission.PredictEnd(ahead, outlooks[..count], now);
    }

    // Its share of them, by what the devices take for a full batch.
    protected override int OwnBacklog(Scheduler scheduler, int rows)
    {
        double own = 0;
        double all = 0;
        foreach (DeviceLine line in _lines)
        {
            if (line.Serves && line.Scheduler.Estimates is { } estimates && estimates.Cost.Mean(estimates.MaxRows) is > 0 and var cost)
            {
                all += estimates.MaxRows / cost;
                own += line.Scheduler == scheduler ? estimates.MaxRows / cost : 0;
            }
        }

        int backlog = Lanes.Backlog;
        return own > 0 ? Math.Max(Math.Min(rows, backlog), (int)(backlog * (own / all))) : backlog;
    }

    protected override void Stop()
    {
        _stopped = true;
        Wake();
        Array.ForEach(_lines, static line => line.Unpark());
    }

    private int Choose(DeviceLine line, bool isLeaving)
    {
        for (int i = 0; i < _lines.Length; i++)
        {
            DeviceOutlook outlook = _lines[i].Outlook;
            _outlooks[i] = isLeaving ? outlook with { Serves = outlook.Serves && i != line.Number && !_lines[i].IsLaunching } : outlook;
        }

        return DeviceChoice.Choose(_outlooks, Math.Max(1, Lanes.Backlog), line.Number, _handOver, Time.GetTimestamp());
    }

    private void HandOverTo(DeviceLine line)
    {
        _holder.Exchange(line);
        line.Unpark();
    }
}

/// <summary>What the thread that has the lanes is to do.</summary>
internal enum Turn
{
    /// <summary>Close a batch, as soon as there is room for it.</summary>
    Take,

    /// <summary>Nothing for the moment: another device should take the next batch, which launches one at the moment.</summary>
    Wait,

    /// <summary>It has the lanes no more.</summary>
    HandedOver,
}
