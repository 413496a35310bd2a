using System.Numerics;

namespace FastBatch.Diagnostics;

/// <summary>
/// Durations counted in buckets that widen with the duration, 32 to each power of two: what is read back is at most 1.6 % off. Not for
/// several threads at once.
/// </summary>
internal sealed class DurationCounts
{
    private const int SubBits = 5;
    private const int SubCount = 1 << SubBits;

    /// <summary>How many buckets there are.</summary>
    public const int Buckets = (64 - SubBits) * SubCount;

    private readonly long[] _byBucket = new long[Buckets];

    public long Count { get; private set; }

    public double Sum { get; private set; }

    public long Max { get; private set; }

    public long this[int bucket] => _byBucket[bucket];

    /// <summary>One more; a negative duration, of a clock that was set back, counts as none.</summary>
    public void Record(long duration)
    {
        duration = Math.Max(0, duration);
        _byBucket[Bucket(duration)]++;
        Count++;
        Sum += duration;
        Max = Math.Max(Max, duration);
    }

    public void Add(DurationCounts other)
    {
        for (int bucket = 0; bucket < Buckets; bucket++)
        {
            _byBucket[bucket] += other._byBucket[bucket];
        }

        Count += other.Count;
        Sum += other.Sum;
        Max = Math.Max(Max, other.Max);
    }

    public void Clear()
    {
        if (Count > 0)
        {
            _byBucket.AsSpan().Clear();
            (Count, Sum, Max) = (0, 0, 0);
        }
    }

    /// <summary>The duration that this part of all, 0 to 1, does not exceed: the middle of its bucket, never above the longest. 0 for none.</summary>
    public long Percentile(double part)
    {
        long rank = Math.Max(1, (long)Math.Ceiling(part * Count));
        long seen = 0;
        for (int bucket = 0; bucket < Buckets; bucket++)
        {
            seen += _byBucket[bucket];
            if (seen >= rank)
            {
                return Math.Min(Middle(bucket), Max);
            }
        }

        return Max;
    }

    /// <summary>The bucket of a duration of zero or more.</summary>
    public static int Bucket(long duration)
    {
        int shift = Shift(duration);
        return (shift << SubBits) + (int)(duration >> shift);
    }

    /// <summary>The duration in the middle of a bucket.</summary>
    public static long Middle(int bucket)
    {
        // Above the first power of two the leading bit counts as well, so that buckets of one shift go from SubCount to 2 SubCount.
        int shift = Math.Max(0, (bucket >> SubBits) - 1);
        return ((long)(bucket - (shift << SubBits)) << shift) + (((1L << shift) - 1) / 2);
    }

    private static int Shift(long duration) => Math.Max(0, BitOperations.Log2((ulong)duration | 1) - SubBits);
}
