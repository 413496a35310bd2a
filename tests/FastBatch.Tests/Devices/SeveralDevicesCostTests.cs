using FastBatch.Tests.Devices.Simulated;

namespace FastBatch.Tests.Devices;

/// <summary>A device that was held up once is not taken for a slow one for good. In virtual time.</summary>
public class SeveralDevicesCostTests
{
    [Fact]
    public void One_whose_first_batch_was_slow_is_used_again()
    {
        var pump = new Pump(devices: 2);
        Echo.PairBatcher batcher = Echo.CreatePairBatcher([new Echo(), new Echo()], pump.Options with { Capacity = 1024 });
        foreach (SimulatedDevice device in pump.Devices)
        {
            device.CopyIn = device.CopyOut = new LinearCost(1000, 0);
        }

        pump.Devices[0].Compute = new LinearCost(1_000_000, 0);
        pump.Devices[1].Compute = new LinearCost(20_000_000, 0);
        Task<Exception?>[] requests = Requests.SubmitAll(batcher, 64);
        pump.RunUntilIdle();
        Requests.AssertAnswered(requests);
        Assert.All(pump.Devices, static device => Assert.True(device.Runs > 0));
        pump.Devices[1].Compute = new LinearCost(1_000_000, 0);
        int[] before = [.. pump.Devices.Select(static device => device.Runs)];
        long began = pump.Clock.Now;
        for (int i = 0; i < 50; i++)
        {
            requests = Requests.SubmitAll(batcher, 1024);
            pump.RunUntilIdle();
            Requests.AssertAnswered(requests);
        }

        int[] runs = [.. pump.Devices.Select((device, i) => device.Runs - before[i])];
        pump.Close(batcher);

        // From when it has been idle for a hundred times as long as it seemed to take: two seconds of some three.
        Assert.True(runs[1] > 200, $"{runs[0]}, {runs[1]}, {(pump.Clock.Now - began) / 1e6} ms");
    }

    [Fact]
    public void One_that_paused_once_is_used_again()
    {
        var pump = new Pump(devices: 2);
        Echo.PairBatcher batcher = Echo.CreatePairBatcher([new Echo(), new Echo()], pump.Options with { Capacity = 1024 });
        foreach (SimulatedDevice device in pump.Devices)
        {
            device.CopyIn = device.CopyOut = new LinearCost(1000, 0);
            device.Compute = new LinearCost(1_000_000, 0);
        }

        Requests.AssertAnswered(Run(16 * 2 * 6));
        pump.Devices[1].Compute = new LinearCost(1_000_000_000, 0);
        int runs0 = pump.Devices[1].Runs;
        Task<Exception?>[] requests = Requests.SubmitAll(batcher, 32);
        while (pump.Devices[1].Runs == runs0)
        {
            pump.Clock.AdvanceTo(pump.RunNow()!.Value);
        }

        pump.Devices[1].Compute = new LinearCost(1_000_000, 0);
        pump.RunUntilIdle();
        Requests.AssertAnswered(requests);
        int[] before = [.. pump.Devices.Select(static device => device.Runs)];
        long began = pump.Clock.Now;
        for (int i = 0; i < 50; i++)
        {
            Requests.AssertAnswered(Run(1024));
        }

        int[] runs = [.. pump.Devices.Select((device, i) => device.Runs - before[i])];
        string costs = string.Join(", ", batcher.GetDeviceStatus().Select(static device => device.FixedCost));
        pump.Close(batcher);
        Assert.True(runs[1] > 800, $"{runs0} runs before; {runs[0]}, {runs[1]}, {(pump.Clock.Now - began) / 1e6} ms, {costs}");

        Task<Exception?>[] Run(int count)
        {
            Task<Exception?>[] all = Requests.SubmitAll(batcher, count);
            pump.RunUntilIdle();
            return all;
        }
    }
}
