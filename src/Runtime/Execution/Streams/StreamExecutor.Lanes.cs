using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution.Streams;

/// <content>
/// Who takes the next batch. By the thread that has the lanes, except where it says otherwise: it asks <see cref="DeviceChoice"/>, and gives the
/// lanes to the device that should be done with the batch first.
/// </content>
internal sealed partial class StreamExecutor
{
    // What waking another thread takes, about.
    private static readonly TimeSpan HandOver = TimeSpan.FromMicroseconds(20);

    // What is known of a device is forgotten when it has been idle for so long, and so many times longer than a batch takes: it is tried again.
    private static readonly TimeSpan LongIdle = TimeSpan.FromSeconds(1);
    private const int ManyBatches = 100;

    private readonly double _handOver;
    private readonly double _longIdle;
    private readonly DeviceOutlook[] _outlooks;

    /// <summary>Whose turn it is. If it is another device's, the lanes are handed over.</summary>
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

        if (_relay.IsBusy(chosen))
        {
            return Turn.Wait;
        }

        _relay.HandTo(chosen);
        return Turn.HandedOver;
    }

    /// <summary>The thread is about to launch something: the lanes go to whoever takes the next batch, of those that are not busy as well.</summary>
    internal void PassOn(DeviceLine line)
    {
        int chosen = Choose(line, isLeaving: true);
        if (chosen != line.Number)
        {
            _relay.HandTo(chosen);
        }
        else
        {
            _relay.TryLeave(line.Number);
        }
    }

    /// <summary>
    /// By a device's thread that has not the lanes: its device has got nearer to taking a batch, or rows are free. Has whoever has them look again,
    /// if there is anything to see: rows, or that it has no room and this one has, or that this one is to warm up.
    /// </summary>
    internal void CallHolder(DeviceLine line)
    {
        int holder = _relay.Holder;
        if (Lanes.Backlog > 0 || (holder >= 0 && !_lines[holder].HasRoom) || line.IsToWarmUp)
        {
            Call();
            holder = _relay.Holder;
            if (holder >= 0)
            {
                _relay.Unpark(holder);
            }
        }
    }

    /// <summary>The next batch for its device; see <see cref="DeviceExecutor.TryClose(out long, out int)"/>.</summary>
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

    /// <summary>When all is lost: <see cref="TryClose"/>, as long as that works.</summary>
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
    /// When all is lost: ends what waits. False while rows of batches are out, which go back first: then it is to be called again.
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
    internal void NoteLoss(DeviceLine line)
    {
        // Of several that are lost at once the last sees the others.
        _relay.GiveUp(line.Number);
        if (Loss is not null)
        {
            Lanes.Close();
        }
    }

    // Any thread.
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

    private int Choose(DeviceLine line, bool isLeaving)
    {
        long now = Time.GetTimestampOr(0);
        for (int i = 0; i < _lines.Length; i++)
        {
            DeviceOutlook outlook = _lines[i].Outlook;
            if (outlook.InFlight == 0 && now - outlook.BusyUntil > Math.Max(_longIdle, ManyBatches * outlook.Cost.Mean(outlook.MaxRows)))
            {
                outlook = outlook with { Cost = default };
            }

            _outlooks[i] = isLeaving ? outlook with { Serves = outlook.Serves && i != line.Number && !_relay.IsBusy(i) } : outlook;
        }

        return DeviceChoice.Choose(_outlooks, Math.Max(1, Lanes.Backlog), line.Number, _handOver, now);
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
