namespace FastBatch.Native.Interop;

/// <summary>
/// Where the elements of a batch lie: rows one after the other, each in row-major order, whatever dimension the batch is at.
/// </summary>
internal static class RowLayout
{
    /// <summary>The most dimensions a tensor may have here; shapes and strides live on the stack.</summary>
    public const int MaxRank = 32;

    /// <summary>Writes the strides, in elements, of a tensor over such rows.</summary>
    /// <param name="shape">The tensor's shape, the batch among its dimensions.</param>
    /// <param name="batchDim">The dimension that counts rows. A scalar has none, and ignores it.</param>
    /// <param name="strides">Receives one per dimension of <paramref name="shape"/>.</param>
    /// <param name="length">How many elements the memory has; all of them must be the tensor's.</param>
    /// <exception cref="ArgumentException">The shape is impossible, or has another number of elements.</exception>
    public static void Strides(ReadOnlySpan<long> shape, int batchDim, Span<long> strides, int length)
    {
        if (shape.Length > MaxRank || (shape.Length > 0 && (uint)batchDim >= (uint)shape.Length))
        {
            throw new ArgumentException(shape.Length > MaxRank
                ? $"A tensor of {shape.Length} dimensions is not supported; up to {MaxRank} are."
                : $"The batch cannot be dimension {batchDim} of [{string.Join(", ", shape.ToArray())}].");
        }

        // Row-major over everything but the batch; one row further is then the product of all the others.
        long elements = 1;
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            if (i != batchDim)
            {
                strides[i] = elements;
                elements = Times(elements, shape, i);
            }
        }

        if (shape.Length > 0)
        {
            strides[batchDim] = elements;
            elements = Times(elements, shape, batchDim);
        }

        if (elements != length)
        {
            throw new ArgumentException($"{length} elements do not make [{string.Join(", ", shape.ToArray())}], which has {elements}.");
        }
    }

    // Both factors fit into 31 bits, so the product cannot overflow.
    private static long Times(long elements, ReadOnlySpan<long> shape, int dimension) =>
        (ulong)shape[dimension] <= int.MaxValue && elements * shape[dimension] <= int.MaxValue
            ? elements * shape[dimension]
            : throw new ArgumentException($"[{string.Join(", ", shape.ToArray())}] is no shape of elements in a span.");
}
