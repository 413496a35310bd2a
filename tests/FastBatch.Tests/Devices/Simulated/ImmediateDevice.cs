using System.Runtime.InteropServices;
using FastBatch.Devices;

namespace FastBatch.Tests.Devices.Simulated;

/// <summary>A device that does at once what it is told to, and allocates nothing: what is counted beside it is the batcher's.</summary>
internal sealed class ImmediateDevice(int number = 0) : Device
{
    private bool _holds;

    public override string Name { get; } = $"immediate:{number}";

    public static ImmediateDevice[] Several(int count) => [.. Enumerable.Range(0, count).Select(static number => new ImmediateDevice(number))];

    public override bool IsHostMemory => true;

    /// <summary>Whether it refuses to record graphs when it is asked to.</summary>
    public bool RefusesRecording { get; init; }

    /// <summary>Whether what it is told to do has not ended yet, as far as anybody can see. Any thread.</summary>
    public bool Holds
    {
        get => Volatile.Read(ref _holds);
        set => Volatile.Write(ref _holds, value);
    }

    public override void Pin(nint address, long bytes)
    {
    }

    public override void Unpin(nint address)
    {
    }

    public override DeviceStreams Open() => new Streams(this);

    private sealed unsafe class Streams(ImmediateDevice device) : DeviceStreams
    {
        private readonly List<(IDeviceWork Work, int Rows)> _graphs = [];
        private bool _isRecording;
        private nint _events;

        public override bool RecordsGraphs => true;

        public override bool IsLost => false;

        public override nint Allocate(long bytes) => (nint)NativeMemory.AlignedAlloc((nuint)bytes, 256);

        public override void Free(nint memory) => NativeMemory.AlignedFree((void*)memory);

        public override nint CreateEvent() => ++_events;

        public override void FreeEvent(nint mark)
        {
        }

        public override void Copy(DeviceStream stream, nint destination, nint source, long bytes) =>
            new ReadOnlySpan<byte>((void*)source, (int)bytes).CopyTo(new Span<byte>((void*)destination, (int)bytes));

        public override void Fill(nint memory, byte value, long bytes) => new Span<byte>((void*)memory, (int)bytes).Fill(value);

        public override void Run(IDeviceWork work, int first, int rows)
        {
            if (_isRecording)
            {
                _graphs.Add((work, rows));
            }
            else
            {
                work.Run(first, rows);
            }
        }

        public override void BeginGraph()
        {
            if (device.RefusesRecording)
            {
                throw new DeviceException(DeviceFailure.Refused, $"{device.Name} cannot now");
            }

            _isRecording = true;
        }

        public override nint EndGraph(bool keep)
        {
            _isRecording = false;
            return keep ? _graphs.Count : 0;
        }

        public override void Replay(nint graph) => _graphs[(int)graph - 1].Work.Run(0, _graphs[(int)graph - 1].Rows);

        public override void FreeGraph(nint graph)
        {
        }

        public override void Record(nint mark, DeviceStream stream)
        {
        }

        public override void Await(DeviceStream stream, nint mark)
        {
        }

        public override bool IsDone(nint mark) => !device.Holds;

        public override TimeSpan Between(nint from, nint to) => TimeSpan.FromMicroseconds(1);

        // Its memory goes with the process: batchers of tests are few.
        protected override void Dispose(bool disposing)
        {
        }
    }
}
