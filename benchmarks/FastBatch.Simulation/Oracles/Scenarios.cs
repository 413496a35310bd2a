using FastBatch.Scheduling;
using FastBatch.Simulation.Arrivals;

namespace FastBatch.Simulation.Oracles;

/// <summary>The device of the comparisons, and the scenarios that are judged by a deadline.</summary>
internal static class Scenarios
{
    public const int MaxBatchSize = 64;

    /// <summary>ms; nearly three of the largest batches.</summary>
    public const double Deadline = 20;

    public static readonly DeviceModel Device = new(2, 0.08) { Jitter = 0.03 };

    public static double Throughput => Device.Throughput(MaxBatchSize);

    /// <summary>Independent requests at a share of the device's throughput, and room for ten batches.</summary>
    public static Scenario AtLoad(double load) => Scenario.Poisson(Device, MaxBatchSize, load) with
    {
        Requests = 200_000,
        Capacity = 10 * MaxBatchSize,
    };

    /// <summary>Loads of 0.1 and 1.3 that take turns, 200 ms each on average.</summary>
    public static Scenario Bursts => AtLoad(1) with
    {
        Arrivals = random => new BurstyArrivals(0.1 * Throughput, 1.3 * Throughput, 200, random),
    };

    /// <summary>
    /// Whether a second of twice what the device can do, at load 0.8, is over soon: 99 % are in time again once twice the time has passed
    /// that the backlog takes to work off. The queue has no bound.
    /// </summary>
    public static bool RecoversFromSpike(IBatchPolicy policy)
    {
        const double load = 0.8;
        const double spike = 1000;
        double backlog = spike * Throughput;
        double recovery = 2 * backlog / (Throughput * (1 - load));
        double before = (load * (spike + recovery) + 2 * spike) * Throughput;
        var scenario = new Scenario(
            Device, MaxBatchSize, random => RandomArrivals.Spike(load * Throughput, 2 * Throughput, spike, 2 * spike, random))
        {
            BurnIn = (int)before,
            Requests = (int)before + 20_000,
        };
        return SimulationRun.Run(scenario, policy).InDeadline(Deadline) >= 0.99;
    }

    /// <summary>The share in time at a load of 0.95, over ten seeds.</summary>
    public static double InDeadlineAt95(Func<IBatchPolicy> create) => Enumerable.Range(1, 10).Average(
        seed => SimulationRun.Run(AtLoad(0.95) with { Seed = (ulong)seed }, create()).InDeadline(Deadline));

    /// <summary>The policy that a batcher has unless told otherwise.</summary>
    public static IBatchPolicy Default => new BatcherOptions().PolicyOr(TimeSpan.Zero);
}
