using BenchmarkDotNet.Attributes;

namespace FastBatch.Benchmarks;

/// <summary>Submitting a burst from one thread and awaiting it: claim, write, publish, run, deliver, resume.</summary>
[MemoryDiagnoser]
public class SubmitBenchmarks
{
    private const int Burst = 1024;

    private readonly float[] _row = new float[128];
    private readonly float[][] _results = [.. Enumerable.Range(0, Burst).Select(_ => new float[16])];
    private readonly ValueTask[] _pending = new ValueTask[Burst];
    private readonly CancellationTokenSource _source = new();
    private NoOp.RunBatcher _batcher = null!;

    [GlobalSetup]
    public void Setup() => _batcher = NoOp.CreateRunBatcher(new BatcherOptions { Capacity = 2 * Burst });

    [GlobalCleanup]
    public void Cleanup()
    {
        _batcher.DisposeAsync().AsTask().Wait();
        _source.Dispose();
    }

    [Benchmark(OperationsPerInvoke = Burst, Baseline = true)]
    public async Task Copy()
    {
        for (int i = 0; i < Burst; i++)
        {
            _pending[i] = _batcher.SubmitAsync(_row, _results[i]);
        }

        await AwaitAll();
    }

    [Benchmark(OperationsPerInvoke = Burst)]
    public async Task CopyWithCancellationToken()
    {
        for (int i = 0; i < Burst; i++)
        {
            _pending[i] = _batcher.SubmitAsync(_row, _results[i], _source.Token);
        }

        await AwaitAll();
    }

    [Benchmark(OperationsPerInvoke = Burst)]
    public async Task InPlace()
    {
        for (int i = 0; i < Burst; i++)
        {
            _pending[i] = _batcher.SubmitAsync(1f, static (value, row) => row.Fill(value), _results[i]);
        }

        await AwaitAll();
    }

    private async ValueTask AwaitAll()
    {
        for (int i = 0; i < Burst; i++)
        {
            await _pending[i].ConfigureAwait(false);
        }
    }
}
