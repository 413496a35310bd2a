using FastBatch.Diagnostics;

namespace FastBatch.Execution;

/// <summary>The batches that one device, or the CPU, has run. Written by one thread at a time, that of the device; any thread reads.</summary>
/// <param name="maxBatchSize">The most rows of one.</param>
internal sealed class BatchCounts(int maxBatchSize)
{
    private readonly long[] _bySize = new long[maxBatchSize + 1];

    /// <summary>What they took, in timestamp units.</summary>
    public long Duration { get; private set; }

    /// <summary>One of so many rows has run.</summary>
    public void Add(int rows, long duration)
    {
        _bySize[rows]++;
        Duration += duration;
    }

    /// <summary>Adds these to a sum, by size too.</summary>
    public void AddTo(ref long batches, ref long rows, ref BatchSizes sizes)
    {
        for (int size = 1; size < _bySize.Length; size++)
        {
            long count = _bySize[size];
            sizes[BatchSizes.IndexOf(size)] += count;
            batches += count;
            rows += count * size;
        }
    }
}
