using System.Numerics;
using System.Runtime.CompilerServices;

namespace FastBatch.Diagnostics;

/// <summary>How many batches had how many rows, by powers of two: 1, 2, 3 to 4, 5 to 8, and so on.</summary>
[InlineArray(Length)]
public struct BatchSizes
{
    /// <summary>The number of classes.</summary>
    public const int Length = 24;

    private long _first;

    /// <summary>The most rows of a class: 2 to the power of its index.</summary>
    /// <param name="index">The class: 0 to <see cref="Length"/> - 1.</param>
    public static int UpperBound(int index) => 1 << index;

    /// <summary>The class of batches of so many rows.</summary>
    /// <param name="rows">The rows: at least 1.</param>
    public static int IndexOf(int rows) => rows <= 1 ? 0 : BitOperations.Log2((uint)(rows - 1)) + 1;
}
