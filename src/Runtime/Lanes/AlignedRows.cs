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
    private const int CacheLine = 64;

    // Words rather than elements: what is aligned is the first byte, whatever the size of an element.
    private readonly ulong[] _words;
    private readonly nint _offset;
    private readonly int _rowLength;
    private readonly long _bytes;

    /// <param name="rows">How many.</param>
    /// <param name="rowLength">Elements in one row.</param>
    /// <param name="wholePages">Whether no page is shared with other memory, as devices want it that copy from it.</param>
    public AlignedRows(int rows, int rowLength, bool wholePages = false)
    {
        int alignment = wholePages ? Environment.SystemPageSize : CacheLine;
        long bytes = RoundUp(Math.Max(1, (long)rows * rowLength * Unsafe.SizeOf<T>()), wholePages ? alignment : 1);
        long words = (bytes + alignment + sizeof(ulong) - 1) / sizeof(ulong);
        if (words > Array.MaxLength || (long)rows * rowLength > int.MaxValue)
        {
            throw new OutOfMemoryException($"{rows} rows of {rowLength} elements do not fit into one slab; lower Capacity or MaxBatchSize.");
        }

        _words = GC.AllocateArray<ulong>((int)words, pinned: true);
        _offset = OffsetOfAligned(_words, alignment);
        _rowLength = rowLength;
        _bytes = bytes;
    }

    /// <summary>All of it.</summary>
    public unsafe RowMemory Memory => new(
        _words, (nint)Unsafe.AsPointer(ref Unsafe.AddByteOffset(ref MemoryMarshal.GetArrayDataReference(_words), _offset)), _bytes);

    /// <summary>The rows from <paramref name="first"/> on. In range by construction of the ring: not checked again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<T> Rows(int first, int count) => MemoryMarshal.CreateSpan(
        ref Unsafe.As<ulong, T>(ref Unsafe.AddByteOffset(
            ref MemoryMarshal.GetArrayDataReference(_words), _offset + ((nint)first * _rowLength * Unsafe.SizeOf<T>()))),
        count * _rowLength);

    // The array is pinned, so its address, and with it this offset, never changes.
    private static unsafe nint OffsetOfAligned(ulong[] words, int alignment)
    {
        nint address = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(words));
        return (nint)RoundUp(address, alignment) - address;
    }

    private static long RoundUp(long bytes, int unit) => (bytes + unit - 1) / unit * unit;
}
