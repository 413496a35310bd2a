using FastBatch.Lanes;

namespace FastBatch;

/// <summary>
/// One request's result, read in place in the pooled memory the model wrote. Dispose it soon: it keeps its whole batch's outputs from
/// being used again. Copies share one lease; disposing it twice does nothing.
/// </summary>
/// <typeparam name="T">The element type.</typeparam>
public readonly struct RowLease<T> : IDisposable
    where T : unmanaged
{
    private readonly OutputRows<T>? _rows;
    private readonly RowHandle _handle;

    internal RowLease(OutputRows<T> rows, RowHandle handle)
    {
        _rows = rows;
        _handle = handle;
    }

    /// <summary>The result, in row-major order. Not to be used after <see cref="Dispose"/>.</summary>
    /// <exception cref="ObjectDisposedException">The lease was disposed.</exception>
    public ReadOnlySpan<T> Span => _rows is null
        ? throw new ObjectDisposedException(nameof(RowLease<T>), "The lease is empty: it never held a row.")
        : _rows.Row(_handle);

    /// <summary>Gives the row back.</summary>
    public void Dispose() => _handle.Dispose();
}
