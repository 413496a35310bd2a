using BenchmarkDotNet.Attributes;
using FastBatch.Diagnostics;

namespace FastBatch.Benchmarks;

/// <summary>What being observed adds to a request: as <see cref="SubmitBenchmarks"/>, in full batches, by who looks.</summary>
[MemoryDiagnoser]
public class ObservedBenchmarks
{
    private const int Burst = 1024;

    private readonly float[] _row = new float[128];
    private readonly float[][] _results = [.. Enumerable.Range(0, Burst).Select(_ => new float[16])];
    private readonly ValueTask[] _pending = new ValueTask[Burst];
    private readonly List<IDisposable> _listening = [];
    private NoOp.RunBatcher _batcher = null!;

    /// <summary>Who looks.</summary>
    public enum Observer
    {
        Nobody,
        NobodyListens,
        Statistics,
        Metrics,
    }

    [ParamsAllValues]
    public Observer By { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _batcher = NoOp.CreateRunBatcher(new BatcherOptions { Capacity = 2 * Burst });
        if (By == Observer.Statistics)
        {
            _batcher.GetStatistics();
        }

        if (By is Observer.Metrics or Observer.NobodyListens)
        {
            var telemetry = new BatchTelemetry();
            _listening.AddRange([telemetry, telemetry.Observe(_batcher)]);
        }

        if (By == Observer.Metrics)
        {
            _listening.Add(new OpenMetricsWriter());
        }
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _batcher.DisposeAsync().AsTask().Wait();
        _listening.ForEach(static one => one.Dispose());
    }

    [Benchmark(OperationsPerInvoke = Burst)]
    public async Task Submit()
    {
        for (int i = 0; i < Burst; i++)
        {
            _pending[i] = _batcher.SubmitAsync(_row, _results[i]);
        }

        for (int i = 0; i < Burst; i++)
        {
            await _pending[i].ConfigureAwait(false);
        }
    }
}
