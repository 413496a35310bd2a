using FastBatch.Simulation.Oracles;
using FastBatch.Simulation.Replays;

namespace FastBatch.Simulation.Tests;

/// <summary>A recording says enough of requests and machine to predict what they do together.</summary>
public class ReplayTests
{
    [Theory]
    [InlineData(0.2)]
    [InlineData(0.8)]
    public void A_replay_predicts_what_was_recorded(double load)
    {
        // The truth is simulated here; a machine takes its place in the load tests.
        var machine = new MachineTimes(HandOver: 0.02, WakeUp: 0.1, Resume: 0.001);
        Scenario truth = Scenarios.AtLoad(load) with { Requests = 40_000, Machine = machine, Seed = 3 };
        var log = new List<SimulationEvent>();
        Measurement measured = SimulationRun.Run(truth, Scenarios.Default, log);
        Measurement replayed = ReplayCommand.Replay(ToTrace(log, resume: 1000));
        Assert.InRange(replayed.MeanLatency / measured.MeanLatency, 0.97, 1.03);
        Assert.InRange(replayed.Percentile(0.99) / measured.Percentile(0.99), 0.95, 1.05);
        Assert.InRange(replayed.MeanBatch / measured.MeanBatch, 0.97, 1.03);
    }

    [Fact]
    public void A_stall_of_the_machine_meets_the_replay_as_well()
    {
        // Nothing at all for 100 ms, and everything takes twice as long after that.
        var machine = new MachineTimes(0.02, 0.1, 0.001, (start, work) => start < 500 ? start + work : start < 600 ? 600 + work : start + 2 * work);
        Scenario truth = Scenarios.AtLoad(0.3) with { Requests = 10_000, BurnIn = 500, Machine = machine };
        var log = new List<SimulationEvent>();
        Measurement measured = SimulationRun.Run(truth, Scenarios.Default, log);
        Trace trace = ToTrace(log, resume: 1000);
        Assert.InRange(ReplayCommand.Replay(trace).MeanLatency / measured.MeanLatency, 0.97, 1.03);
        Assert.InRange(ReplayCommand.Replay(trace).Percentile(1) / measured.Percentile(1), 0.95, 1.05);
    }

    [Fact]
    public void Other_settings_show_what_they_would_have_done()
    {
        var log = new List<SimulationEvent>();
        SimulationRun.Run(Scenarios.AtLoad(0.8) with { Requests = 20_000 }, Scenarios.Default, log);
        Trace trace = ToTrace(log, resume: 0);
        double mean = ReplayCommand.Replay(trace).MeanLatency;
        Assert.True(ReplayCommand.Replay(trace, devices: 2).MeanLatency < 0.8 * mean);
        Assert.True(ReplayCommand.Replay(trace, maxBatchSize: 16).MeanLatency > 2 * mean);
        Assert.InRange(ReplayCommand.Replay(trace, deadline: 5).Percentile(1), 0, 5.5);
    }

    [Fact]
    public void A_recording_survives_its_file()
    {
        var trace = new Trace(64, [new(0, 1, 0, 55), new(7, 2, 20_000_000, 60)], [new(0, 5, 3, 50, 58)]);
        string path = Path.GetTempFileName();
        try
        {
            trace.Write(path);
            var read = Trace.Read(path);
            Assert.Equal(trace.MaxBatchSize, read.MaxBatchSize);
            Assert.Equal(trace.Requests, read.Requests);
            Assert.Equal(trace.Batches, read.Batches);
            File.WriteAllText(path, "something else");
            Assert.Throws<InvalidDataException>(() => Trace.Read(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static Trace ToTrace(List<SimulationEvent> log, long resume)
    {
        var submitted = new Dictionary<int, long>();
        var batches = new List<TraceBatch>();
        SimulationEvent started = default;
        foreach (SimulationEvent line in log)
        {
            switch (line.Kind)
            {
                case EventKind.Arrived:
                    submitted.Add(line.Request, line.Time);
                    break;
                case EventKind.Started:
                    started = line;
                    break;
                case EventKind.Ended:
                    batches.Add(new TraceBatch(submitted[line.Request], started.Time, line.Rows, line.Time, line.Time + line.Rows * resume));
                    break;
            }
        }

        return new Trace(
            Scenarios.MaxBatchSize, [.. submitted.Values.Select(time => new TraceRequest(time, 1, 0, 0))], [.. batches]);
    }
}
