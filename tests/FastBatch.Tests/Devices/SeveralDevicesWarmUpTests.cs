using FastBatch.Devices;
using FastBatch.Tests.Devices.Simulated;

namespace FastBatch.Tests.Devices;

/// <summary>Warm-ups of several devices of which some are busy, or fail.</summary>
public class SeveralDevicesWarmUpTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task One_that_has_a_batch_is_warmed_up_when_it_is_done_with_it_though_nothing_else_comes()
    {
        ImmediateDevice[] devices = ImmediateDevice.Several(2);
        int[] runs = new int[2];
        Echo[] models = [new(_ => Interlocked.Increment(ref runs[0])), new(_ => Interlocked.Increment(ref runs[1]))];
        await using Echo.SquareBatcher batcher = Echo.CreateSquareBatcher(models, new BatcherOptions { Devices = devices, MaxBatchSize = 4, MaxInFlight = 1 });
        Array.ForEach(devices, static device => device.Holds = true);
        Task<int> held = batcher.SubmitAsync(3).AsTask();
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref runs[0]) + Volatile.Read(ref runs[1]) == 1, Patience));
        int busy = Volatile.Read(ref runs[0]) == 1 ? 0 : 1;
        devices[1 - busy].Holds = false;

        // 1, 2 and 4 rows, twice; the other has the lanes then, and sleeps.
        Task<WarmUpReport> warm = batcher.WarmUpAsync();
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref runs[1 - busy]) == 6, Patience));
        devices[busy].Holds = false;
        Assert.Equal(9, await held.WaitAsync(Patience));
        Assert.Equal(12, (await warm.WaitAsync(Patience)).Batches);
    }

    [Fact]
    public async Task One_that_is_refused_while_another_goes_on_runs_nothing()
    {
        var gate = new Gate();
        int[] runs = new int[2];
        Echo[] models = [new(_ => Interlocked.Increment(ref runs[0])), new(_ => { if (Interlocked.Increment(ref runs[1]) == 1) { gate.Pass(); } })];
        Echo.SquareBatcher batcher = Echo.CreateSquareBatcher(models, new BatcherOptions { Devices = ImmediateDevice.Several(2), MaxBatchSize = 4 });
        Task<WarmUpReport> warm = batcher.WarmUpAsync();
        await gate.ArrivedAsync();
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref runs[0]) == 6, Patience));
        for (int i = 0; i < 1000; i++)
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => batcher.WarmUpAsync().WaitAsync(Patience));
        }

        gate.Open();
        Assert.Equal(12, (await warm.WaitAsync(Patience)).Batches);
        await batcher.DisposeAsync();
        Assert.Equal([6, 6], runs);
    }

    [Fact]
    public async Task As_soon_as_one_has_ended_the_next_may_be_asked_for()
    {
        await using Echo.SquareBatcher batcher =
            Echo.CreateSquareBatcher([new Echo(), new Echo()], new BatcherOptions { Devices = ImmediateDevice.Several(2), MaxBatchSize = 4 });
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal(12, (await batcher.WarmUpAsync().WaitAsync(Patience)).Batches);
        }
    }

    [Theory]
    [InlineData(0, 40)]
    [InlineData(1, 40)]
    [InlineData(1, 100)]
    public void A_device_that_is_lost_is_given_no_request(int number, int callsUntilThen)
    {
        var pump = new Pump(devices: 2);
        foreach (SimulatedDevice device in pump.Devices)
        {
            // A warm-up waits for its batches, and time stands still meanwhile.
            device.CopyIn = device.Compute = device.CopyOut = new LinearCost(0, 0);
        }

        Echo.PairBatcher batcher = Echo.CreatePairBatcher([new Echo(), new Echo()], pump.Options with { Capacity = 1024 });
        SimulatedDevice lost = pump.Devices[number];
        lost.CopyOut = new LinearCost(1_000_000, 0);
        lost.LostAfter = lost.Calls + callsUntilThen;
        Task<WarmUpReport> warm = batcher.WarmUpAsync();
        pump.RunUntilIdle();
        Assert.True(SpinWait.SpinUntil(() => warm.IsCompleted, Patience));
        Assert.IsType<DeviceLostException>(warm.Exception?.InnerException);
        Assert.Equal(BatcherState.Degraded, batcher.State);

        // What it may write to yet is nobody else's.
        Task<Exception?>[] requests = Requests.SubmitAll(batcher, 200);
        pump.RunUntilIdle();
        Assert.Single(lost.Streams).FinishLate();
        Requests.AssertAnswered(requests);
        pump.Close(batcher);
    }
}
