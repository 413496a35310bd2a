using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastBatch.Native.Interop;

namespace FastBatch.Native;

/// <summary>
/// Tensors for another library in this process, as TorchSharp is, that uses the same libtorch: they are <c>at::Tensor*</c>, of no scope.
/// For generated code, where that libtorch has no such function itself.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static unsafe class TorchHandle
{
    // at::get_num_threads(): any function of libtorch would do. The name is that of the Itanium ABI, which all but Windows use.
    private const string Probe = "_ZN2at15get_num_threadsEv";

    /// <summary>Why tensors made here cannot be given to a library: it must use the very libtorch that this one uses.</summary>
    /// <param name="library">The library's handle.</param>
    /// <returns>A sentence; null if they can.</returns>
    public static string? WhyUnusable(nint library) =>
        LibraryResolver.Failure is { } failure ? failure
        : NativeLibrary.TryGetExport(LibraryResolver.Handle, Probe, out nint own)
            && NativeLibrary.TryGetExport(library, Probe, out nint other)
            && own == other ? null
        : $"FastBatch's native library uses another libtorch ({Torch.Description.ReplaceLineEndings(" ").Trim()}): build it against the same one "
            + "with eng/build-native.sh -DCMAKE_PREFIX_PATH=<folder>.";

    /// <summary>A tensor over the caller's memory, nothing copied. Whoever gets it deletes it, and keeps the memory where it is till then.</summary>
    /// <param name="data">The first element.</param>
    /// <param name="elementType">The type of the elements, by libtorch's number.</param>
    /// <param name="sizes">The shape.</param>
    /// <param name="strides">From one element to the next in each dimension, in elements.</param>
    /// <returns>An <c>at::Tensor*</c>.</returns>
    /// <exception cref="ArgumentException"><paramref name="strides"/> has another length than <paramref name="sizes"/>.</exception>
    /// <exception cref="TorchException">No tensor can be that.</exception>
    [SkipLocalsInit]
    public static nint Create(ref byte data, int elementType, ReadOnlySpan<long> sizes, ReadOnlySpan<long> strides)
    {
        if (sizes.Length != strides.Length)
        {
            throw new ArgumentException($"{strides.Length} strides for {sizes.Length} dimensions.", nameof(strides));
        }

        byte* error = stackalloc byte[NativeError.Capacity];
        nint handle;
        fixed (byte* first = &data)
        fixed (long* lengths = sizes, steps = strides)
        {
            NativeStatus status = NativeMethods.fb_tensor_handle(
                first, elementType, sizes.Length, lengths, steps, &handle, error, NativeError.Capacity);
            NativeError.ThrowIfFailed(status, error, "TorchHandle.Create");
        }

        return handle;
    }
}
