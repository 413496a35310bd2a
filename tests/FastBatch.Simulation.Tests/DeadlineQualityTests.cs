using FastBatch.Simulation.Arrivals;
using FastBatch.Simulation.Oracles;

namespace FastBatch.Simulation.Tests;

/// <summary>Deadlines and overlap against what can be computed to be best, on cases small enough for every build.</summary>
public class DeadlineQualityTests
{
    [Theory]
    [InlineData(1.1)]
    [InlineData(1.5)]
    [InlineData(3)]
    public void Overload_costs_next_to_nothing_of_what_the_device_can_do(double load)
    {
        Scenario scenario = Scenarios.AtLoad(load) with { Requests = 100_000 };
        double share = Contender.FastBatch.Run(scenario).InDeadline(Scenarios.Deadline);
        Assert.InRange(share * load, 0.98, 1.01);
        foreach (Contender rival in Contender.Rivals)
        {
            double theirs = rival.Run(scenario).InDeadline(Scenarios.Deadline);
            Assert.True(share >= 0.999 * theirs, $"{rival.Name} answers {theirs:P2} in time, FastBatch {share:P2}.");
        }
    }

    [Fact]
    public void Closing_late_is_never_worse_than_closing_early_or_one_at_a_time() =>
        Assert.InRange(Scenarios.LateCloseRatio(40_000), 0, 1);

    [Fact]
    public void Little_is_lost_by_not_knowing_what_will_come()
    {
        (double worst, double mean) = Scenarios.AgainstClairvoyance(500);
        Assert.InRange(mean, 0.93, 1);
        Assert.InRange(worst, 0.4, 1);
    }

    [Fact]
    public void Nobody_who_tries_everything_finds_more_than_the_clairvoyant()
    {
        var device = new DeviceModel(2, 0.5);
        var random = new RandomSource(5, stream: 1);
        for (int round = 0; round < 300; round++)
        {
            double span = 2 + 14 * random.Uniform();
            double deadline = 3 + 5 * random.Uniform();
            double[] arrivals = [.. Enumerable.Range(0, 6).Select(_ => span * random.Uniform()).Order()];
            Assert.Equal(
                Exhaust(arrivals, served: 0, free: 0, device, deadline), ClairvoyantOptimum.Solve(arrivals, device, 3, deadline));
        }
    }

    [Fact]
    public void What_is_known_of_the_device_is_known_before_the_first_request()
    {
        // A deadline that no batch of more than one row can meet: a device nobody knows would run two.
        var scenario = new Scenario(new DeviceModel(2, 0.5), 4, _ => new TraceArrivals([0, 0, 0]))
        {
            Requests = 3,
            BurnIn = 0,
            Deadline = 2.6,
        };
        Assert.Equal(1, SimulationRun.Run(scenario with { IsWarm = true }, Scenarios.Default).OwnDeadlinesMet);
    }

    // Any set of rows, in any order, as soon as they are there and the device is free.
    private static int Exhaust(double[] arrivals, int served, double free, DeviceModel device, double deadline)
    {
        int best = 0;
        for (int batch = 1; batch < 1 << arrivals.Length; batch++)
        {
            int rows = int.PopCount(batch);
            if ((batch & served) != 0 || rows > 3)
            {
                continue;
            }

            int[] members = [.. Enumerable.Range(0, arrivals.Length).Where(i => (batch >> i & 1) != 0)];
            double end = Math.Max(free, arrivals[members[^1]]) + device.Mean(rows);
            if (members.All(i => end <= arrivals[i] + deadline))
            {
                best = Math.Max(best, rows + Exhaust(arrivals, served | batch, end, device, deadline));
            }
        }

        return best;
    }
}
