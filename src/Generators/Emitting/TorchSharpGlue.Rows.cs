namespace FastBatch.Generators.Emitting;

/// <summary>Tensors over the rows of an input, and what becomes of those that a method returned.</summary>
internal static partial class TorchSharpGlue
{
    private const string Rows = """
        /// <summary>
        /// The rows of one input as tensors, over the memory itself. A tensor is kept for the next batch of the same rows, which then costs
        /// none. Batches may run on several threads at once: a tensor that is lent is nobody else's. Any thread.
        /// </summary>
        internal sealed class TorchSharpRows<T> : global::System.IDisposable
            where T : unmanaged
        {
            // A power of two. A batch has one place, by its first row and its length; few of the possible ones occur again and again.
            private const int Places = 256;

            private readonly Kept?[] _kept = new Kept?[Places];
            private volatile bool _closed;

            public TorchSharpRows(global::System.Collections.Generic.IReadOnlyList<global::FastBatch.Devices.Device>? devices) =>
                TorchSharpMemory.Require(devices ?? []);

            /// <summary>The rows of a batch, until the loan is disposed.</summary>
            public Loan Borrow(
                global::FastBatch.Lanes.Batch batch,
                global::System.ReadOnlySpan<T> rows,
                global::System.ReadOnlySpan<long> sizes,
                global::System.ReadOnlySpan<long> strides)
            {
                (int firstRow, int count) = (batch.FirstRow, batch.Count);
                int place = (int)(unchecked(((uint)firstRow * 2654435761u) + ((uint)count * 2246822519u)) >> 24) % Places;
                Kept kept = global::System.Threading.Interlocked.Exchange(ref _kept[place], null) ?? new Kept();
                if (!kept.IsOf(rows, firstRow, count, sizes, strides))
                {
                    kept.Become(firstRow, count, TorchSharpMemory.Wrap(batch.Device, rows, sizes, strides, kept.Tensor));
                }

                return new Loan(this, place, kept);
            }

            /// <summary>Frees the tensors, those that are lent as soon as they come back.</summary>
            public void Dispose()
            {
                _closed = true;
                for (int place = 0; place < Places; place++)
                {
                    global::System.Threading.Interlocked.Exchange(ref _kept[place], null)?.Dispose();
                }
            }

            private void Return(int place, Kept kept)
            {
                // Where two batches of one place ran at once, the last one's tensor stays.
                global::System.Threading.Interlocked.Exchange(ref _kept[place], kept)?.Dispose();
                if (_closed)
                {
                    global::System.Threading.Interlocked.Exchange(ref _kept[place], null)?.Dispose();
                }
            }

            /// <summary>A tensor that is the batch's until this is disposed.</summary>
            internal readonly ref struct Loan
            {
                private readonly TorchSharpRows<T> _rows;
                private readonly int _place;
                private readonly Kept _kept;

                internal Loan(TorchSharpRows<T> rows, int place, Kept kept)
                {
                    _rows = rows;
                    _place = place;
                    _kept = kept;
                    Tensor = kept.Tensor!;
                }

                public global::TorchSharp.torch.Tensor Tensor { get; }

                /// <summary>The method threw: what it wrote to, it must not be given again.</summary>
                public void SpoilIfWritten(global::FastBatch.Lanes.Batch batch)
                {
                    if (_kept.TakeWritten())
                    {
                        batch.Spoil();
                    }
                }

                public void Dispose() => _rows.Return(_place, _kept);
            }

            internal sealed class Kept : global::System.IDisposable
            {
                private int _firstRow;
                private int _count;
                private long _version;

                public global::TorchSharp.torch.Tensor? Tensor { get; private set; }

                /// <summary>
                /// Whether the tensor is that batch, still: the method may have disposed it, or given it another shape or other memory.
                /// </summary>
                public bool IsOf(
                    global::System.ReadOnlySpan<T> rows,
                    int firstRow,
                    int count,
                    global::System.ReadOnlySpan<long> sizes,
                    global::System.ReadOnlySpan<long> strides)
                {
                    if (Tensor is not { IsInvalid: false } tensor
                        || _firstRow != firstRow
                        || _count != count
                        || !TorchSharpMemory.IsOver(tensor, rows)
                        || tensor.dim() != sizes.Length)
                    {
                        return false;
                    }

                    for (int i = 0; i < sizes.Length; i++)
                    {
                        if (tensor.size(i) != sizes[i] || tensor.stride(i) != strides[i])
                        {
                            return false;
                        }
                    }

                    return true;
                }

                /// <summary>Whether the method has written to the rows since this was last asked, or made it impossible to tell.</summary>
                public bool TakeWritten()
                {
                    if (Tensor is not { IsInvalid: false } tensor)
                    {
                        return true;
                    }

                    long before = _version;
                    _version = TorchSharpMemory.VersionOf(tensor);
                    return _version != before;
                }

                public void Become(int firstRow, int count, global::TorchSharp.torch.Tensor tensor)
                {
                    (_firstRow, _count, Tensor) = (firstRow, count, tensor);
                    _version = TorchSharpMemory.VersionOf(tensor);
                }

                public void Dispose() => Tensor?.Dispose();
            }
        }
        """;

    private const string Results = """
        /// <summary>What a method returned: copied to its callers, then disposed. The thread that runs the batch.</summary>
        internal static class TorchSharpResults
        {
            /// <summary>Copies a result, which must be exactly of this shape and type, to the batch's rows.</summary>
            public static void Copy<T>(
                global::FastBatch.Lanes.Batch batch,
                global::TorchSharp.torch.Tensor? result,
                global::System.Span<T> rows,
                global::System.ReadOnlySpan<long> sizes,
                global::System.ReadOnlySpan<long> strides,
                string name)
                where T : unmanaged
            {
                if (result is not { IsInvalid: false } || result.dtype != TorchSharpMemory.TypeOf<T>() || !HasSizes(result, sizes))
                {
                    throw Mismatch(result, TorchSharpMemory.TypeOf<T>(), sizes, name);
                }

                // Where a result is lazily negated, its bytes are not yet its elements.
                if (batch.Device?.CudaIndex is null
                    && result.device_type == global::TorchSharp.DeviceType.CPU
                    && result.is_contiguous()
                    && !result.is_neg()
                    && IsRowMajor(sizes, strides))
                {
                    global::System.Runtime.InteropServices.MemoryMarshal.Cast<byte, T>(result.bytes).CopyTo(rows);
                    return;
                }

                // From or on another device, or between layouts: libtorch copies, to a tensor over the rows.
                using global::TorchSharp.torch.Tensor target = TorchSharpMemory.Wrap<T>(batch.Device, rows, sizes, strides);
                global::TorchSharp.torch.Tensor copied = target.copy_(result);
                if (!ReferenceEquals(copied, target))
                {
                    copied.Dispose();
                }
            }

            /// <summary>Disposes what was returned, each tensor once, but not an input that came back.</summary>
            public static void Dispose(
                scoped global::System.ReadOnlySpan<global::TorchSharp.torch.Tensor?> results,
                scoped global::System.ReadOnlySpan<global::TorchSharp.torch.Tensor> inputs)
            {
                foreach (global::TorchSharp.torch.Tensor? result in results)
                {
                    bool isInput = false;
                    foreach (global::TorchSharp.torch.Tensor input in inputs)
                    {
                        isInput |= ReferenceEquals(result, input);
                    }

                    // Of a tensor that was returned twice, disposing it again does nothing.
                    if (!isInput)
                    {
                        result?.Dispose();
                    }
                }
            }

            private static bool HasSizes(global::TorchSharp.torch.Tensor tensor, global::System.ReadOnlySpan<long> sizes)
            {
                if (tensor.dim() != sizes.Length)
                {
                    return false;
                }

                for (int i = 0; i < sizes.Length; i++)
                {
                    if (tensor.size(i) != sizes[i])
                    {
                        return false;
                    }
                }

                return true;
            }

            private static bool IsRowMajor(global::System.ReadOnlySpan<long> sizes, global::System.ReadOnlySpan<long> strides)
            {
                long stride = 1;
                for (int i = sizes.Length - 1; i >= 0; i--)
                {
                    if (strides[i] != stride && sizes[i] != 1)
                    {
                        return false;
                    }

                    stride *= sizes[i];
                }

                return true;
            }

            private static global::System.InvalidOperationException Mismatch(
                global::TorchSharp.torch.Tensor? result,
                global::TorchSharp.torch.ScalarType type,
                global::System.ReadOnlySpan<long> sizes,
                string name)
            {
                string given = result is null ? "null"
                    : result.IsInvalid ? "a tensor that is disposed already, as by a DisposeScope that the method has left"
                    : $"{result.dtype} [{string.Join(", ", result.shape)}]";
                return new($"{name} is {given}; expected: {type} [{string.Join(", ", sizes.ToArray())}].");
            }
        }
        """;
}
