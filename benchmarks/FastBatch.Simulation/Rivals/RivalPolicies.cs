using FastBatch.Scheduling;

namespace FastBatch.Simulation.Rivals;

/// <summary>One request at a time.</summary>
internal sealed class NoBatching : IBatchPolicy
{
    public BatchDecision Decide(in QueueSnapshot queue, long now) => BatchDecision.Dispatch(1);
}

/// <summary>Runs once a fixed number of rows waits, however long that takes: the form that the optimum has.</summary>
internal sealed class ControlLimit(int limit) : IBatchPolicy
{
    public BatchDecision Decide(in QueueSnapshot queue, long now) =>
        queue.Waiting >= limit ? BatchDecision.Dispatch(queue.Waiting) : BatchDecision.WaitUntil(long.MaxValue, limit);
}

/// <summary>
/// A window that opens when the batcher takes the first row out of the queue, which it does when the device is free (mosec and most
/// loops over a queue). Waiting that is over already does not count.
/// </summary>
internal sealed class WindowFromDequeue(double window) : IBatchPolicy
{
    public bool UsesEnqueueTime => true;

    public BatchDecision Decide(in QueueSnapshot queue, long now)
    {
        long due = Math.Max(queue.OldestEnqueued, queue.LastBatchEnded) + VirtualTime.FromMilliseconds(window);
        return queue.Waiting >= queue.MaxBatchSize || now >= due
            ? BatchDecision.Dispatch(queue.Waiting)
            : BatchDecision.WaitUntil(due, queue.MaxBatchSize);
    }
}

/// <summary>
/// A window from the first row's arrival, at the end of which the batch is closed even if the device is busy; closed batches stand in line
/// and get no fuller (Ray Serve).
/// </summary>
internal sealed class EarlyClose(double window, int maxBatchSize) : IBatchPolicy, IObserver
{
    private readonly Queue<int> _closed = new();
    private long _due;
    private int _forming;

    public void Arrived(long now)
    {
        CloseIfDue(now);
        if (_forming++ == 0)
        {
            _due = now + VirtualTime.FromMilliseconds(window);
        }

        if (_forming == maxBatchSize)
        {
            Close();
        }
    }

    public BatchDecision Decide(in QueueSnapshot queue, long now)
    {
        CloseIfDue(now);
        return _closed.TryDequeue(out int rows) ? BatchDecision.Dispatch(rows) : BatchDecision.WaitUntil(_due, maxBatchSize);
    }

    private void CloseIfDue(long now)
    {
        if (_forming > 0 && now >= _due)
        {
            Close();
        }
    }

    private void Close()
    {
        _closed.Enqueue(_forming);
        _forming = 0;
    }
}

/// <summary>
/// BentoML's dispatcher after its warm-up: drops the oldest if running all that wait would end past the latency bound, and waits in ticks
/// while n (age of the newest + tick + cost of a row) is within 95 % of the usual wait. More favourable than the original: it takes the
/// oldest rows first where that takes the newest, fills its batches where that leaves one row out, and gets FastBatch's cost model.
/// </summary>
internal sealed class BentoRule(double maxLatency) : IBatchPolicy
{
    private const double TickMilliseconds = 1;
    private const double Decay = 0.95;
    private const int Kept = 50;

    private readonly Queue<double> _waits = new();

    public bool UsesEnqueueTime => true;

    public bool UsesEstimates => true;

    public BatchDecision Decide(in QueueSnapshot queue, long now)
    {
        long tick = VirtualTime.FromMilliseconds(TickMilliseconds);
        double oldest = now - queue.OldestEnqueued;
        double predicted = oldest + queue.FixedCost + queue.CostPerRow * queue.Waiting;
        if (queue.Backlog > 1 && predicted >= VirtualTime.FromMilliseconds(maxLatency))
        {
            return BatchDecision.Drop(1);
        }

        double usual = _waits.Count > 0 ? _waits.Average() : 0;
        double gain = queue.Waiting * (now - queue.NewestEnqueued + tick + queue.CostPerRow);
        if (queue.Waiting < queue.MaxBatchSize && gain <= usual * Decay)
        {
            return BatchDecision.WaitUntil(now + tick, queue.MaxBatchSize);
        }

        _waits.Enqueue(oldest);
        if (_waits.Count > Kept)
        {
            _waits.Dequeue();
        }

        return BatchDecision.Dispatch(queue.Waiting);
    }
}

/// <summary>Clipper's batch size: one more while batches run within the bound, a tenth less when one does not. Runs what waits, up to it.</summary>
internal sealed class ClipperAimd(double maxLatency) : IBatchPolicy
{
    private double _size = 1;
    private long _seen;

    public BatchDecision Decide(in QueueSnapshot queue, long now)
    {
        if (queue.LastBatchEnded != _seen)
        {
            _seen = queue.LastBatchEnded;
            _size = queue.LastBatchDuration <= VirtualTime.FromMilliseconds(maxLatency)
                ? Math.Min(_size + 1, queue.MaxBatchSize)
                : Math.Max(1, _size * 0.9);
        }

        return BatchDecision.Dispatch(Math.Min(queue.Waiting, (int)_size));
    }
}

/// <summary>A policy that is told the truth where it would learn.</summary>
internal sealed class Informed(IBatchPolicy policy, DeviceModel device, double rate) : IBatchPolicy
{
    public bool UsesEnqueueTime => policy.UsesEnqueueTime;

    public BatchDecision Decide(in QueueSnapshot queue, long now) => policy.Decide(
        queue with
        {
            FixedCost = device.Fixed * VirtualTime.TicksPerMillisecond,
            CostPerRow = device.PerRow * VirtualTime.TicksPerMillisecond,
            ArrivalRate = rate / VirtualTime.TicksPerMillisecond,
        },
        now);
}
