using System.Runtime.InteropServices;
using FastBatch.Devices;
using FastBatch.Execution.Streams;

namespace FastBatch.ModelChecking.Components;

/// <summary>
/// Two device threads over one set of lanes (<see cref="StreamExecutor"/>): the lanes are handed from one to the other, rows go back in order, and
/// whoever sleeps with the lanes is woken for a row and for room. Every request ends once with its own answer, and nobody is left asleep.
/// </summary>
public class DevicesTests
{
    [Fact]
    public void Two_devices_serve_two_callers() => Check.Exhausts(Serves(callers: 2, rounds: 1), interruptions: 1);

    [Fact]
    public void Two_devices_serve_a_caller_that_comes_back() => Check.Exhausts(Serves(callers: 1, rounds: 2), interruptions: 1);

    [Fact]
    public void A_request_without_room_runs_when_the_other_device_has_read_its_rows() => Check.Exhausts(Waits(), interruptions: 1);

    [Fact]
    public void Sleep_while_called() => Check.Catches(new Twin("sleep-while-called"), "", Waits());

    [Fact]
    public void Sleep_without_a_fence_after_the_mark() => Check.Catches(
        new Twin(Weakening.NoFence, "WakeMark.cs", "Set"), "", Serves(callers: 2, rounds: 1));

    private static Action<Model> Serves(int callers, int rounds) => model =>
    {
        ModelBatcher batcher = Open(model, capacity: 2);
        var ends = new Ends(callers * rounds);
        for (int caller = 0; caller < callers; caller++)
        {
            int first = caller * rounds;
            model.Thread("caller", () => Submit(first, first + rounds));
        }

        model.AtEnd(ends.RequireAll);

        void Submit(int id, int end)
        {
            if (id < end)
            {
                batcher.Submit(id, (request, token) =>
                {
                    int result = ModelRequest.Take(request, token);
                    Model.Require(result == id, $"request {id} ended with {result}");
                    ends.Add(id);
                    Submit(id + 1, end);
                });
            }
        }
    };

    // One row of room: the second request is parked, and moves on when the first has been read, by whichever thread that was.
    private static Action<Model> Waits() => model =>
    {
        ModelBatcher batcher = Open(model, capacity: 1);
        var ends = new Ends(2);
        model.Thread("caller", () =>
        {
            for (int id = 0; id < 2; id++)
            {
                int own = id;
                batcher.Submit(own, (request, token) =>
                {
                    Model.Require(ModelRequest.Take(request, token) == own, "another's answer");
                    ends.Add(own);
                });
            }
        });
        model.AtEnd(ends.RequireAll);
    };

    private static ModelBatcher Open(Model model, int capacity)
    {
        StreamExecutor executor = null!;
        var batcher = new ModelBatcher(new BatcherOptions
        {
            MaxBatchSize = capacity,
            Capacity = capacity,
            Devices = [new ModelDevice(0), new ModelDevice(1)],
            Policy = DispatchAll.Instance,
            TimeProvider = new StoppedTime(),
            DrainTimeout = Timeout.InfiniteTimeSpan,
            Drive = opened => executor = opened,
        });
        foreach (DeviceLine line in executor.Lines)
        {
            model.Thread($"device {line.Number}", line.Run, isBackground: true);
        }

        return batcher;
    }

    /// <summary>Does at once what it is told to.</summary>
    private sealed class ModelDevice(int number) : Device
    {
        public override string Name => $"model:{number}";

        public override bool IsHostMemory => true;

        public override void Pin(nint address, long bytes)
        {
        }

        public override void Unpin(nint address)
        {
        }

        public override DeviceStreams Open() => new ModelStreams();
    }

    private sealed unsafe class ModelStreams : DeviceStreams
    {
        // Freed with the process: an execution that is given up ends nothing.
        private static readonly Stack<nint> s_memory = [];

        private readonly List<nint> _memory = [];
        private nint _events;

        public override bool IsLost => false;

        public override nint Allocate(long bytes)
        {
            lock (s_memory)
            {
                if (!s_memory.TryPop(out nint memory))
                {
                    memory = (nint)NativeMemory.AlignedAlloc(256, 256);
                }

                _memory.Add(memory);
                return memory;
            }
        }

        ~ModelStreams() => Dispose(false);

        public override void Free(nint memory)
        {
        }

        public override nint CreateEvent() => ++_events;

        public override void FreeEvent(nint mark)
        {
        }

        public override void Copy(DeviceStream stream, nint destination, nint source, long bytes) =>
            Buffer.MemoryCopy((void*)source, (void*)destination, bytes, bytes);

        public override void Run(IDeviceWork work, int first, int rows) => work.Run(first, rows);

        public override void Record(nint mark, DeviceStream stream)
        {
        }

        public override void Await(DeviceStream stream, nint mark)
        {
        }

        public override bool IsDone(nint mark) => true;

        public override TimeSpan Between(nint from, nint to) => TimeSpan.Zero;

        protected override void Dispose(bool disposing)
        {
            foreach (nint memory in _memory)
            {
                s_memory.Push(memory);
            }

            _memory.Clear();
        }
    }
}
