using System.Globalization;
using System.Runtime.CompilerServices;
using FastBatch.Native.Interop;

namespace FastBatch.Native;

/// <summary>
/// A tensor of libtorch, by its number: made inside a <see cref="TorchScope"/>, used on the same thread, gone with the scope. Used anywhere
/// else it is refused, never another tensor. The default value is no tensor.
/// </summary>
public readonly unsafe struct TorchTensor
{
    private readonly ulong _id;

    internal TorchTensor(ulong id) => _id = id;

    internal ulong Id => _id;

    /// <summary>The type of its elements.</summary>
    /// <exception cref="TorchException">The tensor is not of this thread's open scopes.</exception>
    public TorchElementType ElementType
    {
        get
        {
            Describe([], out int type, out _);
            return (TorchElementType)type;
        }
    }

    /// <summary>The number of its dimensions; 0 for a scalar.</summary>
    /// <exception cref="TorchException">The tensor is not of this thread's open scopes.</exception>
    public int Rank
    {
        get
        {
            Describe([], out _, out int rank);
            return rank;
        }
    }

    /// <summary>The extent of a dimension.</summary>
    /// <param name="dimension">From 0 to <see cref="Rank"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such dimension.</exception>
    /// <exception cref="TorchException">The tensor is not of this thread's open scopes.</exception>
    public long GetLength(int dimension)
    {
        Span<long> sizes = stackalloc long[RowLayout.MaxRank];
        Describe(sizes, out _, out int rank);
        ArgumentOutOfRangeException.ThrowIfNegative(dimension);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(dimension, Math.Min(rank, RowLayout.MaxRank));
        return sizes[dimension];
    }

    /// <summary>
    /// Copies all elements, from whatever device and layout they are in. Element type and shape must be exactly those given: nothing is
    /// converted, broadcast or cut.
    /// </summary>
    /// <typeparam name="T">The type of the elements.</typeparam>
    /// <param name="destination">Receives the elements, rows one after the other and each in row-major order.</param>
    /// <param name="shape">The shape that is expected.</param>
    /// <param name="batchDim">
    /// The dimension of <paramref name="shape"/> that counts rows. With 1, a tensor [3, 64] of 64 columns is written as 64 rows of 3.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> has another length than <paramref name="shape"/>.</exception>
    /// <exception cref="NotSupportedException">Tensors have no elements of type <typeparamref name="T"/>.</exception>
    /// <exception cref="TorchException">
    /// The tensor is of another type or shape (the message names both), or not of this thread's open scopes.
    /// </exception>
    [SkipLocalsInit]
    public void CopyTo<T>(Span<T> destination, ReadOnlySpan<long> shape, int batchDim = 0)
        where T : unmanaged
    {
        long* strides = stackalloc long[RowLayout.MaxRank];
        RowLayout.Strides(shape, batchDim, new Span<long>(strides, RowLayout.MaxRank), destination.Length);
        byte* error = stackalloc byte[NativeError.Capacity];
        fixed (long* sizes = shape)
        fixed (T* target = destination)
        {
            NativeStatus status = NativeMethods.fb_tensor_read(
                _id, Interop.ElementType.Of<T>(), shape.Length, sizes, strides, target, error, NativeError.Capacity);
            NativeError.ThrowIfFailed(status, error, "TorchTensor.CopyTo");
        }
    }

    /// <summary>Type and shape, as in "Single [64, 10]".</summary>
    /// <returns>For people to read; a tensor that cannot be used says so.</returns>
    public override string ToString()
    {
        try
        {
            long[] sizes = new long[RowLayout.MaxRank];
            Describe(sizes, out int type, out int rank);
            return string.Create(CultureInfo.InvariantCulture, $"{(TorchElementType)type} [{string.Join(", ", sizes.Take(rank))}]");
        }
        catch (TorchException)
        {
            return _id == 0 ? "no tensor" : "a tensor of another thread, or of a scope that was left";
        }
    }

    [SkipLocalsInit]
    private void Describe(Span<long> sizes, out int type, out int rank)
    {
        byte* error = stackalloc byte[NativeError.Capacity];
        fixed (long* first = sizes)
        fixed (int* typeCode = &type, dimensions = &rank)
        {
            NativeStatus status = NativeMethods.fb_tensor_describe(
                _id, typeCode, dimensions, first, sizes.Length, error, NativeError.Capacity);
            NativeError.ThrowIfFailed(status, error, "TorchTensor");
        }
    }
}
