using FastBatch.Scheduling;
using FastBatch.Simulation.Rivals;

namespace FastBatch.Simulation.Oracles;

/// <summary>One case: a device, the largest batch, a load, a price.</summary>
internal sealed record OracleCase(DeviceModel Device, int MaxBatchSize, double Load, double Price)
{
    public double Rate => Load * Device.Throughput(MaxBatchSize);

    public override string ToString() =>
        $"t(n) = {Device.Fixed} + {Device.PerRow} n ms, at most {MaxBatchSize} rows, load {Load}, price {Price}";
}

/// <summary>A case's figures. The ratios compare simulated mean costs under the same arrivals, so that their luck cancels out.</summary>
/// <param name="Optimum">The exact optimum.</param>
/// <param name="SimulatedOptimum">The optimal control limit's cost, simulated over its exact cost.</param>
/// <param name="Known">The adaptive policy told the truth, over the optimal control limit.</param>
/// <param name="Learned">The adaptive policy with what it learns, over the optimal control limit.</param>
internal sealed record OracleResult(OracleCase Case, MeanCostOptimum Optimum, double SimulatedOptimum, double Known, double Learned);

/// <summary>The cases that say how near the optimum the adaptive policy comes.</summary>
internal static class OracleGrid
{
    private static readonly double[] CostRatios = [5, 25, 40, 125];
    private static readonly int[] BatchSizes = [16, 64];
    private static readonly double[] Loads = [0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 0.95];
    private static readonly double[] Prices = [0, 0.5, 1, 2, 5, 10];

    /// <summary>All 336.</summary>
    public static IEnumerable<OracleCase> All =>
        from ratio in CostRatios
        from size in BatchSizes
        from load in Loads
        from price in Prices
        select new OracleCase(new DeviceModel(2, 2 / ratio), size, load, price);

    /// <summary>The most that running what waits costs over the optimum where device time is free; exact, not simulated.</summary>
    public static double WorstOfWorkConserving() => All.Where(test => test.Price == 0).Max(test =>
        MeanCostOptimum.CostOfLimit(test.Device, test.MaxBatchSize, test.Rate, price: 0, limit: 1)
        / MeanCostOptimum.Solve(test.Device, test.MaxBatchSize, test.Rate, price: 0).Cost);

    /// <summary>Solves and simulates one case.</summary>
    public static OracleResult Judge(OracleCase test, int requests, ulong seed = 1)
    {
        MeanCostOptimum optimum = MeanCostOptimum.Solve(test.Device, test.MaxBatchSize, test.Rate, test.Price);
        Scenario scenario = Scenario.Poisson(test.Device, test.MaxBatchSize, test.Load) with { Requests = requests, Seed = seed };
        double best = Cost(new ControlLimit(optimum.Limit));
        var adaptive = new AdaptivePolicy(test.Price);
        double known = Cost(new Informed(adaptive, test.Device, test.Rate));
        return new OracleResult(test, optimum, best / optimum.Cost, known / best, Cost(adaptive) / best);

        double Cost(IBatchPolicy policy) => SimulationRun.Run(scenario, policy).MeanCost(test.Price);
    }
}
