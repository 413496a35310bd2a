using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastBatch.Lanes;

/// <summary>
/// Rows of one shape side by side: pinned for their lifetime, the first aligned to 64 bytes, so that any run of rows is a batch tensor
/// that native code and devices may read in place. The garbage collector owns the memory: a span stays valid whoever lets go first.
/// </summary>
internal readonly struct AlignedRows<T>
    where T : unmanaged
{
    private const int Alignment = 64;

    private readonly T[] _elements;
    private readonly int _offset;
    private readonly int _rowLength;

    public AlignedRows(int rows, int rowLength)
    {
        // Elements whose size does not divide 64 (user structs) cannot be aligned by whole elements; they keep the array's own alignment.
        int padding = Alignment % Unsafe.SizeOf<T>() == 0 ? Alignment / Unsafe.SizeOf<T>() : 0;
        long elements = (long)rows * rowLength + padding;
        if (elements > Array.MaxLength)
        {
            throw new OutOfMemoryException($"{rows} rows of {rowLength} elements do not fit into one slab; lower Capacity or MaxBatchSize.");
        }

        _elements = GC.AllocateArray<T>((int)elements, pinned: true);
        _offset = padding == 0 ? 0 : OffsetOfAligned(_elements);
        _rowLength = rowLength;
    }

    /// <summary>Elements in one row.</summary>
    public int RowLength => _rowLength;

    /// <summary>The rows from <paramref name="first"/> on. In range by construction of the ring: not checked again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<T> Rows(int first, int count) => MemoryMarshal.CreateSpan(
        ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_elements), (nint)_offset + ((nint)first * _rowLength)),
        count * _rowLength);

    // The array is pinned, so its address, and with it this offset, never changes.
    private static unsafe int OffsetOfAligned(T[] elements)
    {
        nuint address = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(elements));
        nuint misaligned = address % Alignment;
        nuint bytes = misaligned == 0 ? 0 : Alignment - misaligned;
        return bytes % (nuint)Unsafe.SizeOf<T>() == 0 ? (int)(bytes / (nuint)Unsafe.SizeOf<T>()) : 0;
    }
}
