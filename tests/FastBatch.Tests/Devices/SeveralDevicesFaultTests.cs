using FastBatch.Devices;
using FastBatch.Execution.Streams;
using FastBatch.Tests.Devices.Simulated;

namespace FastBatch.Tests.Devices;

/// <summary>What becomes of requests when one of several devices fails, or all do. In virtual time.</summary>
public class SeveralDevicesFaultTests
{
    [Fact]
    public void When_one_is_lost_the_others_go_on()
    {
        var pump = new Pump(devices: 2);
        Echo.PairBatcher batcher = Open(pump);
        Requests.AssertAnswered(RunAll(pump, batcher, 100));
        Assert.Equal(BatcherState.Serving, batcher.State);
        pump.Devices[0].LostAfter = pump.Devices[0].Calls;
        Task<Exception?>[] requests = RunAll(pump, batcher, 300);
        AssertEnded(requests);
        Exception?[] outcomes = [.. requests.Select(Requests.Outcome)];
        Assert.All(outcomes, static outcome => Assert.True(outcome is null or DeviceLostException, $"{outcome}"));

        // No more than it had.
        Assert.InRange(outcomes.Count(static outcome => outcome is not null), 0, 3 * 16);
        Assert.Equal((BatcherState.Degraded, null), (batcher.State, batcher.Loss));
        Assert.Equal([true, false], batcher.GetDeviceStatus().Select(static device => device.Loss is not null));
        int calls = pump.Devices[0].Calls;
        Requests.AssertAnswered(RunAll(pump, batcher, 500));
        Assert.Equal(calls, pump.Devices[0].Calls);

        pump.Devices[1].LostAfter = pump.Devices[1].Calls;
        requests = RunAll(pump, batcher, 100);
        AssertEnded(requests);
        Assert.All(requests, static request => Assert.IsType<DeviceLostException>(Requests.Outcome(request)));
        Assert.Equal(BatcherState.Lost, batcher.State);

        // At once, without a row.
        Assert.IsType<DeviceLostException>(Requests.Outcome(Requests.Submit(batcher, 1)));
        pump.Close(batcher);
    }

    [Fact]
    public void Whenever_one_or_both_are_lost_every_request_ends_with_its_own_answer_or_the_loss()
    {
        (int first, int second) = Lose(int.MaxValue, int.MaxValue);
        Assert.InRange(first, 100, 100_000);
        for (int after = 60; after < first; after += 3)
        {
            Lose(after, int.MaxValue);
        }

        for (int after = 60; after < second; after += 3)
        {
            Lose(int.MaxValue, after);
        }

        for (int after = 60; after < Math.Min(first, second); after += 5)
        {
            Lose(after, after + 7);
        }
    }

    [Fact]
    public void Outputs_that_a_lost_device_may_write_to_yet_are_nobody_elses()
    {
        var pump = new Pump(devices: 2);
        pump.Devices[0].CopyOut = new LinearCost(1_000_000, 0);
        Echo.PairBatcher batcher = Open(pump);
        Task<Exception?>[] requests = Requests.SubmitAll(batcher, 200);
        pump.RunUntil(pump.Clock.Now + 200_000);

        // Results are on their way out when it is lost.
        pump.Devices[0].LostAfter = pump.Devices[0].Calls;
        pump.RunUntilIdle();
        AssertEnded(requests);
        Assert.Contains(requests, static request => Requests.Outcome(request) is DeviceLostException);

        // They keep what the other device answers them; and only now the lost one writes.
        Task<RowLease<long>>[] leases = [.. Enumerable.Range(0, 100).Select(i => batcher.SubmitAsync(new long[] { i, i, i, i }).AsTask())];
        pump.RunUntilIdle();
        Assert.Single(pump.Devices[0].Streams).FinishLate();
        Assert.All(leases.Index(), static lease =>
        {
            Assert.True(lease.Item.IsCompletedSuccessfully);
            Assert.Equal([lease.Index, lease.Index + 1], lease.Item.Result.Span.ToArray());
            lease.Item.Result.Dispose();
        });
        pump.Close(batcher);
    }

    [Fact]
    public void After_one_is_lost_new_memory_is_there_for_the_others()
    {
        var pump = new Pump(devices: 2);
        Echo.PairBatcher batcher = Open(pump);
        Requests.AssertAnswered(RunAll(pump, batcher, 100));
        pump.Devices[0].LostAfter = pump.Devices[0].Calls;
        AssertEnded(RunAll(pump, batcher, 300));

        // Outputs that are lent, and rows of levels that were not used before: both are pinned only now.
        Task<RowLease<long>>[] leases = [.. Enumerable.Range(0, 300).Select(i => batcher.SubmitAsync(
            new long[] { i, i, i, i }, new RequestOptions { Priority = (RequestPriority)((i % 4) - 1) }).AsTask())];
        pump.RunUntilIdle();
        Assert.All(leases.Index(), static lease => Assert.Equal(lease.Index, lease.Item.Result.Span[0]));
        Array.ForEach(leases, static lease => lease.Result.Dispose());
        pump.Close(batcher);
    }

    [Fact]
    public void Whenever_the_clock_throws_every_request_ends()
    {
        bool threw = true;
        for (int calls = 0; threw; calls++)
        {
            Assert.InRange(calls, 0, 100_000);
            var pump = new Pump(devices: 2);
            var clock = new FaultyClock(pump.Clock);
            Echo.PairBatcher batcher = Echo.CreatePairBatcher([new Echo(), new Echo()], pump.Options with { Capacity = 64, TimeProvider = clock });
            var requests = new List<Task<Exception?>>(Requests.SubmitAll(batcher, 100));
            clock.ThrowsAfter = calls;
            pump.RunUntil(pump.Clock.Now + 30_000);
            requests.AddRange(Requests.SubmitAll(batcher, 60, firstId: 1000));
            pump.RunUntilIdle();
            threw = clock.ThrowsAfter < 0;
            clock.ThrowsAfter = long.MaxValue;
            AssertEnded(requests);
            Assert.All(requests, static request => Assert.True(Requests.Outcome(request) is null or DeviceLostException, $"{Requests.Outcome(request)}"));
            Assert.Equal(0, batcher.QueueLength);
            if (batcher.Loss is null)
            {
                // Where nothing was in hand it is one device that cannot be driven any more.
                Requests.AssertAnswered(RunAll(pump, batcher, 20));
            }

            pump.Close(batcher);
        }
    }

    [Fact]
    public void When_all_is_lost_rows_that_a_device_may_read_are_given_back_by_its_thread()
    {
        var pump = new Pump(devices: 2);
        var clock = new FaultyClock(pump.Clock);
        Echo.PairBatcher batcher = Echo.CreatePairBatcher([new Echo(), new Echo()], pump.Options with { TimeProvider = clock });
        Task<Exception?> first = Requests.Submit(batcher, 1);
        pump.RunNow();
        int busy = Array.FindIndex([.. pump.Executor.Lines], static line => line.InFlight == 1);
        Assert.Equal(1 - busy, pump.Executor.Holder);

        // Closing the next batch fails, by the thread of the other, while one device copies a row.
        Task<Exception?> second = Requests.Submit(batcher, 2);
        // The choice of a device looks first, and does without.
        clock.ThrowsAfter = 1;
        DeviceLine other = pump.Executor.Lines[1 - busy];
        while (other.Step(out _, out _))
        {
        }

        Assert.Equal(BatcherState.Lost, batcher.State);
        Assert.False(pump.Executor.Lanes.IsEmpty);
        pump.RunUntilIdle();
        Assert.True(pump.Executor.Lanes.IsEmpty);
        AssertEnded([first, second]);
        Assert.All([first, second], static request => Assert.IsType<DeviceLostException>(Requests.Outcome(request)));
        pump.Close(batcher);
    }

    [Fact]
    public void One_that_does_not_finish_is_passed_by()
    {
        var pump = new Pump(devices: 2);
        Echo.PairBatcher batcher = Open(pump);
        for (int i = 0; i < 20; i++)
        {
            Requests.AssertAnswered(RunAll(pump, batcher, 200));
        }

        pump.Devices[0].HangsAfter = pump.Devices[0].Runs;
        Task<Exception?>[] requests = Requests.SubmitAll(batcher, 400);
        pump.RunUntil(pump.Clock.Now + 50_000_000);

        // It keeps what it took; everything else is answered.
        Assert.InRange(requests.Count(static request => !request.IsCompleted), 1, 3 * 16);
        requests = Requests.SubmitAll(batcher, 400);
        pump.RunUntil(pump.Clock.Now + 50_000_000);
        Assert.InRange(requests.Count(static request => !request.IsCompleted), 0, 3 * 16);
        requests = Requests.SubmitAll(batcher, 400);
        pump.RunUntil(pump.Clock.Now + 50_000_000);
        Requests.AssertAnswered(requests);
    }

    [Fact]
    public void Rows_that_were_read_out_of_order_are_claimed_again_only_in_order()
    {
        // The first device takes long to copy: what the second reads meanwhile waits for it, and whoever waits for room is woken then.
        var pump = new Pump(devices: 2);
        pump.Devices[0].CopyIn = new LinearCost(500_000, 0);
        Echo.PairBatcher batcher = Open(pump, capacity: 48, isChecked: true);
        using var cancelled = new CancellationTokenSource();
        var answered = new List<Task<Exception?>>();
        var left = new List<Task<Exception?>>();
        for (int wave = 0; wave < 30; wave++)
        {
            answered.AddRange(Requests.SubmitAll(batcher, 40, firstId: 1 + (wave * 1000)));
            left.AddRange(Enumerable.Range(0, 20).Select(i => Requests.Submit(batcher, 500 + i + (wave * 1000), wave % 2 == 0 ? cancelled.Token : default)));
            pump.RunUntil(pump.Clock.Now + 100_000);
        }

        cancelled.Cancel();
        pump.RunUntilIdle();
        Requests.AssertAnswered(answered);
        Assert.True(SpinWait.SpinUntil(() => left.TrueForAll(static request => request.IsCompleted), TimeSpan.FromSeconds(20)));
        Assert.All(left, static request => Assert.True(Requests.Outcome(request) is null or OperationCanceledException));
        pump.Close(batcher);
    }

    [Fact]
    public void Disposal_answers_what_was_accepted()
    {
        var pump = new Pump(devices: 2);
        Echo.PairBatcher batcher = Open(pump);
        Task<Exception?>[] requests = Requests.SubmitAll(batcher, 100);
        pump.RunUntil(pump.Clock.Now + 10_000);
        pump.Close(batcher);
        Requests.AssertAnswered(requests);
        Assert.All(pump.Devices, static device => Assert.Empty(device.Streams));
        Assert.Equal(BatcherState.Closed, batcher.State);
    }

    private static Echo.PairBatcher Open(Pump pump, int capacity = 1024, bool isChecked = false) => Echo.CreatePairBatcher(
        [.. pump.Devices.Select(static _ => new Echo())], pump.Options with { Capacity = capacity, Checked = isChecked });

    // Those that end with all devices are told on the thread pool.
    private static void AssertEnded(IReadOnlyCollection<Task<Exception?>> requests) =>
        Assert.True(SpinWait.SpinUntil(() => requests.All(static request => request.IsCompleted), TimeSpan.FromSeconds(20)), "A request has not ended.");

    private static Task<Exception?>[] RunAll(Pump pump, Echo.PairBatcher batcher, int count)
    {
        Task<Exception?>[] requests = Requests.SubmitAll(batcher, count);
        pump.RunUntilIdle();
        return requests;
    }

    // In waves, so that batches are in every stage on both. How many calls each device took.
    private static (int First, int Second) Lose(int firstAfter, int secondAfter)
    {
        var pump = new Pump(devices: 2);
        foreach (SimulatedDevice device in pump.Devices)
        {
            device.CopyIn = device.Compute = device.CopyOut = new LinearCost(10_000, 0);
        }

        (pump.Devices[0].LostAfter, pump.Devices[1].LostAfter) = (firstAfter, secondAfter);
        Echo.PairBatcher batcher = Open(pump, capacity: 64);
        var requests = new List<Task<Exception?>>();
        for (int wave = 0; wave < 3; wave++)
        {
            requests.AddRange(Requests.SubmitAll(batcher, 80, firstId: 1 + (wave * 100)));
            pump.RunUntil(pump.Clock.Now + 15_000);
        }

        pump.RunUntilIdle();

        // Until one is not what a device is lost with.
        int lostBefore;
        do
        {
            lostBefore = CountLost();
            requests.Add(Requests.Submit(batcher, 7));
            pump.RunUntilIdle();
        }
        while (CountLost() != lostBefore);

        AssertEnded(requests);
        Assert.All(requests, static request => Assert.True(
            Requests.Outcome(request) is null or DeviceLostException { IsTransient: true }, $"{Requests.Outcome(request)}"));
        bool[] lost = [.. batcher.GetDeviceStatus().Select(static device => device.Loss is not null)];
        Assert.Equal(lost[0] && lost[1] ? BatcherState.Lost : lost[0] || lost[1] ? BatcherState.Degraded : BatcherState.Serving, batcher.State);
        Assert.Equal(lost[0] && lost[1], Requests.Outcome(requests[^1]) is not null);
        Assert.True(!lost[0] || pump.Devices[0].Calls == firstAfter + 1, "The first was used after it was lost.");
        Assert.True(!lost[1] || pump.Devices[1].Calls == secondAfter + 1, "The second was used after it was lost.");
        (int, int) calls = (pump.Devices[0].Calls, pump.Devices[1].Calls);
        pump.Close(batcher);
        return calls;

        int CountLost() => batcher.GetDeviceStatus().Count(static device => device.Loss is not null);
    }

    // The batcher's clock: that of the devices, but one look throws.
    private sealed class FaultyClock(TimeProvider time) : TimeProvider
    {
        public long ThrowsAfter { get; set; } = long.MaxValue;

        public override long TimestampFrequency => time.TimestampFrequency;

        public override long GetTimestamp() =>
            ThrowsAfter-- != 0 ? time.GetTimestamp() : throw new InvalidOperationException("The clock's own.");
    }
}
