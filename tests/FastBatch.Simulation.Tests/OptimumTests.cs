using FastBatch.Scheduling;
using FastBatch.Simulation.Oracles;
using FastBatch.Simulation.Rivals;

namespace FastBatch.Simulation.Tests;

/// <summary>The computed optimum is what it claims to be.</summary>
public class OptimumTests
{
    private static readonly DeviceModel Device = new(2, 0.08);

    [Theory]
    [InlineData(0.3)]
    [InlineData(0.9)]
    public void With_batches_of_one_it_is_the_textbook_queue(double load)
    {
        double time = Device.Mean(1);
        double rate = load / time;
        MeanCostOptimum optimum = MeanCostOptimum.Solve(Device, 1, rate, price: 3);
        Assert.Equal(time + rate * time * time / (2 * (1 - load)) + 3 * time, optimum.Cost, 1e-6);
        Assert.Equal(1, optimum.Limit);
    }

    [Theory]
    [InlineData(16, 0.1, 5)]
    [InlineData(16, 0.8, 2)]
    [InlineData(64, 0.05, 10)]
    public void No_other_limit_is_cheaper(int size, double load, double price)
    {
        double rate = load * Device.Throughput(size);
        MeanCostOptimum optimum = MeanCostOptimum.Solve(Device, size, rate, price);
        double[] costs = [.. Enumerable.Range(1, size).Select(limit => MeanCostOptimum.CostOfLimit(Device, size, rate, price, limit))];
        Assert.True(optimum.IsControlLimit);
        Assert.Equal(costs.Min(), optimum.Cost, 1e-9);
        Assert.Equal(costs[optimum.Limit - 1], optimum.Cost, 1e-9);
    }

    [Theory]
    [InlineData(8, 0.3, 0)]
    [InlineData(16, 0.8, 2)]
    [InlineData(16, 0.95, 10)]
    public void A_run_of_fewer_rows_than_fit_gains_nothing(int size, double load, double price) =>
        Assert.InRange(MeanCostOptimum.BestGainOfSmallerRuns(Device, size, load * Device.Throughput(size), price), 0, 1e-7);

    [Theory]
    [InlineData(64, 0.1, 0)]
    [InlineData(64, 0.5, 5)]
    [InlineData(16, 0.8, 2)]
    public void The_simulation_of_the_optimum_costs_what_was_computed(int size, double load, double price)
    {
        OracleResult result = OracleGrid.Judge(new OracleCase(Device, size, load, price), requests: 400_000);
        Assert.InRange(result.SimulatedOptimum, 0.99, 1.01);
    }

    [Theory]
    [InlineData(0.05)]
    [InlineData(0.3)]
    [InlineData(0.6)]
    public void Running_what_waits_keeps_the_bound_known_for_it(double load)
    {
        // Inoue 2021, for batches without a limit: 64 is as good as none at these loads.
        double rate = load * Device.Throughput(64);
        (double a, double t) = (Device.PerRow * rate, Device.Fixed * rate);
        double first = (Device.PerRow + Device.Fixed) / (2 * (1 - a)) * (1 + 2 * t + (1 - t) / (1 + a));
        double second = 1.5 * Device.Fixed / (1 - a) + Device.PerRow / 2 * (a + 2) / (1 - a * a);
        double mean = MeanCostOptimum.CostOfLimit(Device, 64, rate, price: 0, limit: 1);
        Assert.InRange(mean, 0.9 * Math.Min(first, second), Math.Min(first, second));
    }

    [Fact]
    public void More_than_the_device_can_do_has_no_mean() =>
        Assert.Throws<ArgumentException>(() => MeanCostOptimum.Solve(Device, 16, Device.Throughput(16), 0));
}
