using System.Runtime.InteropServices;
using FastBatch.Devices;

namespace FastBatch.Tests.Devices.Simulated;

/// <summary>The streams of one batcher; see <see cref="SimulatedDevice"/>.</summary>
internal sealed unsafe class SimulatedStreams : DeviceStreams
{
    private const long Never = long.MaxValue;
    private const byte Garbage = 0xDB;

    private readonly SimulatedDevice _device;
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly Dictionary<nint, long> _memory = [];
    private readonly Dictionary<nint, long?> _events = [];

    // What each graph gives the compute stream, and until when that is at work on it.
    private readonly Dictionary<nint, (IDeviceWork Work, int Rows, long Until)> _graphs = [];
    private bool _isRecording;
    private (IDeviceWork Work, int Rows)? _recorded;

    // What is to happen, in order of time and then of its being asked for.
    private readonly PriorityQueue<Action, (long Time, long Order)> _effects = new();
    private readonly long[] _ends = new long[3];
    private long _order;
    private nint _lastEvent;
    private bool _disposed;

    // What a kernel threw while nobody was looking.
    private Exception? _failure;

    public SimulatedStreams(SimulatedDevice device)
    {
        _device = device;
        device.Streams.Add(this);
    }

    /// <summary>A stage that has ended: of which stream, from when to when.</summary>
    public List<(DeviceStream Stream, long Began, long Ended)> History { get; } = [];

    public override bool RecordsGraphs => _device.RecordsGraphs;

    /// <summary>Graphs that are not freed.</summary>
    public int Graphs => _graphs.Count;

    public override bool IsLost => _device.Calls > _device.LostAfter || _failure is not null;

    /// <summary>When the next thing happens; null if nothing is under way that ends.</summary>
    public long? NextEvent
    {
        get
        {
            long now = _device.Now;
            long next = _events.Values.Where(time => time > now && time < Never).Min() ?? Never;
            return next == Never ? null : next;
        }
    }

    /// <summary>A device that is lost need not have come to rest: what it was told to do before, it does now.</summary>
    public void FinishLate()
    {
        while (_effects.TryDequeue(out Action? effect, out _))
        {
            effect();
        }
    }

    public override nint Allocate(long bytes)
    {
        Enter();
        nint memory = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 256);
        new Span<byte>((void*)memory, (int)bytes).Fill(Garbage);
        _memory.Add(memory, bytes);
        return memory;
    }

    public override void Free(nint memory)
    {
        Enter();
        Assert.True(_memory.Remove(memory), "It is not reserved.");
        NativeMemory.AlignedFree((void*)memory);
    }

    public override nint CreateEvent()
    {
        Enter();
        _events.Add(++_lastEvent, null);
        return _lastEvent;
    }

    public override void FreeEvent(nint mark)
    {
        Enter();
        Assert.True(_events.Remove(mark), "There is no such event.");
    }

    public override void Copy(DeviceStream stream, nint destination, nint source, long bytes)
    {
        Enter();
        bool isIn = stream == DeviceStream.CopyIn;
        Assert.NotEqual(DeviceStream.Compute, stream);
        Assert.True(bytes > 0, "Nothing is copied.");
        Assert.True(IsWithin(_memory, isIn ? destination : source, bytes), "It is not the device's memory.");
        Assert.True(IsWithin(_device.Pinned, isIn ? source : destination, bytes), "The host's memory is not pinned.");
        Add(
            stream,
            (isIn ? _device.CopyIn : _device.CopyOut).Of(bytes),
            began: () => new Span<byte>((void*)destination, (int)bytes).Fill(Garbage),
            ended: () => new ReadOnlySpan<byte>((void*)source, (int)bytes).CopyTo(new Span<byte>((void*)destination, (int)bytes)));
    }

    public override void Run(IDeviceWork work, int first, int rows)
    {
        if (_isRecording)
        {
            Keep(work, first, rows);
            return;
        }

        Enter();
        Assert.True(first >= 0 && rows > 0, "Nothing is run.");
        _device.Runs++;
        if (_device.Refuse(first, rows) is { } refusal)
        {
            throw refusal;
        }

        bool hangs = _device.Runs > _device.HangsAfter;
        Add(DeviceStream.Compute, hangs ? Never : _device.Compute.Of(rows), null, ended: () => work.Run(first, rows));
    }

    public override void Fill(nint memory, byte value, long bytes)
    {
        Enter();
        Assert.True(IsWithin(_memory, memory, bytes) && bytes > 0, "It is not the device's memory.");
        Add(
            DeviceStream.CopyIn,
            duration: 0,
            began: () => new Span<byte>((void*)memory, (int)bytes).Fill(Garbage),
            ended: () => new Span<byte>((void*)memory, (int)bytes).Fill(value));
    }

    public override void BeginGraph()
    {
        Enter();
        _isRecording = true;
        _recorded = null;
    }

    public override nint EndGraph(bool keep)
    {
        Assert.True(_isRecording, "Nothing is being recorded.");
        _isRecording = false;
        Enter();
        if (!keep)
        {
            return 0;
        }

        Assert.True(_recorded is not null, "Nothing was recorded.");
        _device.Recordings++;
        _graphs.Add(++_lastEvent, (_recorded.Value.Work, _recorded.Value.Rows, 0));
        return _lastEvent;
    }

    public override void Replay(nint graph)
    {
        Enter();
        (IDeviceWork work, int rows, _) = _graphs[graph];
        if (_device.RefuseReplay(rows) is { } refusal)
        {
            throw refusal;
        }

        _device.Replays++;
        Add(DeviceStream.Compute, _device.Replay.Of(rows), null, ended: () => _device.Replaying(() => work.Run(0, rows)));
        _graphs[graph] = (work, rows, _ends[(int)DeviceStream.Compute]);
    }

    public override void FreeGraph(nint graph)
    {
        Enter();
        Assert.True(_graphs.Remove(graph, out var freed), "There is no such graph.");
        Assert.True(freed.Until <= _device.Now, "The graph is being replayed.");
    }

    public override void Record(nint mark, DeviceStream stream)
    {
        Enter();
        Assert.True(_events.TryGetValue(mark, out long? time), "There is no such event.");
        Assert.True(time is null || time <= _device.Now, "The event is recorded again before it has happened.");
        _events[mark] = Math.Max(_device.Now, _ends[(int)stream]);
    }

    public override void Await(DeviceStream stream, nint mark)
    {
        Enter();
        _ends[(int)stream] = Math.Max(_ends[(int)stream], _events[mark]!.Value);
    }

    public override bool IsDone(nint mark)
    {
        Enter();

        // Before what is due by then is done: real time goes on meanwhile.
        long now = _device.Now;
        Advance();
        ThrowIfLost();
        return _events[mark] is { } time && time <= now;
    }

    public override TimeSpan Between(nint from, nint to)
    {
        Assert.True(IsDone(from) && IsDone(to), "The events have not happened.");
        return TimeSpan.FromTicks((_events[to]!.Value - _events[from]!.Value) / TimeSpan.NanosecondsPerTick);
    }

    protected override void Dispose(bool disposing)
    {
        if (_disposed)
        {
            return;
        }

        Assert.Equal(_thread, Environment.CurrentManagedThreadId);
        Assert.True(IsLost || _ends.Max() <= _device.Now, "Its streams are at work.");
        Assert.True(IsLost || _graphs.Count == 0, "Graphs are left.");
        _disposed = true;
        _device.Streams.Remove(this);
        foreach (nint memory in _memory.Keys)
        {
            NativeMemory.AlignedFree((void*)memory);
        }
    }

    private static bool IsWithin(IEnumerable<KeyValuePair<nint, long>> ranges, nint address, long bytes) =>
        ranges.Any(range => address >= range.Key && address + bytes <= range.Key + range.Value);

    private void Keep(IDeviceWork work, int first, int rows)
    {
        if (_device.RefuseRecording(rows) is { } refusal)
        {
            throw refusal;
        }

        Assert.True(_recorded is null && first == 0, "A graph is of one run from the first row on.");
        _recorded = (work, rows);
    }

    private void Enter()
    {
        Assert.False(_isRecording, "A graph is being recorded.");
        Assert.Equal(_thread, Environment.CurrentManagedThreadId);
        Assert.False(_disposed, "The streams are closed.");
        _device.Calls++;
        ThrowIfLost();
    }

    private void ThrowIfLost()
    {
        if (IsLost)
        {
            throw new DeviceException(DeviceFailure.Lost, $"{_device.Name} does not answer.", _failure);
        }
    }

    private void Add(DeviceStream stream, long duration, Action? began, Action ended)
    {
        Advance();
        ref long engine = ref _device.BusyUntil[(int)stream];
        long begin = Math.Max(Math.Max(_device.Now, _ends[(int)stream]), engine);
        long end = duration >= Never - begin ? Never : begin + duration;
        engine = _ends[(int)stream] = end;
        if (began is not null && begin < Never)
        {
            _effects.Enqueue(began, (begin, _order++));
        }

        if (end < Never)
        {
            _effects.Enqueue(
                () =>
                {
                    ended();
                    History.Add((stream, begin, end));
                },
                (end, _order++));
        }
    }

    private void Advance()
    {
        while (_failure is null && _effects.TryPeek(out Action? effect, out var at) && at.Time <= _device.Now)
        {
            _effects.Dequeue();
            try
            {
                effect();
            }
            catch (Exception exception)
            {
                // As on a device whose kernel fails: it shows at the next look, and is final.
                _failure = exception;
            }
        }
    }
}
