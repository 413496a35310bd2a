using FastBatch.Scheduling;
using FastBatch.Simulation.Arrivals;
using FastBatch.Simulation.Oracles;
using FastBatch.Simulation.Rivals;
using FsCheck;
using FsCheck.Fluent;

namespace FastBatch.Simulation.Tests;

/// <summary>What holds of every run, whatever the policy, the load, the deadlines, the levels and the devices: random cases, shrunk if one fails.</summary>
public class InvariantTests
{
    private const int Requests = 600;

    private static readonly Func<IBatchPolicy>[] Policies =
    [
        () => Scenarios.Default,
        () => new AdaptivePolicy(3),
        () => new SizeOrDelayPolicy(TimeSpan.FromMilliseconds(4)) { PreferredBatchSizes = [2, 4, 8] },
        () => new BentoRule(15),
        () => new Deferred(15),
    ];

    private static readonly Gen<Case> Cases =
        from policy in Gen.Choose(0, Policies.Length - 1)
        from load in Gen.Choose(1, 30)
        from size in Gen.Choose(1, 16)
        from deadline in Gen.Choose(0, 30)
        from levels in Gen.Choose(1, 4)
        from devices in Gen.Choose(1, 3)
        from inFlight in Gen.Choose(1, 2)
        from capacity in Gen.Choose(20, 200)
        from seed in Gen.Choose(1, 1 << 20)
        select new Case(policy, load / 10.0, size, deadline, levels, devices, inFlight, capacity, seed);

    [Fact]
    public void Every_request_ends_once() => Check((test, log) =>
    {
        int[] ends = new int[Requests];
        foreach (SimulationEvent line in log.Where(line => line.Kind is EventKind.Refused or EventKind.Joined or EventKind.Dropped or EventKind.Expired))
        {
            ends[line.Request]++;
        }

        Assert.All(ends, count => Assert.Equal(1, count));
        Assert.Equal(Rows(log, EventKind.Started), Rows(log, EventKind.Ended));
        Assert.Equal(Rows(log, EventKind.Started), Rows(log, EventKind.Joined));
    });

    [Fact]
    public void Batches_fit_and_no_more_are_under_way_than_the_devices_have_room_for() => Check((test, log) =>
    {
        int underWay = 0;
        foreach (SimulationEvent line in log)
        {
            underWay += line.Kind switch { EventKind.Started => 1, EventKind.Ended => -1, _ => 0 };
            Assert.InRange(underWay, 0, test.Devices * test.InFlight);
            Assert.True(line.Kind is not EventKind.Started || (line.Rows >= 1 && line.Rows <= test.Size));
        }
    });

    [Fact]
    public void Requests_of_one_level_run_in_the_order_they_came() => Check((test, log) =>
    {
        int[] last = [-1, -1, -1, -1];
        foreach (SimulationEvent line in log.Where(line => line.Kind == EventKind.Joined))
        {
            int level = test.Level(line.Request);
            Assert.True(line.Request > last[level], $"{line.Request} runs after {last[level]}");
            last[level] = line.Request;
        }
    });

    [Fact]
    public void Nobody_runs_who_is_late_already() => Check((test, log) =>
    {
        var arrived = new long[Requests];
        foreach (SimulationEvent line in log)
        {
            if (line.Kind == EventKind.Arrived)
            {
                arrived[line.Request] = line.Time;
            }
            else if (line.Kind == EventKind.Joined && test.Deadline > 0)
            {
                Assert.InRange(line.Time - arrived[line.Request], 0, VirtualTime.FromMilliseconds(test.Deadline));
            }
        }
    });

    [Fact]
    public void The_same_seed_gives_the_same_events() => Check((test, log) => Assert.Equal(log, test.Run()));

    [Fact]
    public void The_lowest_level_moves_under_a_flood_of_the_highest()
    {
        // One request in fifty is low; the others are critical, and more than the device can do.
        var device = new DeviceModel(2, 0.08);
        double rate = 1.5 * device.Throughput(64);
        var scenario = new Scenario(device, 64, random => RandomArrivals.Poisson(rate, random))
        {
            Requests = 50_000,
            Capacity = 2000,
            AgePeriod = 50,
            Draw = random => (double.PositiveInfinity, random.Uniform() < 0.02 ? 0 : 3),
        };
        Measurement run = SimulationRun.Run(scenario, Scenarios.Default);

        // The bound: the age period, then 8 (p + 2) rows, p low rows ahead; in full batches, behind the one that runs.
        double ahead = 2 * 0.02 * rate * 50;
        double batches = 2 + 8 * (ahead + 2) / 64;
        Assert.InRange(run.LongestWait[0], 50, 50 + batches * device.Mean(64));
    }

    private static int Rows(List<SimulationEvent> log, EventKind kind) => log.Where(line => line.Kind == kind).Sum(line => line.Rows);

    private static void Check(Action<Case, List<SimulationEvent>> holds) => Prop.ForAll(
        Cases.ToArbitrary(),
        test => holds(test, test.Run())).Check(Config.QuickThrowOnFailure.WithMaxTest(150).WithReplay(4711, 31));

    private sealed record Case(
        int Policy, double Load, int Size, int Deadline, int Levels, int Devices, int InFlight, int Capacity, int Seed)
    {
        public int Level(int request) => Levels == 1 ? 1 : request * 7 % Levels;

        public List<SimulationEvent> Run()
        {
            int next = 0;
            var device = new DeviceModel(2, 0.2) { Jitter = 0.1, Outliers = 0.01 };
            Scenario scenario = Scenario.Poisson(device, Size, Load * Devices) with
            {
                Requests = Requests,
                BurnIn = 0,
                Capacity = Capacity,
                Seed = (ulong)Seed,
                Devices = Devices,
                MaxInFlight = InFlight,
                Copy = InFlight > 1 ? new DeviceModel(0.1, 0.02) : null,
                AgePeriod = 20,
                Draw = _ => (Deadline == 0 ? double.PositiveInfinity : Deadline, Level(next++)),
            };
            var log = new List<SimulationEvent>();
            SimulationRun.Run(scenario, Policies[Policy](), log);
            return log;
        }
    }
}
