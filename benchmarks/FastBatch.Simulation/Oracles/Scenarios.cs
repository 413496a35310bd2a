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

    /// <summary>The policy that a batcher has unless told otherwise.</summary>
    public static IBatchPolicy Default => new BatcherOptions().PolicyOr(TimeSpan.Zero);

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

    /// <summary>Traces other than steady Poisson arrivals on a line with little scatter.</summary>
    public static (string Name, Scenario Scenario)[] Others =>
    [
        ("bursts", Bursts),
        ("day and night", AtLoad(1) with { Arrivals = random => RandomArrivals.Diurnal(0.6 * Throughput, 0.9, 5000, random) }),
        ("40 clients", AtLoad(1) with { Arrivals = random => new ClosedLoopArrivals(40, 2, random) }),
        ("cost x 3", AtLoad(0.25) with { Device = Device with { Scale = time => time < 30_000 ? 1 : 3 } }),
        ("rate x 10", AtLoad(1) with
        {
            Arrivals = random => RandomArrivals.Spike(0.08 * Throughput, 0.8 * Throughput, 30_000, double.MaxValue, random),
        }),
        ("scatter", AtLoad(0.6) with { Device = Device with { Jitter = 0.3, Outliers = 0.005 } }),
        ("steps of 16", AtLoad(0.6) with { Device = Device with { Shape = rows => 2 + 0.08 * 16 * Math.Ceiling(rows / 16.0) } }),
        ("convex", AtLoad(0.6) with { Device = Device with { Shape = rows => 2 + 0.00125 * rows * rows } }),
    ];

    /// <summary>The least share of the bound that is answered in time at loads of 1.1 and 1.5, over ten seeds each.</summary>
    public static double GoodputRatioOverload() => new[] { 1.1, 1.5 }.Min(load => load * MeanOverSeeds(load));

    /// <summary>The share in time at a load of 0.95, over ten seeds.</summary>
    public static double InDeadlineAt95() => MeanOverSeeds(0.95);

    /// <summary>
    /// Whether a second of twice what the device can do, at load 0.8, is over soon: 99 % are in time again once twice the time has passed
    /// that the backlog takes to work off. The queue has no bound.
    /// </summary>
    /// <param name="policy">The policy.</param>
    /// <param name="deadline">What requests say; infinite if they are only measured.</param>
    public static bool RecoversFromSpike(IBatchPolicy policy, double deadline)
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
            Deadline = deadline,
        };
        return SimulationRun.Run(scenario, policy).InDeadline(Deadline) >= 0.99;
    }

    /// <summary>
    /// Mean latency of closing late over the better of the two alternatives, one batch at a time and closing when the last one starts; the
    /// worst over loads. The device copies rows (0.05 + 0.02 n ms) while it runs another batch.
    /// </summary>
    public static double LateCloseRatio(int requests) => new[] { 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95 }.Max(load =>
    {
        Scenario late = Scenario.Poisson(Device, MaxBatchSize, load) with
        {
            Copy = new DeviceModel(0.05, 0.02) { Jitter = 0.03 },
            MaxInFlight = 2,
            Requests = requests,
        };
        double alternative = Math.Min(Mean(late with { ClosesLate = false }), Mean(late with { MaxInFlight = 1 }));
        return Mean(late) / alternative;

        static double Mean(Scenario scenario) => SimulationRun.Run(scenario, Default).MeanLatency;
    });

    /// <summary>
    /// What is answered in time over what could have been with all arrivals known beforehand: twelve requests within some batches' time, a
    /// device that is known. The worst case and the mean of many.
    /// </summary>
    public static (double Worst, double Mean) AgainstClairvoyance(int cases)
    {
        var device = new DeviceModel(2, 0.5);
        var random = new RandomSource(7, stream: 9);
        double[] ratios = [.. Enumerable.Range(0, cases).Select(_ =>
        {
            double span = 4 + 36 * random.Uniform();
            double deadline = 4 + 8 * random.Uniform();
            double[] arrivals = [.. Enumerable.Range(0, 12).Select(_ => span * random.Uniform()).Order()];
            long[] times = [.. arrivals.Select(VirtualTime.FromMilliseconds)];
            var scenario = new Scenario(device, 4, _ => new TraceArrivals(times))
            {
                Requests = times.Length,
                BurnIn = 0,
                Deadline = deadline,
                IsWarm = true,
            };
            return (double)SimulationRun.Run(scenario, Default).OwnDeadlinesMet / ClairvoyantOptimum.Solve(arrivals, device, 4, deadline);
        })];
        return (ratios.Min(), ratios.Average());
    }

    private static double MeanOverSeeds(double load) => Enumerable.Range(1, 10).AsParallel().AsOrdered().Select(
        seed => SimulationRun.Run(AtLoad(load) with { Seed = (ulong)seed, Deadline = Deadline }, Default).InDeadline(Deadline)).Average();
}
