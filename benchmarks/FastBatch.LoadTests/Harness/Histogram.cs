using System.Diagnostics;
using System.Numerics;

namespace FastBatch.LoadTests.Harness;

/// <summary>
/// Latencies in logarithmic buckets, 32 to the octave, so a percentile is off by at most 1.6 %.
/// One thread at a time records; nothing is allocated after construction.
/// </summary>
internal sealed class Histogram
{
    private const int BitsPerOctave = 5;
    private const int LastShift = 29; // 2^35 ticks: half a minute, which no latency here reaches before the hang guard speaks.

    private readonly int[] _counts = new int[(LastShift + 2) << BitsPerOctave];

    public void Record(long ticks)
    {
        ulong value = ticks > 0 ? (ulong)ticks : 0;
        int shift = Math.Max(0, BitOperations.Log2(value) - BitsPerOctave);
        int index = (shift << BitsPerOctave) + (int)(value >> shift);
        _counts[Math.Min(index, _counts.Length - 1)]++;
    }

    public void Add(Histogram other)
    {
        for (int i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }
    }

    public void Clear() => Array.Clear(_counts);

    public double PercentileMicroseconds(double fraction)
    {
        long total = 0;
        foreach (int count in _counts)
        {
            total += count;
        }

        long rank = Math.Max(1, (long)Math.Ceiling(fraction * total));
        long seen = 0;
        for (int i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (seen >= rank)
            {
                return MiddleOf(i) * 1e6 / Stopwatch.Frequency;
            }
        }

        return 0; // Nothing was recorded.
    }

    private static double MiddleOf(int index)
    {
        int shift = Math.Max(0, (index >> BitsPerOctave) - 1);
        long lowest = (long)(index - (shift << BitsPerOctave)) << shift;
        return lowest + ((1L << shift) - 1) / 2.0;
    }
}
