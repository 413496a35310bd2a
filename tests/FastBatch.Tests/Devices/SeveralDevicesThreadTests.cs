using FastBatch.Devices;
using FastBatch.Scheduling;
using FastBatch.Tests.Devices.Simulated;

namespace FastBatch.Tests.Devices;

/// <summary>One batcher on two devices, each on its thread, in real time: they do at once what they are told to, so that the threads meet often.</summary>
public class SeveralDevicesThreadTests
{
    private const int Clients = 16;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task Every_request_has_its_own_answer_and_both_devices_run_batches()
    {
        await using Echo.SquareBatcher batcher = Open(new BatcherOptions { MaxBatchSize = 4, Capacity = 8 });
        await LoadAsync(batcher, rounds: 3000);
        Assert.All(batcher.GetDeviceStatus(), static device => Assert.True(device.Batches > 0, $"{device}"));

        // The thread that leaves a delivery last counts it.
        Assert.True(SpinWait.SpinUntil(() => batcher.GetStatistics().Succeeded == Clients * 3000, Patience));
    }

    [Fact]
    public async Task Options_may_change_meanwhile()
    {
        var options = new BatcherOptions { MaxBatchSize = 4, Capacity = 8 };
        await using Echo.SquareBatcher batcher = Open(options);
        using var stopped = new CancellationTokenSource();
        Task changing = Task.Run(() =>
        {
            BatcherOptions[] others =
            [
                batcher.Options with { MaxQueueDelay = TimeSpan.FromMicroseconds(200) },
                batcher.Options with { MaxBatchSize = 1 },
                batcher.Options with { MaxBatchSize = 3, Policy = new SizeOrDelayPolicy(TimeSpan.FromMilliseconds(1), size: 2) },
            ];
            for (int i = 0; !stopped.IsCancellationRequested; i++)
            {
                batcher.Reconfigure(others[i % others.Length]);
            }
        });
        await LoadAsync(batcher, rounds: 500);
        await stopped.CancelAsync();
        await changing;
    }

    [Fact]
    public async Task Disposal_under_load_ends_every_request()
    {
        for (int round = 0; round < 50; round++)
        {
            Echo.SquareBatcher batcher = Open(new BatcherOptions { MaxBatchSize = 4, Capacity = 8, DrainTimeout = Timeout.InfiniteTimeSpan });
            var started = new SemaphoreSlim(0);
            Task<bool>[] clients = [.. Enumerable.Range(0, Clients).Select(client => Task.Run(async () =>
            {
                for (int i = 0; ; i++)
                {
                    try
                    {
                        Assert.Equal(i * i, await batcher.SubmitAsync(i).ConfigureAwait(false));
                    }
                    catch (BatcherClosedException)
                    {
                        return true;
                    }

                    started.Release();
                }
            }))];
            Assert.True(await started.WaitAsync(Patience));
            await batcher.DisposeAsync().AsTask().WaitAsync(Patience);
            await Task.WhenAll(clients).WaitAsync(Patience);
            Assert.Equal((BatcherState.Closed, 0), (batcher.State, batcher.QueueLength));
        }
    }

    [Fact]
    public async Task Requests_with_deadlines_that_are_far_are_answered_and_those_with_none_left_are_not_run()
    {
        await using Echo.SquareBatcher batcher = Open(new BatcherOptions { MaxBatchSize = 4, Capacity = 64, Deadline = TimeSpan.FromHours(1) });
        await LoadAsync(batcher, rounds: 500);
        Exception? error = await Record.ExceptionAsync(
            () => batcher.SubmitAsync(1, new RequestOptions { Deadline = TimeSpan.FromTicks(1) }).AsTask().WaitAsync(Patience));
        Assert.True(error is DeadlineExceededException or BatcherOverloadedException, $"{error}");
    }

    [Fact]
    public async Task While_one_warms_up_and_serves_so_does_the_other()
    {
        await using Echo.SquareBatcher batcher = Open(new BatcherOptions { MaxBatchSize = 4 });
        Task<WarmUpReport> warm = batcher.WarmUpAsync();
        await LoadAsync(batcher, rounds: 200);

        // 1, 2 and 4 rows, twice, on each.
        WarmUpReport report = await warm.WaitAsync(Patience);
        Assert.Equal((12, 28L), (report.Batches, report.Rows));
    }

    [Fact]
    public async Task One_whose_method_does_not_return_is_passed_by_until_the_rows_behind_it_run_out()
    {
        var time = new ManualTime();
        var gate = new Gate();
        bool isHeld = true;
        Echo[] models = [new(Hold), new(Hold)];
        await using Echo.SquareBatcher batcher = Echo.CreateSquareBatcher(models, new BatcherOptions
        {
            Devices = ImmediateDevice.Several(2), MaxBatchSize = 4, Capacity = 8, RunLimit = Limit, TimeProvider = time,
        });
        Task<int> held = batcher.SubmitAsync(3).AsTask();
        await gate.ArrivedAsync();
        isHeld = false;

        // Its row is read no more; the other device takes those behind it.
        for (int i = 0; i < 7; i++)
        {
            Assert.Equal(i * i, await batcher.SubmitAsync(i).AsTask().WaitAsync(Patience));
        }

        time.Advance(Limit * 2);
        await Assert.ThrowsAsync<BatcherStalledException>(() => held.WaitAsync(Patience));

        // Rows go back in order, and there are no more: that is a stall of all.
        Assert.Equal(BatcherState.Stalled, batcher.State);
        await Assert.ThrowsAsync<BatcherStalledException>(() => batcher.SubmitAsync(1).AsTask().WaitAsync(Patience));
        gate.Open();
        Assert.True(SpinWait.SpinUntil(() => batcher.State == BatcherState.Serving, Patience));
        await LoadAsync(batcher, rounds: 100);

        void Hold(int rows)
        {
            if (isHeld)
            {
                gate.Pass();
            }
        }
    }

    [Fact]
    public async Task Those_who_wait_for_room_behind_one_that_does_not_return_are_told_as_well()
    {
        var time = new ManualTime();
        var gate = new Gate();
        bool isHeld = true;
        Echo[] models = [new(Hold), new(Hold)];
        await using Echo.SquareBatcher batcher = Echo.CreateSquareBatcher(models, new BatcherOptions
        {
            Devices = ImmediateDevice.Several(2), MaxBatchSize = 4, Capacity = 8, Overload = OverloadMode.Wait, RunLimit = Limit, TimeProvider = time,
        });
        Task<int> held = batcher.SubmitAsync(3).AsTask();
        await gate.ArrivedAsync();
        isHeld = false;
        Task<int>[] behind = [.. Enumerable.Range(0, 20).Select(i => batcher.SubmitAsync(i).AsTask())];
        foreach (Task<int> answered in behind[..7])
        {
            await answered.WaitAsync(Patience);
        }

        time.Advance(Limit * 2);
        foreach (Task<int> told in (Task<int>[])[held, .. behind[7..]])
        {
            await Assert.ThrowsAsync<BatcherStalledException>(() => told.WaitAsync(Patience));
        }

        gate.Open();

        void Hold(int rows)
        {
            if (isHeld)
            {
                gate.Pass();
            }
        }
    }

    [Fact]
    public async Task What_one_runs_while_rows_run_out_behind_another_is_answered()
    {
        var time = new ManualTime();
        Gate[] gates = [new(), new()];
        int runs = 0;
        Echo[] models = [new(Hold), new(Hold)];
        await using Echo.SquareBatcher batcher = Echo.CreateSquareBatcher(models, new BatcherOptions
        {
            Devices = ImmediateDevice.Several(2), MaxBatchSize = 1, Capacity = 2, RunLimit = Limit, TimeProvider = time,
        });
        Task<int> stalled = batcher.SubmitAsync(3).AsTask();
        await gates[0].ArrivedAsync();
        time.Advance(Limit * 0.9);
        Task<int> healthy = batcher.SubmitAsync(5).AsTask();
        await gates[1].ArrivedAsync();
        time.Advance(Limit * 0.4);
        await Assert.ThrowsAsync<BatcherStalledException>(() => stalled.WaitAsync(Patience));
        gates[1].Open();
        Assert.Equal(25, await healthy.WaitAsync(Patience));
        gates[0].Open();

        void Hold(int rows)
        {
            if (Interlocked.Increment(ref runs) is var run && run <= gates.Length)
            {
                gates[run - 1].Pass();
            }
        }
    }

    private static Echo.SquareBatcher Open(BatcherOptions options) =>
        Echo.CreateSquareBatcher([new Echo(), new Echo()], options with { Devices = ImmediateDevice.Several(2), Overload = OverloadMode.Wait });

    private static Task LoadAsync(Echo.SquareBatcher batcher, int rounds) => Task.WhenAll(
        Enumerable.Range(0, Clients).Select(client => Task.Run(async () =>
        {
            for (int i = 0; i < rounds; i++)
            {
                int value = (client * 1000) + (i % 1000);
                Assert.Equal(value * value, await batcher.SubmitAsync(value).ConfigureAwait(false));
            }
        }))).WaitAsync(Patience);
}
