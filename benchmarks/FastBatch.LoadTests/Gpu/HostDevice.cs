using System.Diagnostics;
using System.Runtime.InteropServices;
using FastBatch.Devices;

namespace FastBatch.LoadTests.Gpu;

/// <summary>
/// A device whose memory is the host's and whose streams do at once, on the thread that asks, what they are given. Nothing overlaps on it: it
/// shows that batches take the way they take to a GPU, not how fast that is.
/// </summary>
internal sealed class HostDevice : Device
{
    public override string Name => "host";

    public override bool IsHostMemory => true;

    public override void Pin(nint address, long bytes)
    {
    }

    public override void Unpin(nint address)
    {
    }

    public override DeviceStreams Open() => new HostStreams();
}

internal sealed unsafe class HostStreams : DeviceStreams
{
    private const int Alignment = 256;

    // An event is the number of the time at which it happened.
    private readonly List<long> _events = [];
    private readonly HashSet<nint> _memory = [];

    // A graph is the call of the method; replaying makes it again.
    private readonly List<(IDeviceWork Work, int First, int Rows)> _graphs = [];
    private bool _isRecording;

    public override bool IsLost => false;

    public override bool RecordsGraphs => true;

    public override nint Allocate(long bytes)
    {
        nint memory = (nint)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        _memory.Add(memory);
        return memory;
    }

    public override void Free(nint memory)
    {
        if (_memory.Remove(memory))
        {
            NativeMemory.AlignedFree((void*)memory);
        }
    }

    public override nint CreateEvent()
    {
        _events.Add(0);
        return _events.Count - 1;
    }

    public override void FreeEvent(nint mark)
    {
    }

    public override void Copy(DeviceStream stream, nint destination, nint source, long bytes) =>
        Buffer.MemoryCopy((void*)source, (void*)destination, bytes, bytes);

    public override void Fill(nint memory, byte value, long bytes) => NativeMemory.Fill((void*)memory, (nuint)bytes, value);

    public override void Run(IDeviceWork work, int first, int rows)
    {
        if (_isRecording)
        {
            _graphs.Add((work, first, rows));
        }
        else
        {
            work.Run(first, rows);
        }
    }

    public override void BeginGraph() => _isRecording = true;

    public override nint EndGraph(bool keep)
    {
        _isRecording = false;
        return keep ? _graphs.Count : 0;
    }

    public override void Replay(nint graph)
    {
        (IDeviceWork work, int first, int rows) = _graphs[(int)graph - 1];
        work.Run(first, rows);
    }

    public override void FreeGraph(nint graph)
    {
    }

    public override void Record(nint mark, DeviceStream stream) => _events[(int)mark] = Stopwatch.GetTimestamp();

    public override void Await(DeviceStream stream, nint mark)
    {
    }

    public override bool IsDone(nint mark) => true;

    public override TimeSpan Between(nint from, nint to) => Stopwatch.GetElapsedTime(_events[(int)from], _events[(int)to]);

    protected override void Dispose(bool disposing)
    {
        foreach (nint memory in _memory)
        {
            NativeMemory.AlignedFree((void*)memory);
        }

        _memory.Clear();
    }
}
