using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace FastBatch.Lanes;

/// <summary>A loan of one row of an <see cref="OutputSlab"/>. For generated code; users hold a <see cref="RowLease{T}"/>.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct RowHandle : IDisposable
{
    private readonly OutputSlab? _slab;
    private readonly int _row;
    private readonly long _stamp;

    internal RowHandle(OutputSlab slab, int row, long stamp)
    {
        _slab = slab;
        _row = row;
        _stamp = stamp;
    }

    /// <summary>Gives the row back. Later calls do nothing.</summary>
    public void Dispose() => _slab?.TakeBack(_row, _stamp);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int RequireRow()
    {
        if (_slab is null || !_slab.IsOnLoan(_row, _stamp))
        {
            ThrowGivenBack();
        }

        return _row;
    }

    [DoesNotReturn]
    private static void ThrowGivenBack() => throw new ObjectDisposedException(
        nameof(RowLease<byte>), "The lease was disposed, and its row may hold another request's result by now. Read it before disposing it.");
}
