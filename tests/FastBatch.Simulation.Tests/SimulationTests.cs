using FastBatch.Scheduling;
using FastBatch.Simulation.Arrivals;
using FastBatch.Simulation.Oracles;
using FastBatch.Simulation.Rivals;

namespace FastBatch.Simulation.Tests;

/// <summary>The simulator itself: what it must keep whatever the policy, and the queues whose answers are known.</summary>
public class SimulationTests
{
    private static readonly DeviceModel Device = new(2, 0.08) { Jitter = 0.03, Outliers = 0.01 };

    private static readonly (string Name, Func<IBatchPolicy> Create)[] Policies =
    [
        ("default", () => Scenarios.Default),
        ("adaptive", () => new AdaptivePolicy(3)),
        ("adaptive, bounded", () => new AdaptivePolicy(3, TimeSpan.FromMilliseconds(4))),
        ("size or delay", () => new SizeOrDelayPolicy(TimeSpan.FromMilliseconds(5))),
        ("no batching", () => new NoBatching()),
        ("window from dequeue", () => new WindowFromDequeue(5)),
        ("early close", () => new EarlyClose(5, 16)),
        ("Bento", () => new BentoRule(20)),
        ("Clipper", () => new ClipperAimd(20)),
    ];

    private static readonly (string Name, Func<RandomSource, ArrivalSource> Create)[] Traces =
    [
        ("light", random => RandomArrivals.Poisson(0.2, random)),
        ("heavy", random => RandomArrivals.Poisson(7, random)),
        ("bursty", random => new BurstyArrivals(0.3, 8, 50, random)),
        ("diurnal", random => RandomArrivals.Diurnal(3, 0.9, 500, random)),
        ("spike", random => RandomArrivals.Spike(1, 10, 200, 400, random)),
        ("closed loop", random => new ClosedLoopArrivals(12, 1, random)),
        ("closed loop without thinking", random => new ClosedLoopArrivals(3, 0, random)),
    ];

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach ((string policy, _) in Policies)
            {
                foreach ((string trace, _) in Traces)
                {
                    cases.Add(policy, trace);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Same_seed_same_events_and_another_seed_others(string policy, string trace)
    {
        List<SimulationEvent> first = Events(policy, trace, seed: 5);
        Assert.Equal(first, Events(policy, trace, seed: 5));
        Assert.NotEqual(first, Events(policy, trace, seed: 6));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_request_ends_once_in_batches_that_fit_one_at_a_time(string policy, string trace)
    {
        for (ulong seed = 1; seed <= 5; seed++)
        {
            (int waiting, int running, int ended, int lost) = (0, 0, 0, 0);
            long time = 0;
            foreach (SimulationEvent line in Events(policy, trace, seed))
            {
                Assert.True(line.Time >= time);
                time = line.Time;
                switch (line.Kind)
                {
                    case EventKind.Arrived:
                        waiting += line.Rows;
                        break;
                    case EventKind.Refused:
                        lost += line.Rows;
                        Assert.Equal(100, waiting + running);
                        break;
                    case EventKind.Joined:
                        break;
                    case EventKind.Dropped:
                        waiting -= line.Rows;
                        lost += line.Rows;
                        break;
                    case EventKind.Started:
                        Assert.Equal(0, running);
                        Assert.InRange(line.Rows, 1, Math.Min(16, waiting));
                        waiting -= line.Rows;
                        running = line.Rows;
                        break;
                    default:
                        Assert.Equal(running, line.Rows);
                        ended += running;
                        running = 0;
                        break;
                }

                Assert.InRange(waiting, 0, 100);
            }

            Assert.Equal((0, 0, 3000), (waiting, running, ended + lost));
        }
    }

    [Fact]
    public void One_at_a_time_is_the_textbook_queue()
    {
        // M/D/1: t + rate t^2 / (2 (1 - load)).
        var device = new DeviceModel(1, 0);
        Measurement run = SimulationRun.Run(
            new Scenario(device, 1, random => RandomArrivals.Poisson(0.7, random)) { Requests = 400_000 }, new NoBatching());
        Assert.Equal(1 + 0.7 / (2 * 0.3), run.MeanLatency, 0.03);
        Assert.Equal(0.7, run.BusyShare, 0.01);
        Assert.Equal(1, run.DeviceTime, 1e-6);
    }

    [Fact]
    public void A_measurement_counts_what_is_in_time()
    {
        // Every request meets an empty device: 2.08 ms each, or none in time.
        var scenario = new Scenario(new DeviceModel(2, 0.08), 1, random => RandomArrivals.Poisson(0.0001, random)) { Requests = 3000 };
        Measurement run = SimulationRun.Run(scenario, new NoBatching());
        Assert.Equal(1000, run.Completed);
        Assert.InRange(run.InDeadline(2.08), 0.99, 1);
        Assert.Equal(0, run.InDeadline(2.07));
        Assert.Equal(2.08, run.Percentile(0.5), 1e-9);
    }

    private static List<SimulationEvent> Events(string policy, string trace, ulong seed)
    {
        var log = new List<SimulationEvent>();
        Func<RandomSource, ArrivalSource> arrivals = Traces.Single(candidate => candidate.Name == trace).Create;
        var scenario = new Scenario(Device, 16, arrivals) { Requests = 3000, BurnIn = 100, Capacity = 100, Seed = seed };
        SimulationRun.Run(scenario, Policies.Single(candidate => candidate.Name == policy).Create(), log);
        return log;
    }
}
