using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastBatch.Lanes;

/// <summary>The rows of one output parameter in one <see cref="OutputSlab"/>. For generated code.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class OutputRows
{
    private protected OutputRows(int rowLength) => RowLength = rowLength;

    /// <summary>Elements in one row.</summary>
    public int RowLength { get; }

    internal abstract long RowBytes { get; }

    /// <summary>The rows, for a device to copy to: after <see cref="UsePages"/>.</summary>
    internal abstract RowMemory Memory { get; }

    /// <summary>Takes memory that a device may copy to. Before the first use.</summary>
    internal abstract void UsePages();

    /// <summary>Makes a row unreadable: its caller has let go of it.</summary>
    internal abstract void Poison(int row);

    /// <summary>The first element of a row that is not finite, and how it is written; -1 if all are.</summary>
    internal abstract int FindNonFinite(int row, out string value);

    /// <summary>Where these rows are not what others of the same output are, see <see cref="Agreement"/>; null if they are.</summary>
    internal abstract string? FindDifference(OutputRows expected, int rows);
}

/// <summary>The rows of one output parameter of element type <typeparamref name="T"/>. For generated code.</summary>
/// <typeparam name="T">The element type.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class OutputRows<T> : OutputRows
    where T : unmanaged
{
    private readonly OutputSlab _slab;
    private readonly int _index;
    private AlignedRows<T> _rows;

    /// <summary>Reserves the rows of one output parameter.</summary>
    /// <param name="slab">The slab they belong to.</param>
    /// <param name="rowLength">Elements in one row.</param>
    public OutputRows(OutputSlab slab, int rowLength)
        : base(rowLength)
    {
        _slab = slab;
        _index = slab.SlabMemory.Add(this);
        _rows = new AlignedRows<T>(slab.MaxRows, rowLength);
    }

    internal override long RowBytes => (long)RowLength * Unsafe.SizeOf<T>();

    internal override RowMemory Memory => _rows.Memory;

    /// <summary>
    /// The rows the method is to fill for the batch, in the memory of the <see cref="Batch.Device"/>, if it has one. Zeroed where C# can: what
    /// the method leaves out must not be an earlier caller's result. Elsewhere generated code writes all of them.
    /// </summary>
    /// <param name="batch">The batch.</param>
    public Span<T> Rows(Batch batch)
    {
        Span<T> rows = batch.OnDevice is { } device
            ? DeviceRows.Rows<T>(device.Outputs[_index], RowLength, batch.FirstMember, batch.Count)
            : _rows.Rows(batch.FirstMember, batch.Count);
        if (batch.OnDevice is null or { Device.IsHostMemory: true })
        {
            rows.Clear();
        }

        return rows;
    }

    /// <summary>One request's result.</summary>
    /// <param name="row">The request's place in the batch.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<T> Row(int row) => _rows.Rows(row, 1);

    /// <summary>One request's result, where a row is a single value.</summary>
    /// <param name="row">The request's place in the batch.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Value(int row) => _rows.Rows(row, 1)[0];

    /// <summary>Lends one request's result to its caller, who gives it back with <see cref="RowLease{T}.Dispose"/>.</summary>
    /// <param name="row">The request's place in the batch.</param>
    public RowLease<T> Lease(int row) => new(this, _slab.Lend(row));

    /// <summary>The lent row.</summary>
    /// <param name="handle">The loan.</param>
    /// <exception cref="ObjectDisposedException">The row was given back.</exception>
    public ReadOnlySpan<T> Row(RowHandle handle) => _rows.Rows(handle.RequireRow(), 1);

    internal override void UsePages() => _rows = new AlignedRows<T>(_slab.MaxRows, RowLength, wholePages: true);

    internal override void Poison(int row) => MemoryMarshal.AsBytes(_rows.Rows(row, 1)).Fill(Lane.PoisonByte);

    internal override int FindNonFinite(int row, out string value)
    {
        ReadOnlySpan<T> values = Row(row);
        int element = Finite.FirstOther(values);
        value = element < 0 ? "" : Finite.Show(values[element]);
        return element;
    }

    internal override string? FindDifference(OutputRows expected, int rows)
    {
        ReadOnlySpan<T> others = ((OutputRows<T>)expected)._rows.Rows(0, rows);
        ReadOnlySpan<T> own = _rows.Rows(0, rows);
        int element = Agreement.FirstDifference(others, own, RowLength);
        return element < 0
            ? null
            : $"element {element % RowLength} of row {element / RowLength} is {Finite.Show(own[element])}, not {Finite.Show(others[element])}";
    }
}
