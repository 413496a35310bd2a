using System.Runtime.CompilerServices;
using FastBatch.Atomics;
using FastBatch.Execution;
using FastBatch.Scheduling;

namespace FastBatch.Tests.Batchers;

/// <summary>Caller code never runs while holding the device, and never holds up another caller for good.</summary>
public class ContinuationTests
{
    [Fact]
    public async Task A_policy_is_told_when_the_thread_pool_began_to_resume_callers()
    {
        var time = new ManualTime();
        var policy = new Noting();
        await using var batcher = new Echo().CreateSquareBatcher(
            new BatcherOptions { DedicatedThread = true, TimeProvider = time, Policy = policy });
        long began = time.GetTimestamp();
        Assert.Equal(9, await batcher.SubmitAsync(3));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(16, await batcher.SubmitAsync(4));
        Assert.Equal([0, began], policy.Seen);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_continuation_that_blocks_on_another_of_its_own_batch_gets_it(bool dedicatedThread)
    {
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(new BatcherOptions { DedicatedThread = dedicatedThread });
        Task<int> first = batcher.SubmitAsync(0).AsTask();
        await gate.ArrivedAsync();

        // Each blocks its thread until the last of the same batch has been resumed.
        var last = new TaskCompletionSource<int>();
        async Task BlockAsync(int i)
        {
            Assert.Equal(i * i, await batcher.SubmitAsync(i).ConfigureAwait(false));
#pragma warning disable xUnit1031 // Blocking is what is tested.
            Assert.True(last.Task.Wait(TimeSpan.FromSeconds(30)), "The last of the batch was never resumed.");
#pragma warning restore xUnit1031
        }

        Task[] blocking = [BlockAsync(1), BlockAsync(2)];
        async Task EndAsync() => last.SetResult(await batcher.SubmitAsync(3).ConfigureAwait(false));
        Task end = EndAsync();
        Task[] more = [BlockAsync(4)];
        gate.Open();
        await Task.WhenAll([first, .. blocking, end, .. more]).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(9, await last.Task);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_continuation_that_took_long_and_then_blocks_on_a_request_of_its_own_gets_it(bool dedicatedThread)
    {
        // The model waits until the continuation is registered: then it runs inside the delivery.
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(new BatcherOptions { DedicatedThread = dedicatedThread });
        async Task BlockAsync()
        {
            await batcher.SubmitAsync(1).ConfigureAwait(false);

            // Longer than the watch over deliveries needs to give this thread up, even if the pool must first add a thread for it.
            Thread.Sleep(2000);
            Assert.True(batcher.SubmitAsync(5).AsTask().Wait(TimeSpan.FromSeconds(30)), "Nobody ran the request.");
        }

        Task blocking = BlockAsync();
        gate.Open();
        await blocking;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_next_batch_runs_while_a_continuation_blocks(bool dedicatedThread)
    {
        await using var batcher = new Echo().CreateSquareBatcher(new BatcherOptions { DedicatedThread = dedicatedThread });
        using var release = new ManualResetEventSlim();
        using var blocked = new SemaphoreSlim(0);
        async Task BlockAsync()
        {
            await batcher.SubmitAsync(1).ConfigureAwait(false);
            blocked.Release();
            Assert.True(release.Wait(TimeSpan.FromSeconds(30)));
        }

        Task blocking = Task.Run(BlockAsync);
        await blocked.WaitAsync();
        Assert.Equal(25, await batcher.SubmitAsync(5).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
        release.Set();
        await blocking;
    }

    [Fact]
    public async Task Who_relies_on_a_thread_whose_callers_turn_out_to_block_is_answered()
    {
        // Known to be quick, and by this clock about to be back for as long as it is blocked.
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(new BatcherOptions { TimeProvider = new SteppingTime(1) });
        DeliveryDesk desk = Executor(batcher).Desk;
        Learn(desk, callers: 16, elapsed: 16);
        Assert.True(desk.AreQuick(16, 16));
        using var release = new ManualResetEventSlim();
        using var blocked = new SemaphoreSlim(0);
        async Task BlockAsync(int i)
        {
            Assert.Equal(i * i, await batcher.SubmitAsync(i).ConfigureAwait(false));
            if (i == 1)
            {
                blocked.Release();
                Assert.True(release.Wait(TimeSpan.FromSeconds(30)));
            }
        }

        Task<int> first = batcher.SubmitAsync(0).AsTask();
        await gate.ArrivedAsync();
        Task[] callers = [.. Enumerable.Range(0, 16).Select(BlockAsync)];
        gate.Open();
        await blocked.WaitAsync();
        Assert.Equal(25, await batcher.SubmitAsync(5).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));

        // Not a second time: for a while nobody is relied on.
        Assert.True(SpinWait.SpinUntil(() => !desk.AreQuick(16, 16), TimeSpan.FromSeconds(30)));
        release.Set();
        await Task.WhenAll([first, .. callers]).WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_full_batch_does_not_wait_for_callers_that_may_take_long()
    {
        // Every batch takes a millisecond, by this clock. The watch, which would find a caller that blocks, is never set.
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(
            new BatcherOptions { MaxBatchSize = 2, TimeProvider = new SteppingTime(TimeSpan.TicksPerMillisecond) });
        Watching(Executor(batcher).Desk).Write(1);
        var third = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        async Task BlockAsync()
        {
            Assert.Equal(1, await batcher.SubmitAsync(1).ConfigureAwait(false));
#pragma warning disable xUnit1031 // Blocking is what is tested.
            Assert.True(third.Task.Wait(TimeSpan.FromSeconds(30)), "Nobody ran the batch that was full.");
#pragma warning restore xUnit1031
        }

        Task<int> first = batcher.SubmitAsync(0).AsTask();
        await gate.ArrivedAsync();
        Task blocking = BlockAsync();
        Task<int> second = batcher.SubmitAsync(2).AsTask();
        async Task EndAsync() => third.SetResult(await batcher.SubmitAsync(3).ConfigureAwait(false));
        Task[] full = [EndAsync(), batcher.SubmitAsync(4).AsTask()];
        gate.Open();
        await Task.WhenAll([first, blocking, second, .. full]).WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Callers_are_known_to_be_quick_while_those_measured_are()
    {
        await using var batcher = new Echo().CreateSquareBatcher(new BatcherOptions { TimeProvider = new ManualTime() });
        DeliveryDesk desk = Executor(batcher).Desk;
        Assert.False(desk.AreQuick(16, long.MaxValue), "Nothing is known yet.");
        Learn(desk, callers: 16, elapsed: 160);
        Assert.True(desk.AreQuick(16, 160));
        Assert.False(desk.AreQuick(16, 159));
        Assert.False(desk.AreQuick(7, 160), "So few are not measured.");

        // What is learned follows slowly, one slow delivery does not.
        Learn(desk, callers: 16, elapsed: 160_000);
        Assert.False(desk.AreQuick(16, 1600));
        Learn(desk, callers: 16, elapsed: 160);
        Assert.True(desk.AreQuick(16, 160));
        Learn(desk, callers: 16, elapsed: 0);
        Assert.False(desk.AreQuick(16, 160), "The clock is too coarse.");
    }

    [Fact]
    public async Task A_dedicated_thread_never_runs_caller_code_unless_asked_to()
    {
        Thread? device = null;
        await using var batcher = new Echo(_ => device = Thread.CurrentThread).CreateSquareBatcher(new BatcherOptions { DedicatedThread = true });
        async Task SubmitAsync()
        {
            for (int i = 0; i < 200; i++)
            {
                await batcher.SubmitAsync(i).ConfigureAwait(false);
                Assert.NotSame(device, Thread.CurrentThread);
            }
        }

        await SubmitAsync();
    }

    [Fact]
    public async Task Inline_continuations_run_on_the_dedicated_thread()
    {
        Thread? device = null;
        var gate = new Gate();
        await using var batcher = new Echo(_ =>
        {
            device = Thread.CurrentThread;
            gate.Pass();
        }).CreateSquareBatcher(new BatcherOptions { DedicatedThread = true, InlineContinuations = true });
        async Task<Thread> ResumedOnAsync()
        {
            await batcher.SubmitAsync(1).ConfigureAwait(false);
            return Thread.CurrentThread;
        }

        Task<Thread> resumed = ResumedOnAsync();
        gate.Open();
        Thread thread = await resumed;
        Assert.Same(device, thread);
    }

    [Fact]
    public async Task A_continuation_may_submit_again_and_again()
    {
        await using var batcher = new Echo().CreateSquareBatcher(new BatcherOptions { MaxBatchSize = 2, Capacity = 2 });
        async Task<int> ChainAsync(int depth)
        {
            int sum = 0;
            for (int i = 0; i < depth; i++)
            {
                sum += await batcher.SubmitAsync(1).ConfigureAwait(false);
            }

            return sum;
        }

        int[] sums = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ChainAsync(2000)));
        Assert.All(sums, sum => Assert.Equal(2000, sum));
    }

    [Fact]
    public async Task Forgotten_awaits_and_leases_cost_nobody_else_anything()
    {
        await using var batcher = new Echo().CreatePairBatcher(new BatcherOptions { MaxBatchSize = 4, Capacity = 4 });
        for (long i = 0; i < 2000; i++)
        {
            Forget(batcher, i);
            long[] answer = new long[2];
            await batcher.SubmitAsync([i, i, i, i], answer);
            Assert.Equal([i, i + 1], answer);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget(Echo.PairBatcher batcher, long id)
    {
#pragma warning disable FB0042, CA2012 // Misuse is what is tested.
        _ = batcher.SubmitAsync([id, id, id, id]);
        _ = batcher.SubmitAsync([id, id, id, id], new long[2]);
#pragma warning restore FB0042, CA2012
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_executor")]
    private static extern ref DeviceExecutor Executor(Batcher batcher);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_watching")]
    private static extern ref AtomicInt32 Watching(DeliveryDesk desk);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "Learn")]
    private static extern void Learn(DeliveryDesk desk, int callers, long elapsed);

    /// <summary>Time that passes when it is looked at.</summary>
    private sealed class SteppingTime(long step) : TimeProvider
    {
        private long _now = TimeSpan.TicksPerDay;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Add(ref _now, step);
    }

    private sealed class Noting : IBatchPolicy
    {
        public List<long> Seen { get; } = [];

        public BatchDecision Decide(in QueueSnapshot queue, long now)
        {
            Seen.Add(queue.ResumingSince);
            return BatchDecision.Dispatch(queue.Waiting);
        }
    }
}
