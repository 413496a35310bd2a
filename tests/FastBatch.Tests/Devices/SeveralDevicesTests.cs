using FastBatch.Devices;
using FastBatch.Diagnostics;
using FastBatch.Scheduling;
using FastBatch.Tests.Devices.Simulated;

namespace FastBatch.Tests.Devices;

/// <summary>One batcher on several devices, in virtual time.</summary>
public class SeveralDevicesTests
{
    private const int Rows = 16;
    private const int Batches = 200;
    private const long Microsecond = 1000;

    [Fact]
    public void Two_devices_do_twice_as_much_as_one()
    {
        double one = Microseconds(copy: 10, 100);
        double two = Microseconds(copy: 10, 100, 100);
        double four = Microseconds(copy: 10, 100, 100, 100, 100);
        Assert.InRange(one / two, 1.94, 2.0001);
        Assert.InRange(one / four, 3.8, 4.0001);
    }

    [Fact]
    public void Copies_to_two_devices_go_on_at_once()
    {
        double one = Microseconds(copy: 100, 20);
        double two = Microseconds(copy: 100, 20, 20);
        Assert.InRange(one / two, 1.9, 2.0001);
    }

    [Fact]
    public void Unequal_devices_get_shares_by_what_they_can_do()
    {
        var pump = new Pump(devices: 2);
        Echo.PairBatcher batcher = Open(pump, Batches, copy: 10, 100, 400);
        long started = pump.Clock.Now;
        Task<Exception?>[] requests = Requests.SubmitAll(batcher, Batches * Rows);
        pump.RunUntilIdle();
        Requests.AssertAnswered(requests);
        double batches = (pump.Clock.Now - started) / (100.0 * Microsecond);

        // In four times what the fast one takes for a batch, five are run.
        Assert.InRange(batches, Batches * 0.8, Batches * 0.8 * 1.04);
        Assert.InRange(pump.Devices[1].Runs, 36, 42);
        DeviceStatus[] status = [.. batcher.GetDeviceStatus()];
        Assert.Equal(["simulated:0", "simulated:1"], status.Select(static device => device.Name));
        Assert.Equal(Batches, status.Sum(static device => device.Batches));
        Assert.Equal(pump.Devices[1].Runs, status[1].Batches);
        pump.Close(batcher);
    }

    [Fact]
    public void A_slow_device_is_left_alone_while_a_fast_one_is_soon_free()
    {
        var pump = new Pump(devices: 2);
        Echo.PairBatcher batcher = Open(pump, Batches, copy: 1, 100, 10_000);
        Learn(pump, batcher);
        int runs = pump.Devices[1].Runs;
        for (int i = 0; i < 50; i++)
        {
            long began = pump.Clock.Now;
            Task<Exception?>[] requests = [Requests.Submit(batcher, i)];
            pump.RunUntil(began + (30 * Microsecond));
            requests = [.. requests, Requests.Submit(batcher, 100 + i)];
            pump.RunUntilIdle();
            Requests.AssertAnswered(requests);
            Assert.InRange(pump.Clock.Now - began, 0, 250 * Microsecond);
        }

        Assert.Equal(runs, pump.Devices[1].Runs);

        // Not while there is more to do than that is worth.
        Requests.AssertAnswered(RunAll(pump, batcher, Batches * Rows));
        Assert.True(pump.Devices[1].Runs > runs);
        pump.Close(batcher);
    }

    [Fact]
    public void Requests_that_come_one_by_one_take_no_longer_than_on_one_device()
    {
        var pump = new Pump(devices: 2);
        Echo.PairBatcher batcher = Open(pump, Batches, copy: 10, 100, 100);
        Learn(pump, batcher);
        for (int i = 0; i < 20; i++)
        {
            long began = pump.Clock.Now;
            Task<Exception?> first = Requests.Submit(batcher, i);
            pump.RunUntil(began + (50 * Microsecond));
            Task<Exception?> second = Requests.Submit(batcher, 100 + i);
            pump.RunUntilIdle();
            Requests.AssertAnswered([first, second]);

            // The second finds a device idle.
            Assert.InRange(pump.Clock.Now - began, 170 * Microsecond, 171 * Microsecond);
        }

        pump.Close(batcher);
    }

    [Fact]
    public void Each_device_runs_an_instance_of_its_own()
    {
        var pump = new Pump(devices: 2);
        int[] rows = new int[2];
        Echo[] models = [new(count => rows[0] += count), new(count => rows[1] += count)];
        Echo.PairBatcher batcher = Echo.CreatePairBatcher(models, pump.Options with { Capacity = 1024 });
        Requests.AssertAnswered(RunAll(pump, batcher, 1024));
        Assert.Equal(1024, rows.Sum());
        Assert.Equal(rows.Select(static count => (long)count), batcher.GetDeviceStatus().Select(static device => device.Rows));
        Assert.All(rows, static count => Assert.InRange(count, 256, 768));
        pump.Close(batcher);
    }

    [Fact]
    public void Devices_without_their_instances_and_devices_given_twice_are_refused()
    {
        var pump = new Pump(devices: 2);
        Assert.Contains(
            "There are 2 devices, and 1 instances", Assert.Throws<ArgumentException>(() => new Echo().CreatePairBatcher(pump.Options)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Echo.CreatePairBatcher([new Echo(), new Echo()], new BatcherOptions()));
        Assert.Throws<ArgumentException>(() => Echo.CreatePairBatcher([new Echo(), null!], pump.Options));
        Assert.Contains(
            "each of them once",
            Assert.Throws<ArgumentOutOfRangeException>(
                () => new Echo().CreatePairBatcher(new BatcherOptions { Devices = [pump.Device, pump.Device] })).Message,
            StringComparison.Ordinal);
        Assert.Empty(pump.Device.Streams);
    }

    [Fact]
    public void Rows_of_several_priorities_are_gathered_for_each_device_apart()
    {
        var pump = new Pump(devices: 2);
        Echo.PairBatcher batcher = Open(pump, Batches, copy: 60, 100, 100);
        RequestPriority[] levels = Enum.GetValues<RequestPriority>();
        var requests = new List<Task<Exception?>>();
        for (int wave = 0; wave < 20; wave++)
        {
            for (int i = 0; i < 70; i++)
            {
                requests.Add(Submit(batcher, (wave * 100) + i, levels[i % levels.Length]));
            }

            pump.RunUntil(pump.Clock.Now + (wave * 7 * Microsecond));
        }

        pump.RunUntilIdle();
        Requests.AssertAnswered(requests);
        Assert.All(pump.Devices, static device => Assert.True(device.Runs > 20));

        // One of two levels on its way to each device at once.
        requests.Clear();
        for (int batch = 0; batch < 2; batch++)
        {
            requests.Add(Submit(batcher, 10 + batch, RequestPriority.High));
            requests.Add(Submit(batcher, 20 + batch, RequestPriority.Normal));
            pump.RunNow();
        }

        Assert.All(pump.Executor.Lines, static line => Assert.Equal(1, line.InFlight));
        pump.RunUntilIdle();
        Requests.AssertAnswered(requests);
        pump.Close(batcher);

        static async Task<Exception?> Submit(Echo.PairBatcher batcher, long id, RequestPriority level)
        {
            long[] answer = new long[2];
            await batcher.SubmitAsync(new[] { id, id, id, id }, answer, new RequestOptions { Priority = level }).ConfigureAwait(false);
            return answer[0] == id ? null : new InvalidDataException($"{id} was answered {answer[0]}.");
        }
    }

    [Fact]
    public void All_devices_are_warmed_up()
    {
        var pump = new Pump(devices: 2);
        Echo.PairBatcher batcher = Open(pump, Batches, copy: 1, 10, 10);

        // A warm-up waits for its batches, and time stands still meanwhile.
        foreach (SimulatedDevice device in pump.Devices)
        {
            device.CopyIn = device.Compute = device.CopyOut = new LinearCost(0, 0);
        }

        Task<WarmUpReport> warm = batcher.WarmUpAsync();
        pump.RunUntilIdle();

        // 1, 2, 4, 8 and 16 rows, twice, on each.
        WarmUpReport report = Ended(warm);
        Assert.Equal((20, 124L), (report.Batches, report.Rows));
        Assert.All(pump.Devices, static device => Assert.Equal(10, device.Runs));
        Requests.AssertAnswered(RunAll(pump, batcher, 100));
        pump.Close(batcher);
    }

    // Its end is noticed elsewhere; this thread is the devices', and goes nowhere.
    private static WarmUpReport Ended(Task<WarmUpReport> warm)
    {
        Assert.True(SpinWait.SpinUntil(() => warm.IsCompleted, TimeSpan.FromSeconds(20)));
        return warm.GetAwaiter().GetResult();
    }

    private static double Microseconds(int copy, params int[] compute)
    {
        var pump = new Pump(compute.Length);
        Echo.PairBatcher batcher = Open(pump, Batches, copy, compute);
        long started = pump.Clock.Now;
        Task<Exception?>[] requests = Requests.SubmitAll(batcher, Batches * Rows);
        pump.RunUntilIdle();
        double elapsed = (pump.Clock.Now - started) / (double)Microsecond;
        Requests.AssertAnswered(requests);
        Assert.Equal(Batches, pump.Devices.Sum(static device => device.Runs));
        pump.Close(batcher);
        Assert.All(pump.Devices, static device => Assert.Empty(device.Streams));
        return elapsed;
    }

    private static Echo.PairBatcher Open(Pump pump, int batches, int copy, params int[] compute)
    {
        for (int i = 0; i < compute.Length; i++)
        {
            pump.Devices[i].CopyIn = new LinearCost(copy * Microsecond, 0);
            pump.Devices[i].Compute = new LinearCost(compute[i] * Microsecond, 0);
            pump.Devices[i].CopyOut = new LinearCost(10 * Microsecond, 0);
        }

        return Echo.CreatePairBatcher([.. compute.Select(static _ => new Echo())], pump.Options with { Capacity = batches * Rows });
    }

    // So that what batches take is known of every device.
    private static void Learn(Pump pump, Echo.PairBatcher batcher)
    {
        for (int i = 0; i < 10; i++)
        {
            Requests.AssertAnswered(RunAll(pump, batcher, Batches * Rows));
        }

        Assert.All(batcher.GetDeviceStatus(), static device => Assert.True(device.FixedCost > TimeSpan.Zero));
    }

    private static Task<Exception?>[] RunAll(Pump pump, Echo.PairBatcher batcher, int count)
    {
        Task<Exception?>[] requests = Requests.SubmitAll(batcher, count);
        pump.RunUntilIdle();
        return requests;
    }
}
