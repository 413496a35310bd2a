using FastBatch.Scheduling;

namespace FastBatch.Simulation;

/// <summary>A batch on its way.</summary>
/// <param name="Rows">Its requests.</param>
/// <param name="Closed">When they were fixed.</param>
/// <param name="Started">When the device began to compute.</param>
/// <param name="Ends">When it will be done.</param>
/// <param name="Resume">What resuming each caller takes then.</param>
internal readonly record struct SimulatedBatch(int[] Rows, long Closed, long Started, long Ends, long Resume);

/// <summary>One device and the scheduler that learns it. Copies and runs may overlap, each in order.</summary>
internal sealed class SimulatedDevice
{
    private readonly Scenario _scenario;
    private readonly RandomSource _noise;
    private readonly CostEstimate _copy;
    private readonly Queue<SimulatedBatch> _batches = new();
    private long _copyFree;
    private long _computeFree;

    // Not before this: a thread is on its way.
    private long _readyAt = long.MinValue;

    public SimulatedDevice(Scenario scenario, IBatchPolicy policy, int number)
    {
        _scenario = scenario;
        _noise = new RandomSource(scenario.Seed, stream: 16 + (ulong)number);
        Scheduler = new Scheduler(policy, scenario.MaxBatchSize, VirtualTime.Frequency);
        if (scenario.Copy is { } copy)
        {
            _copy = new CostEstimate(copy.Fixed * VirtualTime.TicksPerMillisecond, copy.PerRow * VirtualTime.TicksPerMillisecond, 0);
        }

        if (double.IsFinite(scenario.Deadline) || scenario.Draw is not null || scenario.MaxInFlight > 1)
        {
            Scheduler.Learn();
        }

        if (scenario.IsWarm)
        {
            WarmUp();
        }
    }

    public Scheduler Scheduler { get; }

    public int InFlight => _batches.Count;

    public int RowsInFlight { get; private set; }

    /// <summary>When the next batch ends.</summary>
    public long Ends { get; private set; } = long.MaxValue;

    /// <summary>When, and from how many rows on, the policy is to be asked again.</summary>
    public long WakeAt { get; set; } = long.MaxValue;

    public int WakeRows { get; set; } = 1;

    public void WakeUp() => (WakeAt, WakeRows) = (long.MaxValue, 1);

    /// <summary>Whether a batch may close now. If it is to close later the device wakes up for it.</summary>
    public bool IsToDecide(int waiting, bool isClosed, long now)
    {
        if (InFlight == _scenario.MaxInFlight || waiting < (isClosed ? 1 : WakeRows))
        {
            return false;
        }

        if (now < _readyAt)
        {
            WakeAt = _readyAt;
            return false;
        }

        if (InFlight > 0 && _scenario.ClosesLate)
        {
            long at = Scheduler.CloseAt(_copy, Math.Min(waiting, Scheduler.Cap), now);
            if (at > now)
            {
                WakeAt = at;
                return false;
            }
        }

        return true;
    }

    public void Start(ReadOnlySpan<int> rows, long now)
    {
        Scheduler.Start(rows.Length, now);
        double time = VirtualTime.ToMilliseconds(now);
        double copy = _scenario.Copy?.Sample(rows.Length, time, _noise) ?? 0;
        _copyFree = Math.Max(now, _copyFree) + VirtualTime.FromMilliseconds(copy);
        long started = Math.Max(_copyFree, _computeFree);
        _computeFree = Math.Max(started + 1, _scenario.Machine.End(started, _scenario.Device.Sample(rows.Length, time, _noise)));
        RowsInFlight += rows.Length;
        _batches.Enqueue(new SimulatedBatch(rows.ToArray(), now, started, _computeFree, Resume(rows.Length)));
        Ends = _batches.Peek().Ends;
    }

    public SimulatedBatch End(long now)
    {
        SimulatedBatch batch = _batches.Dequeue();
        RowsInFlight -= batch.Rows.Length;
        Scheduler.Record(batch.Rows.Length, batch.Closed, now);
        Ends = _batches.TryPeek(out SimulatedBatch next) ? next.Ends : long.MaxValue;
        WakeUp();
        _readyAt = _scenario.Machine.End(now, _scenario.Machine.HandOver);
        return batch;
    }

    /// <summary>A row has come into an empty queue.</summary>
    public void Notice(long now)
    {
        if (InFlight == 0 && now >= _readyAt)
        {
            _readyAt = _scenario.Machine.End(now, _scenario.Machine.WakeUp);
        }
    }

    private long Resume(int rows) =>
        (_scenario.Machine.End(_computeFree, rows * _scenario.Machine.Resume) - _computeFree) / rows;

    // As a batcher does: each size twice, since the first run of a size says nothing. It is over well before time 0.
    private void WarmUp()
    {
        long now = VirtualTime.FromMilliseconds(-1e6);
        for (int rows = 1; rows <= _scenario.MaxBatchSize; rows *= 2)
        {
            long duration = VirtualTime.FromMilliseconds(_scenario.Device.Mean(rows));
            Scheduler.Record(rows, now, now + duration);
            Scheduler.Record(rows, now + duration, now += 2 * duration);
        }
    }
}
