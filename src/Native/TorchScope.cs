using System.ComponentModel;
using System.Runtime.CompilerServices;
using FastBatch.Lanes;
using FastBatch.Native.Interop;

namespace FastBatch.Native;

/// <summary>
/// While it is open, this thread may make tensors, run modules in inference mode (no gradients are kept) and read results; disposing it
/// frees all tensors that were made meanwhile. Generated batchers open one around every batch. Scopes may be nested, innermost out first.
/// </summary>
/// <example>
/// <code>
/// using TorchScope scope = TorchScope.Enter();
/// TorchTensor logits = module.Forward(scope.Copy&lt;float&gt;(pixels, [1, 64]));
/// logits.CopyTo&lt;float&gt;(answer, [1, 10]);
/// </code>
/// </example>
public unsafe ref struct TorchScope : IDisposable
{
    private ulong _id;

    // Of the batch that the scope is for: in which CUDA device's memory its rows and outputs are, plus 1; 0 if they are in the host's.
    private int _cuda;

    // The batch; null if it is for none.
    private Batch? _batch;

    /// <summary>Opens a scope on the calling thread.</summary>
    /// <exception cref="DllNotFoundException">The native library is not there: <see cref="Torch.UnavailableReason"/>.</exception>
    /// <exception cref="TorchException">Memory ran out.</exception>
    [SkipLocalsInit]
    public static TorchScope Enter()
    {
        byte* error = stackalloc byte[NativeError.Capacity];
        TorchScope scope = default;
        NativeError.ThrowIfFailed(NativeMethods.fb_scope_enter(&scope._id, error, NativeError.Capacity), error, "TorchScope.Enter");
        return scope;
    }

    /// <summary>Opens a scope for a batch: what is borrowed and written is where the batch's rows and outputs are. For generated code.</summary>
    /// <param name="batch">The batch.</param>
    /// <exception cref="DllNotFoundException">The native library is not there: <see cref="Torch.UnavailableReason"/>.</exception>
    /// <exception cref="TorchException">Memory ran out.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static TorchScope Enter(Batch batch)
    {
        TorchScope scope = Enter();
        scope._cuda = batch.Device?.CudaIndex + 1 ?? 0;
        scope._batch = batch;
        return scope;
    }

    /// <summary>
    /// A tensor over memory that is already there: nothing is copied. For generated code, whose rows are pinned. The garbage collector
    /// must not move the memory, nor anybody write to it, until the scope is disposed; nothing can check that.
    /// </summary>
    /// <typeparam name="T">The type of the elements.</typeparam>
    /// <param name="rows">The rows, one after the other, each in row-major order.</param>
    /// <param name="shape">The shape of the tensor, the batch among its dimensions.</param>
    /// <param name="batchDim">
    /// The dimension of <paramref name="shape"/> that counts rows: with 1, 64 rows of 3 are a tensor [3, 64], by its strides alone.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="rows"/> has another length than <paramref name="shape"/>.</exception>
    /// <exception cref="NotSupportedException">Tensors have no elements of type <typeparamref name="T"/>.</exception>
    /// <exception cref="TorchException">No scope is open on this thread.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [SkipLocalsInit]
    public readonly TorchTensor Borrow<T>(ReadOnlySpan<T> rows, ReadOnlySpan<long> shape, int batchDim = 0)
        where T : unmanaged
    {
        long* strides = stackalloc long[RowLayout.MaxRank];
        RowLayout.Strides(shape, batchDim, new Span<long>(strides, RowLayout.MaxRank), rows.Length);
        byte* error = stackalloc byte[NativeError.Capacity];
        ulong tensor;
        fixed (long* sizes = shape)
        fixed (T* data = rows)
        {
            NativeStatus status = _cuda == 0
                ? NativeMethods.fb_tensor_borrow(
                    data, ElementType.Of<T>(), shape.Length, sizes, strides, &tensor, error, NativeError.Capacity)
                : NativeMethods.fb_tensor_borrow_cuda(
                    data, _cuda - 1, ElementType.Of<T>(), shape.Length, sizes, strides, &tensor, error, NativeError.Capacity);
            NativeError.ThrowIfFailed(status, error, "TorchScope.Borrow");
        }

        return new TorchTensor(tensor);
    }

    /// <summary>
    /// Copies a result to the rows of its batch; as <see cref="TorchTensor.CopyTo"/>, but to a device's memory it is copied when the device
    /// gets there. For generated code.
    /// </summary>
    /// <typeparam name="T">The type of the elements.</typeparam>
    /// <param name="result">The result.</param>
    /// <param name="rows">Where to.</param>
    /// <param name="shape">The shape that is expected.</param>
    /// <param name="batchDim">The dimension of <paramref name="shape"/> that counts rows.</param>
    /// <exception cref="ArgumentException"><paramref name="rows"/> has another length than <paramref name="shape"/>.</exception>
    /// <exception cref="TorchException">The tensor is of another type or shape, or not of this thread's open scopes.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [SkipLocalsInit]
    public readonly void Write<T>(TorchTensor result, Span<T> rows, ReadOnlySpan<long> shape, int batchDim = 0)
        where T : unmanaged
    {
        if (_cuda == 0)
        {
            result.CopyTo(rows, shape, batchDim);
            return;
        }

        long* strides = stackalloc long[RowLayout.MaxRank];
        RowLayout.Strides(shape, batchDim, new Span<long>(strides, RowLayout.MaxRank), rows.Length);
        byte* error = stackalloc byte[NativeError.Capacity];
        fixed (long* sizes = shape)
        fixed (T* target = rows)
        {
            NativeStatus status = NativeMethods.fb_tensor_write_cuda(
                result.Id, _cuda - 1, ElementType.Of<T>(), shape.Length, sizes, strides, target, error, NativeError.Capacity);
            NativeError.ThrowIfFailed(status, error, "TorchScope.Write");
        }
    }

    /// <summary>A tensor with a copy of the values, which may lie anywhere.</summary>
    /// <typeparam name="T">The type of the elements.</typeparam>
    /// <param name="values">The elements in row-major order.</param>
    /// <param name="shape">The shape of the tensor; no dimensions make a scalar.</param>
    /// <exception cref="ArgumentException"><paramref name="values"/> has another length than <paramref name="shape"/>.</exception>
    /// <exception cref="NotSupportedException">Tensors have no elements of type <typeparamref name="T"/>.</exception>
    /// <exception cref="TorchException">No scope is open on this thread, or memory ran out.</exception>
    [SkipLocalsInit]
    public readonly TorchTensor Copy<T>(ReadOnlySpan<T> values, ReadOnlySpan<long> shape)
        where T : unmanaged
    {
        long* strides = stackalloc long[RowLayout.MaxRank];
        RowLayout.Strides(shape, 0, new Span<long>(strides, RowLayout.MaxRank), values.Length);
        byte* error = stackalloc byte[NativeError.Capacity];
        ulong tensor;
        fixed (long* sizes = shape)
        fixed (T* data = values)
        {
            NativeStatus status = NativeMethods.fb_tensor_copy(
                data, ElementType.Of<T>(), shape.Length, sizes, strides, &tensor, error, NativeError.Capacity);
            NativeError.ThrowIfFailed(status, error, "TorchScope.Copy");
        }

        return new TorchTensor(tensor);
    }

    /// <summary>Frees the tensors made since <see cref="Enter()"/>. Again, or on the default value, it does nothing.</summary>
    /// <exception cref="TorchException">
    /// A scope inside this one is still open, and then so is this one; or a copy of this one was disposed.
    /// </exception>
    [SkipLocalsInit]
    public void Dispose()
    {
        if (_id != 0)
        {
            byte* error = stackalloc byte[NativeError.Capacity];
            if (_batch is not null)
            {
                // If the method has thrown, rows that it wrote to are nothing to run again.
                int written;
                NativeError.ThrowIfFailed(
                    NativeMethods.fb_scope_is_written(_id, &written, error, NativeError.Capacity), error, "TorchScope.Dispose");
                if (written != 0)
                {
                    _batch.Spoil();
                }
            }

            NativeError.ThrowIfFailed(NativeMethods.fb_scope_leave(_id, error, NativeError.Capacity), error, "TorchScope.Dispose");
            _id = 0;
        }
    }
}
