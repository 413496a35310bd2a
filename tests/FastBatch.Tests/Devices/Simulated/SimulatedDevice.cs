using System.Collections.Concurrent;
using FastBatch.Devices;

namespace FastBatch.Tests.Devices.Simulated;

/// <summary>
/// A device whose copy engines and compute unit are times on a clock, virtual or real: each does one thing after the other, beside the
/// others. It computes what it is told to, when that ends and not before; what it is to overwrite is garbage from the moment it begins to.
/// So whoever uses memory too early, or lends it out too early, gets wrong numbers. What is not allowed, it refuses by name.
/// </summary>
internal sealed class SimulatedDevice(TimeProvider time, int number = 0) : Device
{
    // Of all streams that are open: one engine each, in the order of DeviceStream.
    internal readonly long[] BusyUntil = new long[3];

    public override string Name { get; } = $"simulated:{number}";

    public override bool IsHostMemory => true;

    /// <summary>What copies take, by bytes, and what computing takes, by rows; nanoseconds.</summary>
    public LinearCost CopyIn { get; set; } = new(1000, 0.05);

    public LinearCost Compute { get; set; } = new(20_000, 100);

    public LinearCost CopyOut { get; set; } = new(1000, 0.05);

    /// <summary>What <see cref="DeviceStreams.Run"/> throws when it is to run these rows, the first and how many; null for nothing.</summary>
    public Func<int, int, Exception?> Refuse { get; set; } = static (_, _) => null;

    /// <summary>From this many calls of the compute stream on, an event never happens: a kernel that does not end.</summary>
    public int HangsAfter { get; set; } = int.MaxValue;

    /// <summary>From this many on, each call of a stream finds the device lost.</summary>
    public int LostAfter { get; set; } = int.MaxValue;

    /// <summary>Whether it records graphs.</summary>
    public bool RecordsGraphs { get; set; } = true;

    /// <summary>What replaying takes, by rows: less than to give it the method's work piece by piece.</summary>
    public LinearCost Replay { get; set; } = new(4_000, 100);

    /// <summary>What <see cref="DeviceStreams.Run"/> throws when a graph of so many rows is recorded; null for nothing.</summary>
    public Func<int, Exception?> RefuseRecording { get; set; } = static _ => null;

    /// <summary>The same for <see cref="DeviceStreams.Replay"/>.</summary>
    public Func<int, Exception?> RefuseReplay { get; set; } = static _ => null;

    /// <summary>What a replay computes, in place of what it should: that is given to it.</summary>
    public Action<Action> Replaying { get; set; } = static compute => compute();

    /// <summary>How often a graph was recorded.</summary>
    public int Recordings { get; internal set; }

    /// <summary>How often one was replayed.</summary>
    public int Replays { get; internal set; }

    /// <summary>How often the method was given rows.</summary>
    public int Runs { get; internal set; }

    /// <summary>Calls of streams so far.</summary>
    public int Calls { get; internal set; }

    /// <summary>Memory that is pinned now: where, and how long.</summary>
    public ConcurrentDictionary<nint, long> Pinned { get; } = new();

    /// <summary>Streams that are open now.</summary>
    public List<SimulatedStreams> Streams { get; } = [];

    /// <summary>Nanoseconds.</summary>
    internal long Now => (long)(time.GetTimestamp() * (1e9 / time.TimestampFrequency));

    /// <summary>When the next thing happens; null if nothing is under way that ends.</summary>
    public long? NextEvent => Streams.Min(static streams => streams.NextEvent);

    public override void Pin(nint address, long bytes)
    {
        if (Calls > LostAfter)
        {
            throw new DeviceException(DeviceFailure.Lost, $"{Name} does not answer.");
        }

        Assert.True(address % Environment.SystemPageSize == 0 && bytes > 0 && bytes % Environment.SystemPageSize == 0, "Whole pages are pinned.");
        Assert.True(Pinned.TryAdd(address, bytes), "It is pinned already.");
    }

    public override void Unpin(nint address) => Pinned.TryRemove(address, out _);

    public override DeviceStreams Open() => new SimulatedStreams(this);
}

/// <summary>a + b n nanoseconds.</summary>
internal readonly record struct LinearCost(double Fixed, double PerUnit)
{
    public long Of(long units) => (long)(Fixed + (PerUnit * units));
}
