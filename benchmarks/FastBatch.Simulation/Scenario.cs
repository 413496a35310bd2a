using FastBatch.Simulation.Arrivals;
using FastBatch.Simulation.Replays;

namespace FastBatch.Simulation;

/// <summary>What is simulated: requests of one row each, a bounded queue, a device or several.</summary>
internal sealed record Scenario(DeviceModel Device, int MaxBatchSize, Func<RandomSource, ArrivalSource> Arrivals)
{
    /// <summary>Requests in all.</summary>
    public int Requests { get; init; } = 100_000;

    /// <summary>Requests at the start that are not measured.</summary>
    public int BurnIn { get; init; } = 2000;

    /// <summary>The most rows that wait or run; more are refused, as a batcher does that rejects.</summary>
    public int Capacity { get; init; } = int.MaxValue;

    /// <summary>
    /// From submission, in ms; infinite for none. Requests predicted to be late are refused, those that turn out to be are given up. Rivals,
    /// which have their own rules or none, are only measured by one: they run without.
    /// </summary>
    public double Deadline { get; init; } = double.PositiveInfinity;

    /// <summary>Deadline (ms) and level of each request, where they differ; levels as in <see cref="Scheduling.PriorityShares"/>.</summary>
    public Func<RandomSource, (double Deadline, int Level)>? Draw { get; init; }

    /// <summary>How long a row waits, in ms, before its level gets a share from those above.</summary>
    public double AgePeriod { get; init; } = 100;

    /// <summary>Devices that take from the same queue.</summary>
    public int Devices { get; init; } = 1;

    /// <summary>Batches a device has at once: with 2 it copies the rows of one while it runs another.</summary>
    public int MaxInFlight { get; init; } = 1;

    /// <summary>What copying rows to the device takes; null for nothing.</summary>
    public DeviceModel? Copy { get; init; }

    /// <summary>Whether the next batch closes just in time for its copy, rather than as soon as the one before runs.</summary>
    public bool ClosesLate { get; init; } = true;

    /// <summary>Whether the device is known before the first request, as after a warm-up.</summary>
    public bool IsWarm { get; init; }

    /// <summary>What takes time around the batches.</summary>
    public MachineTimes Machine { get; init; } = MachineTimes.None;

    public ulong Seed { get; init; } = 1;

    /// <summary>Independent requests at a share of what the device can do with full batches.</summary>
    public static Scenario Poisson(DeviceModel device, int maxBatchSize, double load)
    {
        double rate = load * device.Throughput(maxBatchSize);
        return new(device, maxBatchSize, random => RandomArrivals.Poisson(rate, random));
    }
}
