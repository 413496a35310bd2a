using System.Numerics;

namespace Digits;

/// <summary>Counts durations in buckets at most 1/32 of their value wide. One writer; merged when the writers have stopped.</summary>
public sealed class LatencyHistogram
{
    private const int SubBucketBits = 5;
    private const int SubBuckets = 1 << SubBucketBits;

    private readonly long[] _counts = new long[(64 - SubBucketBits) * SubBuckets];

    /// <summary>Counts one duration.</summary>
    /// <param name="nanoseconds">The duration; not negative.</param>
    public void Record(long nanoseconds) => _counts[Bucket(nanoseconds)]++;

    /// <summary>Adds what another histogram counted.</summary>
    /// <param name="other">The other histogram.</param>
    public void Add(LatencyHistogram other)
    {
        for (int i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }
    }

    /// <summary>Takes away what another histogram, an earlier state of this one, counted.</summary>
    /// <param name="earlier">The other histogram.</param>
    public void Subtract(LatencyHistogram earlier)
    {
        for (int i = 0; i < _counts.Length; i++)
        {
            _counts[i] -= earlier._counts[i];
        }
    }

    /// <summary>The duration that <paramref name="quantile"/> of all stay below, in microseconds.</summary>
    /// <param name="quantile">0..1.</param>
    public double Microseconds(double quantile)
    {
        long rank = (long)Math.Ceiling(_counts.Sum() * quantile);
        int bucket = 0;
        for (long seen = _counts[0]; seen < rank; seen += _counts[bucket])
        {
            bucket++;
        }

        return UpperEdge(bucket) / 1000.0;
    }

    // Below 32 each value has its own bucket; above, each power of two has 32.
    private static int Bucket(long value)
    {
        int shift = Math.Max(0, BitOperations.Log2((ulong)value) - SubBucketBits);
        return (shift * SubBuckets) + (int)(value >> shift);
    }

    private static long UpperEdge(int bucket)
    {
        int shift = Math.Max(0, (bucket / SubBuckets) - 1);
        return (long)(bucket - (shift * SubBuckets) + 1) << shift;
    }
}
