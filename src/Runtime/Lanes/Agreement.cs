using System.Numerics;
using System.Runtime.InteropServices;

namespace FastBatch.Lanes;

/// <summary>
/// Whether two runs on the same rows came to the same. Bit by bit, but for numbers with a fraction: a device may add in another order each
/// time, so each may differ by a few units in its last places, counted at the largest of its row.
/// </summary>
internal static class Agreement
{
    // Relative to the largest finite value of the row.
    private const double OfHalf = 1.0 / 256;
    private const double OfSingle = 1.0 / (1 << 16);
    private const double OfDouble = 1.0 / (1L << 40);

    /// <summary>The first element that differs; -1 if none does.</summary>
    public static int FirstDifference<T>(ReadOnlySpan<T> expected, ReadOnlySpan<T> actual, int rowLength)
        where T : unmanaged
    {
        if (MemoryMarshal.AsBytes(expected).SequenceEqual(MemoryMarshal.AsBytes(actual)))
        {
            return -1;
        }

        return typeof(T) == typeof(float) ? First(Cast<T, float>(expected), Cast<T, float>(actual), rowLength, OfSingle)
            : typeof(T) == typeof(double) ? First(Cast<T, double>(expected), Cast<T, double>(actual), rowLength, OfDouble)
            : typeof(T) == typeof(Half) ? First(Cast<T, Half>(expected), Cast<T, Half>(actual), rowLength, OfHalf)
            : FirstOther(expected, actual);
    }

    private static ReadOnlySpan<TTo> Cast<T, TTo>(ReadOnlySpan<T> values)
        where T : unmanaged
        where TTo : unmanaged => MemoryMarshal.Cast<T, TTo>(values);

    private static int First<T>(ReadOnlySpan<T> expected, ReadOnlySpan<T> actual, int rowLength, double tolerance)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int row = 0; row < expected.Length; row += rowLength)
        {
            double allowed = tolerance * Largest(expected.Slice(row, rowLength));
            for (int i = row; i < row + rowLength; i++)
            {
                // NaN is NaN, and an infinity only itself.
                if (!expected[i].Equals(actual[i]) && !(Math.Abs(double.CreateChecked(expected[i]) - double.CreateChecked(actual[i])) <= allowed))
                {
                    return i;
                }
            }
        }

        return -1;
    }

    private static double Largest<T>(ReadOnlySpan<T> row)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        double largest = 0;
        foreach (T value in row)
        {
            largest = T.IsFinite(value) ? Math.Max(largest, Math.Abs(double.CreateChecked(value))) : largest;
        }

        return largest;
    }

    // Of any type: by its bytes.
    private static int FirstOther<T>(ReadOnlySpan<T> expected, ReadOnlySpan<T> actual)
        where T : unmanaged =>
        MemoryMarshal.AsBytes(expected).CommonPrefixLength(MemoryMarshal.AsBytes(actual)) / System.Runtime.CompilerServices.Unsafe.SizeOf<T>();
}
