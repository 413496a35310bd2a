using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using FastBatch.Devices;
using FastBatch.LoadTests.Harness;
using FastBatch.Native;

namespace FastBatch.LoadTests.Gpu;

/// <summary>
/// What nobody can beat, each measured alone on one thread: the stages of a full batch, given to the device many times over so that it never
/// waits for the CPU if that keeps up; and one row on its way there and back, without a batcher. Medians, in microseconds.
/// </summary>
/// <param name="HostToDevice">The rows of a full batch, from pinned memory.</param>
/// <param name="Compute">The model, eagerly, on a full batch that is there.</param>
/// <param name="DeviceToHost">The answers of a full batch, to pinned memory.</param>
/// <param name="BareP50">One row to the device, forward, and back, synchronously, from the better of pageable and pinned memory.</param>
internal sealed record StageBounds(double HostToDevice, double Compute, double DeviceToHost, double BareP50)
{
    private const int Rounds = 7;
    private const int BareRuns = 2_000;
    private static readonly TimeSpan s_round = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan s_bareRounds = TimeSpan.FromSeconds(1.5);

    /// <summary>The longest stage: with all of them overlapped, a batch takes no less.</summary>
    public double BatchMicroseconds => Math.Max(Compute, Math.Max(HostToDevice, DeviceToHost));

    public static StageBounds Measure<TRow, TAnswer>(GpuModel<TRow, TAnswer> model, TorchScriptModule identity, GpuTarget target)
        where TRow : unmanaged
        where TAnswer : unmanaged, INumberBase<TAnswer>
    {
        Device device = target.Device ?? new HostDevice();
        using var rows = new PinnedMemory<TRow>(device, model.Batch * model.RowLength);
        using var answers = new PinnedMemory<TAnswer>(device, model.Batch * model.AnswerLength);
        double bare = Math.Min(
            BareRoundTrip(model, GC.AllocateArray<TRow>(model.RowLength, pinned: true), new TAnswer[model.AnswerLength]),
            BareRoundTrip(model, rows.Span[..model.RowLength], answers.Span[..model.AnswerLength]));

        using DeviceStreams streams = device.Open();
        double compute = ComputeAlone(model, identity, streams);
        if (target.Device is null)
        {
            return new StageBounds(0, compute, 0, bare); // The model reads the rows where they are.
        }

        nint there = streams.Allocate(Math.Max(rows.Bytes, answers.Bytes));
        var copies = new StageBounds(
            Median(streams, DeviceStream.CopyIn, () => streams.Copy(DeviceStream.CopyIn, there, rows.Address, rows.Bytes)),
            compute,
            Median(streams, DeviceStream.CopyOut, () => streams.Copy(DeviceStream.CopyOut, answers.Address, there, answers.Bytes)),
            bare);
        streams.Free(there);
        return copies;
    }

    private static double ComputeAlone<TRow, TAnswer>(GpuModel<TRow, TAnswer> model, TorchScriptModule identity, DeviceStreams streams)
        where TRow : unmanaged
        where TAnswer : unmanaged, INumberBase<TAnswer>
    {
        using TorchScope scope = TorchScope.Enter();
        TorchTensor batch = identity.Forward(model.FullBatch(scope)); // It brings its input to its device.
        return Median(streams, DeviceStream.Compute, () =>
        {
            using TorchScope inner = TorchScope.Enter();
            model.Module.Forward(batch);
        });
    }

    /// <summary>What one of many takes that are given to a stream back to back.</summary>
    private static double Median(DeviceStreams streams, DeviceStream stream, Action launch)
    {
        nint begin = streams.CreateEvent();
        nint end = streams.CreateEvent();
        int count = 1;
        while (Time(streams, stream, launch, begin, end, count) < s_round)
        {
            count *= 2;
        }

        double[] rounds = [.. Enumerable.Range(0, Rounds)
            .Select(_ => Time(streams, stream, launch, begin, end, count).TotalMicroseconds / count).Order()];
        streams.FreeEvent(begin);
        streams.FreeEvent(end);
        return Math.Round(rounds[Rounds / 2], 3);
    }

    private static TimeSpan Time(DeviceStreams streams, DeviceStream stream, Action launch, nint begin, nint end, int count)
    {
        streams.Record(begin, stream);
        for (int i = 0; i < count; i++)
        {
            launch();
        }

        streams.Record(end, stream);
        while (!streams.IsDone(end))
        {
            Thread.SpinWait(1);
        }

        return streams.Between(begin, end);
    }

    private static double BareRoundTrip<TRow, TAnswer>(GpuModel<TRow, TAnswer> model, Span<TRow> row, Span<TAnswer> answer)
        where TRow : unmanaged
        where TAnswer : unmanaged, INumberBase<TAnswer>
    {
        var times = new Histogram();
        long began = Stopwatch.GetTimestamp();
        for (int i = 0; i < 2 * BareRuns && Stopwatch.GetElapsedTime(began) < s_bareRounds; i++)
        {
            int number = i % model.Rows.Length;
            long start = Stopwatch.GetTimestamp();
            model.Rows[number].CopyTo(row);
            model.Forward(row, answer);
            if (i == BareRuns)
            {
                times.Clear(); // So many were to warm up.
            }

            times.Record(Stopwatch.GetTimestamp() - start);
            model.Check("bare", number, answer);
        }

        return Math.Round(times.PercentileMicroseconds(0.5), 3);
    }
}

/// <summary>Whole pages that a device copies from and to by itself.</summary>
internal sealed class PinnedMemory<T> : IDisposable
    where T : unmanaged
{
    private readonly Device _device;
    private readonly byte[] _memory;
    private readonly int _offset;

    public PinnedMemory(Device device, int length)
    {
        _device = device;
        int page = Environment.SystemPageSize;
        Bytes = length * Marshal.SizeOf<T>();
        int pages = (Bytes + page - 1) / page * page;
        _memory = GC.AllocateArray<byte>(pages + page, pinned: true);
        nint first = Marshal.UnsafeAddrOfPinnedArrayElement(_memory, 0);
        _offset = (int)((page - (first % page)) % page);
        Address = first + _offset;
        device.Pin(Address, pages);
    }

    public nint Address { get; }

    public int Bytes { get; }

    public Span<T> Span => MemoryMarshal.Cast<byte, T>(_memory.AsSpan(_offset, Bytes));

    public void Dispose() => _device.Unpin(Address);
}
