using BenchmarkDotNet.Attributes;
using FastBatch.Scheduling;

namespace FastBatch.Benchmarks;

/// <summary>What it costs to decide about a batch and to learn from it, by policy.</summary>
[MemoryDiagnoser]
public class SchedulingBenchmarks
{
    private readonly CostModel _cost = new();
    private readonly long[] _deadlines = [.. Enumerable.Repeat(1_000_000L, 64)];
    private Scheduler _scheduler = null!;
    private long _now;
    private int _rows;

    [Params("WorkConserving", "SizeOrDelay", "Adaptive")]
    public string Policy { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        _scheduler = new Scheduler(
            Policy switch
            {
                "WorkConserving" => WorkConservingPolicy.Instance,
                "SizeOrDelay" => new SizeOrDelayPolicy(TimeSpan.FromMilliseconds(1)),
                _ => new AdaptivePolicy(2),
            },
            maxBatchSize: 64,
            timestampFrequency: 1_000_000_000);
    }

    [Benchmark]
    public BatchDecision Decide()
    {
        _now += 1000;
        _rows = (_rows + 7) & 63;
        return _scheduler.Decide(new QueueState(_rows + 1, _rows + 1, _now / 300, _now - 900, _now - 100, 0, false), _now);
    }

    [Benchmark]
    public void DecideAndRecord()
    {
        Decide();
        _scheduler.Record(_rows + 1, _now, _now + 500 + 10 * _rows);
    }

    /// <summary>64 rows with deadlines, all in time: what a batch costs more where requests have them.</summary>
    [Benchmark]
    public int Guard() => _scheduler.Guard(_deadlines, backlog: 64, now: 1000).Rows;

    /// <summary>What a request costs more where it has a deadline, but for the clock.</summary>
    [Benchmark]
    public long PredictEnd()
    {
        _now += 1000;
        return _scheduler.Estimates.PredictEnd(100, _now);
    }

    [Benchmark]
    public void RecordCost()
    {
        _rows = (_rows + 7) & 63;
        _cost.Record(_rows + 1, 500 + 10 * _rows);
    }
}
