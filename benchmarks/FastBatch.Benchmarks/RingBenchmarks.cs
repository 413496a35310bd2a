using BenchmarkDotNet.Attributes;
using FastBatch.Lanes;

namespace FastBatch.Benchmarks;

/// <summary>The positions alone: claim and publish a batch, then see it, take it and release it.</summary>
[MemoryDiagnoser]
public class RingBenchmarks
{
    private const int Rows = 64;

    private readonly LaneRing _ring = new(1024, 1024);

    [Benchmark(OperationsPerInvoke = Rows)]
    public int ClaimPublishTakeRelease()
    {
        for (int i = 0; i < Rows; i++)
        {
            _ring.Publish(_ring.TryClaim(out _), null);
        }

        int published = _ring.CountPublished(Rows);
        _ring.Release(_ring.Take(published) + published);
        return published;
    }
}
