using System.Runtime.InteropServices;

namespace FastBatch.Native.Interop;

/// <content>The last section of the header, and what goes with it.</content>
internal static unsafe partial class NativeMethods
{
    [LibraryImport(Library)]
    internal static partial NativeStatus fb_tensor_borrow_cuda(
        void* data, int deviceIndex, int dtype, int rank, long* sizes, long* strides, ulong* tensor, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_tensor_write_cuda(
        ulong tensor, int deviceIndex, int dtype, int rank, long* sizes, long* strides, void* destination, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_streams_open(int deviceIndex, nint* streams, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_streams_close(nint streams, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_is_lost(nint streams, int* lost, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_allocate(nint streams, long bytes, void** memory, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_free(nint streams, void* memory, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_pin(int deviceIndex, void* address, long bytes, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_unpin(int deviceIndex, void* address, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_event_create(nint streams, nint* mark, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_event_free(nint streams, nint mark, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_copy(
        nint streams, int stream, void* destination, void* source, long bytes, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_fill(nint streams, void* memory, int value, long bytes, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_record(nint streams, nint mark, int stream, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_await(nint streams, int stream, nint mark, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_query(nint streams, nint mark, int* done, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_elapsed(
        nint streams, nint from, nint to, float* milliseconds, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_current_stream(int deviceIndex, void** stream, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_graph_begin(nint streams, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_graph_end(nint streams, int keep, nint* graph, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial NativeStatus fb_cuda_graph_replay(nint streams, nint graph, byte* error, int errorCapacity);

    [LibraryImport(Library)]
    internal static partial void fb_cuda_graph_free(nint graph);
}
