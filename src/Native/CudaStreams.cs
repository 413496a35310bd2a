using System.Runtime.CompilerServices;
using FastBatch.Devices;
using FastBatch.Native.Interop;

namespace FastBatch.Native;

/// <summary>The streams of one batcher on a CUDA device: each member is one call of the native library, and allocates nothing.</summary>
internal sealed unsafe class CudaStreams : DeviceStreams
{
    private readonly string _name;
    private nint _streams;

    public CudaStreams(int index)
    {
        _name = $"cuda:{index}";
        byte* error = stackalloc byte[NativeError.Capacity];
        nint streams;
        Check(NativeMethods.fb_cuda_streams_open(index, &streams, error, NativeError.Capacity), error);
        _streams = streams;
        void* current;
        Check(NativeMethods.fb_cuda_current_stream(index, &current, error, NativeError.Capacity), error);
        Description = $"on this thread libtorch computes on a stream of its own, 0x{(nint)current:x}; {Torch.Description.ReplaceLineEndings(" ").Trim()}";
    }

    /// <inheritdoc/>
    public override string Description { get; }

    public override bool IsLost
    {
        get
        {
            // Where even the question fails the device cannot be relied on.
            int lost = 1;
            _ = NativeMethods.fb_cuda_is_lost(_streams, &lost, error: null, errorCapacity: 0);
            return lost != 0;
        }
    }

    public override nint Allocate(long bytes)
    {
        byte* error = stackalloc byte[NativeError.Capacity];
        void* memory;
        Check(NativeMethods.fb_cuda_allocate(_streams, bytes, &memory, error, NativeError.Capacity), error);
        return (nint)memory;
    }

    public override void Free(nint memory)
    {
        byte* error = stackalloc byte[NativeError.Capacity];
        Check(NativeMethods.fb_cuda_free(_streams, (void*)memory, error, NativeError.Capacity), error);
    }

    public override nint CreateEvent()
    {
        byte* error = stackalloc byte[NativeError.Capacity];
        nint mark;
        Check(NativeMethods.fb_cuda_event_create(_streams, &mark, error, NativeError.Capacity), error);
        return mark;
    }

    public override void FreeEvent(nint mark)
    {
        byte* error = stackalloc byte[NativeError.Capacity];
        Check(NativeMethods.fb_cuda_event_free(_streams, mark, error, NativeError.Capacity), error);
    }

    [SkipLocalsInit]
    public override void Copy(DeviceStream stream, nint destination, nint source, long bytes)
    {
        byte* error = stackalloc byte[NativeError.Capacity];
        NativeStatus status = NativeMethods.fb_cuda_copy(
            _streams, (int)stream, (void*)destination, (void*)source, bytes, error, NativeError.Capacity);
        Check(status, error);
    }

    public override bool RecordsGraphs => true;

    [SkipLocalsInit]
    public override void Fill(nint memory, byte value, long bytes)
    {
        byte* error = stackalloc byte[NativeError.Capacity];
        Check(NativeMethods.fb_cuda_fill(_streams, (void*)memory, value, bytes, error, NativeError.Capacity), error);
    }

    public override void BeginGraph()
    {
        byte* error = stackalloc byte[NativeError.Capacity];
        Check(NativeMethods.fb_cuda_graph_begin(_streams, error, NativeError.Capacity), error);
    }

    public override nint EndGraph(bool keep)
    {
        byte* error = stackalloc byte[NativeError.Capacity];
        nint graph;
        Check(NativeMethods.fb_cuda_graph_end(_streams, keep ? 1 : 0, &graph, error, NativeError.Capacity), error);
        return graph;
    }

    [SkipLocalsInit]
    public override void Replay(nint graph)
    {
        byte* error = stackalloc byte[NativeError.Capacity];
        Check(NativeMethods.fb_cuda_graph_replay(_streams, graph, error, NativeError.Capacity), error);
    }

    public override void FreeGraph(nint graph) => NativeMethods.fb_cuda_graph_free(graph);

    // The thread's current stream is the compute stream: what the method computes goes there by itself.
    public override void Run(IDeviceWork work, int first, int rows) => work.Run(first, rows);

    [SkipLocalsInit]
    public override void Record(nint mark, DeviceStream stream)
    {
        byte* error = stackalloc byte[NativeError.Capacity];
        Check(NativeMethods.fb_cuda_record(_streams, mark, (int)stream, error, NativeError.Capacity), error);
    }

    [SkipLocalsInit]
    public override void Await(DeviceStream stream, nint mark)
    {
        byte* error = stackalloc byte[NativeError.Capacity];
        Check(NativeMethods.fb_cuda_await(_streams, (int)stream, mark, error, NativeError.Capacity), error);
    }

    [SkipLocalsInit]
    public override bool IsDone(nint mark)
    {
        byte* error = stackalloc byte[NativeError.Capacity];
        int done;
        Check(NativeMethods.fb_cuda_query(_streams, mark, &done, error, NativeError.Capacity), error);
        return done != 0;
    }

    [SkipLocalsInit]
    public override TimeSpan Between(nint from, nint to)
    {
        byte* error = stackalloc byte[NativeError.Capacity];
        float milliseconds;
        Check(NativeMethods.fb_cuda_elapsed(_streams, from, to, &milliseconds, error, NativeError.Capacity), error);
        return TimeSpan.FromTicks((long)(milliseconds * (double)TimeSpan.TicksPerMillisecond));
    }

    protected override void Dispose(bool disposing)
    {
        nint streams = _streams;
        _streams = 0;
        if (streams != 0)
        {
            // What fails here has been said before, or does no harm any more.
            _ = NativeMethods.fb_cuda_streams_close(streams, error: null, errorCapacity: 0);
        }
    }

    private void Check(NativeStatus status, byte* error) => CudaError.ThrowIfFailed(status, error, _name);
}
