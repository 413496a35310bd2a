using FastBatch.Scheduling;
using FastBatch.Tests.Devices.Simulated;

namespace FastBatch.Tests.Batchers;

/// <summary>Clocks that jump. A request may be judged by a wrong time; none waits for a time that is not to come, and none is lost.</summary>
public class ClockTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private readonly ManualTime _time = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_clock_that_throws_once_while_devices_are_driven_leaves_nobody_waiting(int devices)
    {
        for (int good = 0; good < 60; good++)
        {
            var clock = new Faulty();
            await using var batcher = Echo.CreateSquareBatcher(
                [.. Enumerable.Range(0, devices).Select(static _ => new Echo())],
                new BatcherOptions { TimeProvider = clock, Devices = ImmediateDevice.Several(devices), MaxBatchSize = 2, DrainTimeout = Patience });
            clock.ThrowAfter(good);
            Task<int>[] tasks = [.. Enumerable.Range(0, 12).Select(i => batcher.SubmitAsync(i).AsTask())];
            foreach ((int i, Task<int> task) in tasks.Index())
            {
                Exception? error = await Record.ExceptionAsync(() => task.WaitAsync(Patience));
                Assert.True(error is FastBatchException || (error is null && await task == i * i), $"{i}, after {good}: {error}");
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_waits_for_a_fuller_batch_does_not_wait_for_a_clock_that_was_set_back(bool dedicatedThread)
    {
        await using var batcher = new Echo().CreateSquareBatcher(new BatcherOptions
        {
            TimeProvider = _time,
            DedicatedThread = dedicatedThread,
            Policy = new SizeOrDelayPolicy(TimeSpan.FromMilliseconds(5)),
        });
        Task<int> waits = batcher.SubmitAsync(3).AsTask();
        _time.Advance(-Hour);
        Assert.Equal(9, await waits.WaitAsync(Patience));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nobody_spins_for_a_time_that_was_near_before_the_clock_was_set_back(bool dedicatedThread)
    {
        // So short a wait is not slept but spun.
        var policy = new Asked(queue => queue.Waiting < 2 ? BatchDecision.WaitUntil(queue.OldestEnqueued + 100, 2) : BatchDecision.Dispatch(2));
        await using var batcher = new Echo().CreateSquareBatcher(
            new BatcherOptions { TimeProvider = _time, DedicatedThread = dedicatedThread, Policy = policy });
        Task<int> waits = batcher.SubmitAsync(3).AsTask();
        await policy.WasAsked.WaitAsync(Patience);
        _time.Advance(-Hour);
        Assert.Equal(9, await waits.WaitAsync(Patience));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_clock_that_leaps_ahead_runs_what_waits_in_one_batch(bool dedicatedThread)
    {
        var sizes = new List<int>();
        await using var batcher = new Echo(sizes.Add).CreateSquareBatcher(new BatcherOptions
        {
            TimeProvider = _time,
            DedicatedThread = dedicatedThread,
            Policy = new SizeOrDelayPolicy(TimeSpan.FromMilliseconds(5)),
        });
        Task<int>[] waiting = [.. Enumerable.Range(0, 5).Select(i => batcher.SubmitAsync(i).AsTask())];
        _time.Advance(TimeSpan.FromDays(10_000));
        int[] answers = await Task.WhenAll(waiting).WaitAsync(Patience);
        Assert.Equal([0, 1, 4, 9, 16], answers);
        Assert.Equal([5], sizes);
        Task<int> later = batcher.SubmitAsync(7).AsTask();
        _time.Advance(TimeSpan.FromMilliseconds(6));
        Assert.Equal(49, await later.WaitAsync(Patience));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Deadlines_are_still_met_when_the_clock_was_set_back(bool dedicatedThread)
    {
        await using var batcher = new Echo(_ => _time.Advance(TimeSpan.FromMilliseconds(1))).CreateSquareBatcher(
            new BatcherOptions { TimeProvider = _time, DedicatedThread = dedicatedThread, Deadline = TimeSpan.FromMilliseconds(20) });
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(i * i, await batcher.SubmitAsync(i).AsTask().WaitAsync(Patience));

            // The device is idle, and what it was last known to be busy with lies in the future from now on.
            _time.Advance(-Hour);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_clock_set_back_while_the_method_runs_leaves_estimates_that_make_sense(bool dedicatedThread)
    {
        var gate = new Gate();
        await using var batcher = new Echo(_ =>
        {
            _time.Advance(-Hour);
            gate.Pass();
        }).CreateSquareBatcher(new BatcherOptions
        {
            TimeProvider = _time, DedicatedThread = dedicatedThread, MaxBatchSize = 1, Capacity = 4, Overload = OverloadMode.Reject,
        });
        Task<int> first = batcher.SubmitAsync(1).AsTask();
        await gate.ArrivedAsync();
        gate.Open();
        Assert.Equal(1, await first.WaitAsync(Patience));
        gate.Close();
        Task<int>[] accepted = [.. Enumerable.Range(0, 4).Select(i => batcher.SubmitAsync(i).AsTask())];
        BatcherOverloadedException refusal = await RefusalAsync();
        Assert.Equal(TimeSpan.Zero, refusal.RetryAfter);
        gate.Open();
        await Task.WhenAll(accepted).WaitAsync(Patience);

        async Task<BatcherOverloadedException> RefusalAsync()
        {
            while (true)
            {
                try
                {
                    await batcher.SubmitAsync(9).AsTask().WaitAsync(TimeSpan.FromMilliseconds(1));
                }
                catch (BatcherOverloadedException exception)
                {
                    return exception;
                }
                catch (TimeoutException)
                {
                    // There was room for one more.
                }
            }
        }
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Callers_are_resumed_and_counted_though_the_clock_is_set_back_meanwhile(bool dedicatedThread, bool inlineContinuations)
    {
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(new BatcherOptions
        {
            TimeProvider = _time, DedicatedThread = dedicatedThread, InlineContinuations = inlineContinuations,
        });
        int submitted = 0;
        for (int round = 0; round < 20; round++)
        {
            gate.Close();
            Task<int> first = batcher.SubmitAsync(1).AsTask();
            await gate.ArrivedAsync();
            Task[] full = [.. Enumerable.Range(0, 16).Select(i => ResumedAsync(batcher.SubmitAsync(i), i))];
            gate.Open();
            await Task.WhenAll([first, .. full]).WaitAsync(Patience);
            submitted += 17;
        }

        await batcher.DisposeAsync().AsTask().WaitAsync(Patience);
        Assert.Equal(submitted, batcher.GetStatistics().Succeeded);

        // Inside the delivery.
        Task ResumedAsync(ValueTask<int> request, int i)
        {
            var resumed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var awaiter = request.ConfigureAwait(false).GetAwaiter();
            awaiter.UnsafeOnCompleted(() =>
            {
                if (i == 3)
                {
                    _time.Advance(-Hour);
                }

                resumed.SetResult();
                Assert.Equal(i * i, awaiter.GetResult());
            });
            return resumed.Task;
        }
    }

    private sealed class Asked(Func<QueueSnapshot, BatchDecision> answer) : IBatchPolicy
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task WasAsked => _asked.Task;

        public bool UsesEnqueueTime => true;

        public BatchDecision Decide(in QueueSnapshot queue, long now)
        {
            _asked.TrySetResult();
            return answer(queue);
        }
    }

    private sealed class Faulty : TimeProvider
    {
        private int _left = int.MaxValue;

        public void ThrowAfter(int calls) => Volatile.Write(ref _left, calls);

        public override long GetTimestamp() =>
            Interlocked.Decrement(ref _left) == -1 ? throw new InvalidOperationException("The clock's own.") : base.GetTimestamp();
    }
}
