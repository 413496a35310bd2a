using FastBatch.Devices;
using FastBatch.Scheduling;
using FastBatch.Tests.Devices.Simulated;

namespace FastBatch.Tests.Devices;

/// <summary>What becomes of requests when the device, or the method on it, fails. In virtual time.</summary>
public class DeviceFaultTests
{
    private readonly Pump _pump = new();

    [Fact]
    public void A_batch_that_does_not_fit_into_memory_runs_in_halves_and_later_ones_are_smaller()
    {
        _pump.Device.Refuse = static (_, rows) => rows > 8 ? new DeviceException(DeviceFailure.OutOfMemory, "full") : null;
        var sizes = new List<int>();
        Echo.PairBatcher batcher = new Echo(sizes.Add).CreatePairBatcher(_pump.Options);
        Task<Exception?>[] requests = Requests.SubmitAll(batcher, 48);
        _pump.RunUntilIdle();
        Requests.AssertAnswered(requests);
        Assert.All(sizes, static size => Assert.Equal(8, size));

        // Two of 16 were launched before the first was refused at the latest; one refusal each.
        Assert.InRange(_pump.Device.Runs, 7, 8);
        Assert.Null(batcher.Loss);
        _pump.Close(batcher);
    }

    [Fact]
    public void Halves_that_do_not_fit_either_fail_and_the_batcher_goes_on()
    {
        _pump.Device.Refuse = static (_, rows) => rows > 2 ? new DeviceException(DeviceFailure.OutOfMemory, "full") : null;
        Echo.PairBatcher batcher = new Echo().CreatePairBatcher(_pump.Options);
        Task<Exception?>[] requests = Requests.SubmitAll(batcher, 8);
        _pump.RunUntilIdle();
        Assert.All(requests, static request => Assert.Equal(
            DeviceFailure.OutOfMemory,
            Assert.IsType<DeviceException>(Assert.IsType<BatchExecutionException>(Requests.Outcome(request)).InnerException).Failure));
        _pump.Device.Refuse = static (_, _) => null;
        requests = Requests.SubmitAll(batcher, 40);
        _pump.RunUntilIdle();
        Requests.AssertAnswered(requests);
        _pump.Close(batcher);
    }

    [Fact]
    public void Only_the_rows_that_make_the_method_throw_fail()
    {
        _pump.Device.Refuse = static (first, rows) => first <= 5 && 5 < first + rows ? new InvalidDataException("row 5") : null;
        Echo.PairBatcher batcher = new Echo().CreatePairBatcher(_pump.Options);
        Task<Exception?>[] requests = Requests.SubmitAll(batcher, 16);
        _pump.RunUntilIdle();
        Assert.Equal(1, Assert.IsType<BatchExecutionException>(Requests.Outcome(requests[5])).BatchSize);
        Requests.AssertAnswered(requests.Where((_, i) => i != 5));
        _pump.Close(batcher);
    }

    [Fact]
    public void Whenever_the_device_is_lost_every_request_ends_with_its_own_answer_or_the_loss()
    {
        int calls = Lose(int.MaxValue);
        for (int after = 0; after < calls; after++)
        {
            Lose(after);
        }

        Assert.InRange(calls, 100, 100_000);
    }

    [Fact]
    public void A_kernel_that_fails_is_a_loss_and_is_heard_of_with_the_event()
    {
        bool fails = false;
        var echo = new Echo(_ =>
        {
            if (fails)
            {
                throw new InvalidOperationException("illegal address");
            }
        });
        Echo.PairBatcher batcher = echo.CreatePairBatcher(_pump.Options);
        Task<Exception?>[] before = Requests.SubmitAll(batcher, 16);
        _pump.RunUntilIdle();
        fails = true;
        Task<Exception?>[] after = Requests.SubmitAll(batcher, 40);
        _pump.RunUntilIdle();
        Requests.AssertAnswered(before);
        Assert.All(after, static request => Assert.IsType<DeviceLostException>(Requests.Outcome(request)));
        Assert.Contains("illegal address", batcher.Loss!.ToString(), StringComparison.Ordinal);
        _pump.Close(batcher);
    }

    [Fact]
    public async Task A_device_that_does_not_finish_holds_up_disposal_no_longer_than_allowed_and_keeps_its_memory()
    {
        _pump.Device.HangsAfter = 1;
        Echo.PairBatcher batcher = new Echo().CreatePairBatcher(_pump.Options with { DrainTimeout = TimeSpan.FromMilliseconds(20) });
        Task<Exception?>[] requests = Requests.SubmitAll(batcher, 100);
        _pump.RunUntilIdle();
        Requests.AssertAnswered(requests.Take(16));
        Assert.All(requests.Skip(16), static request => Assert.False(request.IsCompleted));
        _pump.Close(batcher);
        foreach (Task<Exception?> request in requests.Skip(16))
        {
            Assert.IsType<BatcherClosedException>(await request.WaitAsync(TimeSpan.FromSeconds(20)));
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Single(_pump.Device.Streams);
        Assert.NotEmpty(_pump.Device.Pinned);
    }

    [Fact]
    public void Batches_without_rows_to_run_keep_the_order_and_cost_the_device_nothing()
    {
        var drops = new Dropper();
        using var cancelled = new CancellationTokenSource();
        Echo.PairBatcher batcher = new Echo().CreatePairBatcher(_pump.Options with { Policy = drops });
        Task<Exception?>[] first = Requests.SubmitAll(batcher, 16);
        _pump.RunNow();
        drops.Drops = true;
        Task<Exception?>[] dropped = Requests.SubmitAll(batcher, 16);

        // The first batch's rows are read by then, and it computes.
        _pump.RunUntil(_pump.Clock.Now + 5_000);
        drops.Drops = false;
        Task<Exception?>[] left = [.. Enumerable.Range(0, 16).Select(i => Requests.Submit(batcher, i, cancelled.Token))];
        cancelled.Cancel();
        Task<Exception?>[] last = Requests.SubmitAll(batcher, 5);
        _pump.RunUntilIdle();

        // Those who cancel go on elsewhere; the pump keeps this thread.
        Assert.True(SpinWait.SpinUntil(() => Array.TrueForAll(left, static request => request.IsCompleted), TimeSpan.FromSeconds(20)));
        Requests.AssertAnswered([.. first, .. last]);
        Assert.All(dropped, static request => Assert.IsType<RequestDroppedException>(Requests.Outcome(request)));
        Assert.All(left, static request => Assert.IsAssignableFrom<OperationCanceledException>(Requests.Outcome(request)));
        Assert.Equal(2, _pump.Device.Runs);
        _pump.Close(batcher);
    }

    [Fact]
    public void Rows_that_are_skipped_while_others_are_copied_give_back_none_of_those()
    {
        _pump.Device.CopyIn = new LinearCost(50_000, 0);
        using var cancelled = new CancellationTokenSource();
        Echo.PairBatcher batcher = new Echo().CreatePairBatcher(_pump.Options with { Capacity = 16, MaxBatchSize = 8 });
        Task<Exception?>[] copied = Requests.SubmitAll(batcher, 8);
        _pump.RunNow();
        Task<Exception?>[] left = [.. Enumerable.Range(0, 8).Select(i => Requests.Submit(batcher, i, cancelled.Token))];
        cancelled.Cancel();
        _pump.RunNow();

        // These get the rows of those who left, not of those who are on their way.
        Task<Exception?>[] later = Requests.SubmitAll(batcher, 30, firstId: 500);
        _pump.RunUntilIdle();
        Assert.True(SpinWait.SpinUntil(() => Array.TrueForAll(left, static request => request.IsCompleted), TimeSpan.FromSeconds(20)));
        Requests.AssertAnswered([.. copied, .. later]);
        _pump.Close(batcher);
    }

    // Submits in waves, so that batches are in every stage when the device is lost. How many calls it took.
    private static int Lose(int after)
    {
        var pump = new Pump();
        pump.Device.CopyIn = pump.Device.Compute = pump.Device.CopyOut = new LinearCost(10_000, 0);
        Echo.PairBatcher batcher;
        try
        {
            pump.Device.LostAfter = after;
            batcher = new Echo().CreatePairBatcher(pump.Options with { Capacity = 32, MaxInFlight = 2 });
        }
        catch (DeviceException)
        {
            return pump.Device.Calls;
        }

        var requests = new List<Task<Exception?>>();
        for (int wave = 0; wave < 3; wave++)
        {
            // More than there is room for: some wait beside the ring.
            requests.AddRange(Requests.SubmitAll(batcher, 36, firstId: 1 + (wave * 100)));
            pump.RunUntil(pump.Clock.Now + 15_000);
        }

        pump.RunUntilIdle();
        requests.Add(Requests.Submit(batcher, 7));
        pump.RunUntilIdle();
        bool lost = after != int.MaxValue;
        Assert.Equal(lost, batcher.Loss is not null);
        Assert.All(requests, static request => Assert.True(
            Requests.Outcome(request) is null or DeviceLostException { IsTransient: true }, $"{Requests.Outcome(request)}"));
        Assert.Equal(lost, Requests.Outcome(requests[^1]) is not null);
        Assert.True(!lost || pump.Device.Calls == after + 1, "The device was used after it was lost.");
        int calls = pump.Device.Calls;
        pump.Close(batcher);
        return calls;
    }

    private sealed class Dropper : IBatchPolicy
    {
        public bool Drops { get; set; }

        public BatchDecision Decide(in QueueSnapshot queue, long now) =>
            Drops ? BatchDecision.Drop(queue.Waiting) : BatchDecision.Dispatch(queue.Waiting);
    }
}
