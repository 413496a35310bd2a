using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;

namespace FastBatch.Lanes;

/// <summary>Looks for NaNs and infinities: values all of whose exponent bits are set. Types that have none are all finite.</summary>
internal static class Finite
{
    /// <summary>The first element that is not finite; -1 if all are.</summary>
    public static int FirstOther<T>(ReadOnlySpan<T> row)
        where T : unmanaged => typeof(T) == typeof(float) ? First(MemoryMarshal.Cast<T, uint>(row), 0x7F80_0000u)
        : typeof(T) == typeof(double) ? First(MemoryMarshal.Cast<T, ulong>(row), 0x7FF0_0000_0000_0000ul)
        : typeof(T) == typeof(Half) ? First(MemoryMarshal.Cast<T, ushort>(row), (ushort)0x7C00)
        : -1;

    /// <summary>How a value is written in a message.</summary>
    public static string Show<T>(T value) => string.Format(CultureInfo.InvariantCulture, "{0}", value);

    private static int First<TBits>(ReadOnlySpan<TBits> row, TBits exponent)
        where TBits : unmanaged, IBinaryInteger<TBits>
    {
        int i = 0;
        var exponents = new Vector<TBits>(exponent);
        while (i <= row.Length - Vector<TBits>.Count && !Vector.EqualsAny(new Vector<TBits>(row[i..]) & exponents, exponents))
        {
            i += Vector<TBits>.Count;
        }

        // The vector that has one, or the rest.
        for (; i < row.Length; i++)
        {
            if ((row[i] & exponent) == exponent)
            {
                return i;
            }
        }

        return -1;
    }
}
