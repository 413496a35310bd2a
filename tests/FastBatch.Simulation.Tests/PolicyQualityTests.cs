using FastBatch.Scheduling;
using FastBatch.Simulation.Arrivals;
using FastBatch.Simulation.Oracles;
using FastBatch.Simulation.Rivals;

namespace FastBatch.Simulation.Tests;

/// <summary>The shipping policies against the optimum and the rivals, on a grid small enough for every build.</summary>
public class PolicyQualityTests
{
    private const int Requests = 40_000;

    public static TheoryData<double, int, double> Prices => new()
    {
        { 5, 64, 10 }, { 5, 16, 2 }, { 25, 64, 0 }, { 25, 16, 0.5 }, { 125, 64, 5 }, { 125, 16, 10 },
    };

    [Theory]
    [MemberData(nameof(Prices))]
    public void The_adaptive_policy_is_near_the_optimum_at_every_load(double costRatio, int size, double price)
    {
        foreach (double load in (double[])[0.05, 0.2, 0.5, 0.95])
        {
            OracleResult result = OracleGrid.Judge(new OracleCase(new DeviceModel(2, 2 / costRatio), size, load, price), Requests);
            Assert.True(result.Known <= 1.02, $"Told the truth it costs {result.Known:0.000} of the optimum: {result.Case}");
            Assert.True(result.Learned <= 1.05, $"Learning it costs {result.Learned:0.000} of the optimum: {result.Case}");
        }
    }

    [Theory]
    [InlineData(0.05)]
    [InlineData(0.6)]
    [InlineData(0.95)]
    public void Nobody_is_quicker_than_the_default_policy(double load)
    {
        Scenario scenario = Scenarios.AtLoad(load) with { Requests = Requests };
        double mean = Mean(Scenarios.Default);
        foreach (IBatchPolicy rival in (IBatchPolicy[])
            [
                new NoBatching(), new SizeOrDelayPolicy(TimeSpan.FromMilliseconds(5)), new WindowFromDequeue(5), new BentoRule(Scenarios.Deadline),
                new EarlyClose(5, Scenarios.MaxBatchSize), new ClipperAimd(Scenarios.Deadline),
            ])
        {
            Assert.True(mean <= 1.01 * Mean(rival), $"{rival.GetType().Name} takes {Mean(rival):0.000} ms, the default {mean:0.000} ms.");
        }

        double Mean(IBatchPolicy policy) => SimulationRun.Run(scenario, policy).MeanLatency;
    }

    [Fact]
    public void Where_device_time_is_free_running_what_waits_is_within_a_percent_of_the_optimum() =>
        Assert.InRange(OracleGrid.WorstOfWorkConserving(), 1, 1.01);

    [Fact]
    public void Where_device_time_is_free_the_adaptive_policy_is_the_default()
    {
        var (adaptive, conserving) = (new List<SimulationEvent>(), new List<SimulationEvent>());
        Scenario scenario = Scenarios.Bursts with { Requests = Requests };
        SimulationRun.Run(scenario, new AdaptivePolicy(0), adaptive);
        SimulationRun.Run(scenario, WorkConservingPolicy.Instance, conserving);
        Assert.Equal(conserving, adaptive);
    }

    [Fact]
    public void A_higher_price_buys_device_time()
    {
        double[] busy = [.. new double[] { 0, 1, 4, 16 }.Select(
            price => SimulationRun.Run(Scenarios.AtLoad(0.1) with { Requests = Requests }, new AdaptivePolicy(price)).BusyShare)];
        Assert.Equal(busy.OrderDescending(), busy);
        Assert.True(busy[^1] < 0.5 * busy[0]);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(8)]
    public void Clients_that_wait_for_their_answers_do_not_make_the_policy_wait_for_rows_that_cannot_come(int clients)
    {
        // At this price more rows would be worth a run than there are clients.
        var scenario = new Scenario(Scenarios.Device, 64, random => new ClosedLoopArrivals(clients, 0.01, random)) { Requests = Requests };
        Measurement run = SimulationRun.Run(scenario, new AdaptivePolicy(20));
        Assert.InRange(run.MeanLatency, 0, 20 * Scenarios.Device.Mean(clients));
        Assert.InRange(run.Percentile(1), 0, 60 * Scenarios.Device.Mean(clients));
    }

    [Fact]
    public void A_bound_on_the_delay_holds_while_the_device_is_free()
    {
        Scenario scenario = Scenario.Poisson(new DeviceModel(2, 0.08), 64, 0.01) with { Requests = Requests };
        Measurement bounded = SimulationRun.Run(scenario, new AdaptivePolicy(50, TimeSpan.FromMilliseconds(3)));
        Assert.True(SimulationRun.Run(scenario, new AdaptivePolicy(50)).Percentile(0.99) > 10);

        // The wait, a run that was under way, and its own.
        Assert.InRange(bounded.Percentile(1), 3, 3 + 2 * scenario.Device.Mean(8));
    }

    [Fact]
    public void Nearly_all_are_in_time_at_a_load_of_95_percent() =>
        Assert.InRange(Scenarios.InDeadlineAt95(), 0.999, 1);

    [Theory]
    [InlineData(double.PositiveInfinity)]
    [InlineData(Scenarios.Deadline)]
    public void A_spike_is_worked_off(double deadline) => Assert.True(Scenarios.RecoversFromSpike(Scenarios.Default, deadline));

    [Theory]
    [InlineData(3, 1)]
    [InlineData(1, 10)]
    public void Steps_in_cost_and_rate_are_followed(double cost, double rate)
    {
        // Judged after the step, against the policy that is told the new truth.
        var device = new DeviceModel(2, 0.08) { Scale = time => time < 2000 ? 1 : cost };
        var after = new DeviceModel(2 * cost, 0.08 * cost);
        var scenario = new Scenario(
            device, 64, random => RandomArrivals.Spike(0.3, 0.3 * rate, 2000, double.MaxValue, random))
        {
            Requests = 60_000,
            BurnIn = 3000,
        };
        double learned = SimulationRun.Run(scenario, new AdaptivePolicy(5)).MeanCost(5);
        double told = SimulationRun.Run(scenario, new Informed(new AdaptivePolicy(5), after, 0.3 * rate)).MeanCost(5);
        Assert.InRange(learned / told, 0.95, 1.05);
    }
}
