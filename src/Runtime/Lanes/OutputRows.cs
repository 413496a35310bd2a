using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastBatch.Lanes;

/// <summary>The rows of one output parameter, whatever their type.</summary>
internal interface IOutputRows
{
    /// <summary>Makes a row unreadable: its caller has let go of it.</summary>
    void Poison(int row);

    /// <summary>The first element of a row that is not finite, and how it is written; -1 if all are.</summary>
    int FindNonFinite(int row, out string value);
}

/// <summary>The rows of one output parameter in one <see cref="OutputSlab"/>. For generated code.</summary>
/// <typeparam name="T">The element type.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class OutputRows<T> : IOutputRows
    where T : unmanaged
{
    private readonly OutputSlab _slab;
    private readonly AlignedRows<T> _rows;

    /// <summary>Reserves the rows of one output parameter.</summary>
    /// <param name="slab">The slab they belong to.</param>
    /// <param name="rowLength">Elements in one row.</param>
    public OutputRows(OutputSlab slab, int rowLength)
    {
        _slab = slab;
        _rows = new AlignedRows<T>(slab.MaxRows, rowLength);
        slab.Adopt(this);
    }

    /// <summary>The rows the method is to fill for the batch, zeroed: what it leaves out must not be an earlier caller's result.</summary>
    /// <param name="batch">The batch.</param>
    public Span<T> Rows(Batch batch)
    {
        Span<T> rows = _rows.Rows(batch.FirstMember, batch.Count);
        rows.Clear();
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

    void IOutputRows.Poison(int row) => MemoryMarshal.AsBytes(_rows.Rows(row, 1)).Fill(Lane.PoisonByte);

    int IOutputRows.FindNonFinite(int row, out string value)
    {
        ReadOnlySpan<T> values = Row(row);
        int element = Finite.FirstOther(values);
        value = element < 0 ? "" : Finite.Show(values[element]);
        return element;
    }
}
