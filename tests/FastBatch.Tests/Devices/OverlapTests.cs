using FastBatch.Devices;
using FastBatch.Tests.Devices.Simulated;

namespace FastBatch.Tests.Devices;

/// <summary>What overlapping batches gains, in virtual time: how near a backlog comes to what the slowest stage alone would take.</summary>
public class OverlapTests
{
    private const int Batches = 200;
    private const int Rows = 16;

    [Theory]
    [InlineData(10, 100, 10)]
    [InlineData(50, 100, 50)]
    [InlineData(100, 100, 100)]
    [InlineData(100, 50, 10)]
    [InlineData(10, 50, 100)]
    [InlineData(90, 100, 80)]
    [InlineData(100, 5, 100)]
    public void A_backlog_takes_no_longer_than_its_slowest_stage(int copyIn, int compute, int copyOut)
    {
        double bound = (double)Batches * Math.Max(Math.Max(copyIn, compute), copyOut);
        double overlapped = Microseconds(copyIn, compute, copyOut, maxInFlight: 2);
        double serial = Microseconds(copyIn, compute, copyOut, maxInFlight: 1);

        Assert.True(bound / overlapped >= 0.97, $"It takes {overlapped} us; the slowest stage alone takes {bound}.");
        Assert.Equal(Batches * (copyIn + compute + copyOut), serial, 1.0);
        Assert.True(serial > overlapped * 1.15, $"One by one it takes {serial} us, overlapped {overlapped}.");
    }

    [Fact]
    public void Stages_of_one_stream_do_not_overlap_and_those_of_one_batch_are_in_order()
    {
        var pump = new Pump();
        Echo.PairBatcher batcher = Open(pump, 30, 50, 40, maxInFlight: 2);
        Requests.SubmitAll(batcher, 20 * Rows);
        pump.RunUntilIdle();
        var history = pump.Device.Streams.Single().History.ToLookup(stage => stage.Stream);
        var copiesIn = history[DeviceStream.CopyIn].ToList();
        var runs = history[DeviceStream.Compute].ToList();
        var copiesOut = history[DeviceStream.CopyOut].ToList();
        Assert.Equal(20, runs.Count);
        for (int i = 0; i < runs.Count; i++)
        {
            Assert.True(copiesIn[i].Ended <= runs[i].Began && runs[i].Ended <= copiesOut[i].Began);
            Assert.True(i == 0 || (copiesIn[i - 1].Ended <= copiesIn[i].Began && runs[i - 1].Ended <= runs[i].Began));
        }

        // The third batch's rows come in while the second computes and the first's results go out.
        Assert.True(copiesIn[2].Began < runs[1].Ended && copiesOut[0].Began < runs[1].Ended);
        pump.Close(batcher);
    }

    private static double Microseconds(int copyIn, int compute, int copyOut, int maxInFlight)
    {
        var pump = new Pump();
        Echo.PairBatcher batcher = Open(pump, copyIn, compute, copyOut, maxInFlight);
        Task<Exception?>[] requests = Requests.SubmitAll(batcher, Batches * Rows);
        long started = pump.Clock.Now;
        pump.RunUntilIdle();
        double elapsed = (pump.Clock.Now - started) / 1000.0;
        Requests.AssertAnswered(requests);
        Assert.Equal(Batches, pump.Device.Runs);
        pump.Close(batcher);
        Assert.Empty(pump.Device.Streams);
        return elapsed;
    }

    private static Echo.PairBatcher Open(Pump pump, int copyIn, int compute, int copyOut, int maxInFlight)
    {
        pump.Device.CopyIn = new LinearCost(copyIn * 1000, 0);
        pump.Device.Compute = new LinearCost(compute * 1000, 0);
        pump.Device.CopyOut = new LinearCost(copyOut * 1000, 0);
        return new Echo().CreatePairBatcher(pump.Options with { Capacity = Batches * Rows, MaxInFlight = maxInFlight });
    }
}
