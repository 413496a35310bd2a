using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

// Everything that crosses is a number, a pointer or a safe handle: nothing is left for the runtime to marshal.
[assembly: DisableRuntimeMarshalling]

namespace FastBatch.Native.Interop;

/// <summary>
/// The functions of <c>include/fastbatch_native.h</c>, one by one and under their own names; the header says what they do, and the build
/// of the native library fails if the two differ. None of them suppresses the switch to preemptive mode: a batch may take milliseconds,
/// and the garbage collector must not wait for it.
/// </summary>
internal static unsafe partial class NativeMethods
{
    /// <summary>The version of the header that these declarations are made from; a library of another version is refused.</summary>
    public const int AbiVersion = 1;

    public const string Library = "fastbatch_native";

    // Before the first call: the runtime alone would look for the library in fewer places and fail with less to say.
    static NativeMethods() => NativeLibrary.SetDllImportResolver(typeof(NativeMethods).Assembly, LibraryResolver.Resolve);

    [LibraryImport(Library)]
    internal static partial int fb_abi_version();

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_describe(byte* text, int capacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_get_threads(int* intraop);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_set_threads(int intraop, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_device_count(int* count, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_synchronize(int index, byte* error, int errorCapacity);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial NativeStatus fb_module_load_file(
        string path, int deviceType, int deviceIndex, int flags, out TorchModuleHandle module, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_module_load_memory(
        void* bytes,
        ulong length,
        int deviceType,
        int deviceIndex,
        int flags,
        out TorchModuleHandle module,
        byte* error,
        int errorCapacity);

    [LibraryImport(Library)]
    internal static partial void fb_module_free(nint module);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial NativeStatus fb_module_method(
        TorchModuleHandle module,
        string name,
        out TorchMethodHandle method,
        int* requiredInputs,
        int* maxInputs,
        byte* error,
        int errorCapacity);

    [LibraryImport(Library)]
    internal static partial void fb_method_free(nint method);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_scope_enter(ulong* scope, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_scope_leave(ulong scope, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_scope_is_written(ulong scope, int* written, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_tensor_borrow(
        void* data, int dtype, int rank, long* sizes, long* strides, ulong* tensor, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_tensor_copy(
        void* data, int dtype, int rank, long* sizes, long* strides, ulong* tensor, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_tensor_handle(
        void* data, int dtype, int rank, long* sizes, long* strides, nint* handle, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_tensor_describe(
        ulong tensor, int* dtype, int* rank, long* sizes, int sizesCapacity, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_tensor_read(
        ulong tensor, int dtype, int rank, long* sizes, long* strides, void* destination, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_method_invoke(
        TorchMethodHandle method, ulong* inputs, int count, ulong* outputs, int capacity, int* produced, byte* error, int errorCapacity);
}
