using FastBatch.Diagnostics;

namespace FastBatch.Tests.Batchers;

/// <summary>What callers must not do: it ends in an exception that says so, or costs them something; nobody gets another caller's data.</summary>
public class MisuseTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

#pragma warning disable FB0040, FB0041, CA2012, xUnit1031 // Misuse is what is tested, and blocking.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Awaiting_again_when_the_request_serves_another_caller_throws_and_takes_nothing_from_that_one(bool dedicatedThread)
    {
        await using var batcher = new Echo().CreateSquareBatcher(new BatcherOptions { DedicatedThread = dedicatedThread });
        for (int i = 0; i < 200; i++)
        {
            ValueTask<int> old = batcher.SubmitAsync(i);
            Assert.Equal(i * i, await old);
            ValueTask<int> next = batcher.SubmitAsync(i + 1);
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await old);
            Assert.Throws<InvalidOperationException>(() => old.IsCompleted);
            Assert.Equal((i + 1) * (i + 1), await next);
        }
    }

    [Fact]
    public async Task A_result_asked_for_too_early_is_refused_and_comes_all_the_same()
    {
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher();
        ValueTask<int> running = batcher.SubmitAsync(7);
        await gate.ArrivedAsync();
        var exception = Assert.Throws<InvalidOperationException>(() => running.GetAwaiter().GetResult());
        Assert.Contains("it has not completed; await it", exception.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => running.Result);
        gate.Open();
        Assert.Equal(49, await running.AsTask().WaitAsync(Patience));
    }

    [Fact]
    public async Task A_lease_kept_while_others_come_and_go_keeps_its_own_answer()
    {
        await using var batcher = new Echo().CreatePairBatcher(new BatcherOptions { MaxBatchSize = 2, Capacity = 2 });
        using RowLease<long> kept = await batcher.SubmitAsync([-5, -5, -5, -5]);
        RowLease<long> disposed = await batcher.SubmitAsync([-6, -6, -6, -6]);
        disposed.Dispose();
        for (long i = 0; i < 500; i++)
        {
            using RowLease<long> lease = await batcher.SubmitAsync([i, i, i, i]);
            disposed.Dispose();
            Assert.Equal([i, i + 1], lease.Span.ToArray());
            Assert.Throws<ObjectDisposedException>(() => disposed.Span.Length);
        }

        Assert.Equal([-5, -4], kept.Span.ToArray());
    }

    [Fact]
    public async Task The_input_may_change_as_soon_as_it_is_submitted()
    {
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreatePairBatcher();
        long[] row = [1, 1, 1, 1];
        long[] answer = new long[2];
        Task pending = batcher.SubmitAsync(row, answer).AsTask();
        Array.Fill(row, 99);
        gate.Open();
        await pending.WaitAsync(Patience);
        Assert.Equal([1, 2], answer);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_method_may_submit_to_its_own_batcher_if_it_does_not_wait(bool dedicatedThread)
    {
        Echo.SquareBatcher? batcher = null;
        var inner = new TaskCompletionSource<Task<int>>();
        batcher = new Echo(_ => inner.TrySetResult(batcher!.SubmitAsync(6).AsTask()))
            .CreateSquareBatcher(new BatcherOptions { DedicatedThread = dedicatedThread });
        Assert.Equal(25, await batcher.SubmitAsync(5).AsTask().WaitAsync(Patience));
        Assert.Equal(36, await (await inner.Task).WaitAsync(Patience));
        await batcher.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_method_that_waits_for_its_own_batcher_is_stuck_until_the_drain_timeout_and_then_all_end(bool dedicatedThread)
    {
        Echo.SquareBatcher? batcher = null;
        var arrived = new TaskCompletionSource();
        batcher = new Echo(_ =>
        {
            // Submitted before the batcher is disposed; later it would be refused at once.
            Task<int> inner = batcher!.SubmitAsync(6).AsTask();
            arrived.TrySetResult();
            inner.Wait();
        }).CreateSquareBatcher(new BatcherOptions { DedicatedThread = dedicatedThread, DrainTimeout = TimeSpan.FromMilliseconds(50) });
        Task<int> outer = batcher.SubmitAsync(5).AsTask();
        await arrived.Task.WaitAsync(Patience);
        await batcher.DisposeAsync().AsTask().WaitAsync(Patience);
        await Assert.ThrowsAsync<BatcherClosedException>(() => outer.WaitAsync(Patience));
    }

    [Fact]
    public async Task A_callback_may_submit_another_request()
    {
        await using var batcher = new Echo().CreatePairBatcher();
        long[] answer = new long[2];
        long[] innerAnswer = new long[2];
        Task? inner = null;
        await batcher.SubmitAsync(
            3L,
            (id, row) =>
            {
                row.Fill(id);
                inner = batcher.SubmitAsync([4, 4, 4, 4], innerAnswer).AsTask();
            },
            answer).AsTask().WaitAsync(Patience);
        await inner!.WaitAsync(Patience);
        Assert.Equal([3, 4], answer);
        Assert.Equal([4, 5], innerAnswer);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_continuation_may_cancel_submit_and_dispose(bool dedicatedThread)
    {
        var gate = new Gate();
        var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(new BatcherOptions { DedicatedThread = dedicatedThread, MaxBatchSize = 1 });
        using var source = new CancellationTokenSource();
        async Task<Task<int>> ActAsync()
        {
            Assert.Equal(4, await batcher.SubmitAsync(2).ConfigureAwait(false));
            await source.CancelAsync().ConfigureAwait(false);
            Task<int> last = batcher.SubmitAsync(3).AsTask();
            await batcher.DisposeAsync().ConfigureAwait(false);
            return last;
        }

        Task<Task<int>> acting = ActAsync();
        await gate.ArrivedAsync();
        Task<int> queued = batcher.SubmitAsync(9, source.Token).AsTask();
        gate.Open();
        Task<int> last = await acting.WaitAsync(Patience);
        Assert.Equal(9, await last);

        // Cancelled if its caller's continuation was quicker than the next batch.
        if (!queued.IsCanceled)
        {
            Assert.Equal(81, await queued);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_method_may_dispose_its_own_batcher(bool dedicatedThread)
    {
        Echo.SquareBatcher? batcher = null;
        ValueTask closing = default;
        var gate = new Gate();
        batcher = new Echo(_ =>
        {
            gate.Pass();
            closing = batcher!.DisposeAsync();
        }).CreateSquareBatcher(new BatcherOptions { DedicatedThread = dedicatedThread, MaxBatchSize = 1 });
        Task<int> running = batcher.SubmitAsync(5).AsTask();
        await gate.ArrivedAsync();
        Task<int> accepted = batcher.SubmitAsync(6).AsTask();
        gate.Open();
        Assert.Equal(25, await running.WaitAsync(Patience));
        Assert.Equal(36, await accepted.WaitAsync(Patience));
        await closing.AsTask().WaitAsync(Patience);
        await Assert.ThrowsAsync<BatcherClosedException>(async () => await batcher.SubmitAsync(7));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_method_that_waits_for_the_disposal_of_its_own_batcher_ends_with_the_drain_timeout(bool dedicatedThread)
    {
        Echo.SquareBatcher? batcher = null;
        batcher = new Echo(_ => batcher!.DisposeAsync().AsTask().Wait()).CreateSquareBatcher(
            new BatcherOptions { DedicatedThread = dedicatedThread, DrainTimeout = TimeSpan.FromMilliseconds(50) });
        Task<int> request = batcher.SubmitAsync(5).AsTask();
        await Assert.ThrowsAsync<BatcherClosedException>(() => request.WaitAsync(Patience));
        await batcher.DisposeAsync().AsTask().WaitAsync(Patience);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_callback_of_a_token_may_dispose_the_batcher_while_its_requests_are_cancelled(bool dedicatedThread)
    {
        var gate = new Gate();
        var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(new BatcherOptions { DedicatedThread = dedicatedThread, MaxBatchSize = 1 });
        using var source = new CancellationTokenSource();
        Task<int> running = batcher.SubmitAsync(2).AsTask();
        await gate.ArrivedAsync();
        Task<int>[] before = [.. Enumerable.Range(0, 4).Select(i => batcher.SubmitAsync(i, source.Token).AsTask())];
        Task? closing = null;
        source.Token.Register(() => closing = batcher.DisposeAsync().AsTask());
        Task<int>[] after = [.. Enumerable.Range(0, 4).Select(i => batcher.SubmitAsync(i, source.Token).AsTask())];
        source.Cancel();
        foreach (Task<int> request in (Task<int>[])[.. before, .. after])
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request.WaitAsync(Patience));
        }

        gate.Open();
        Assert.Equal(4, await running.WaitAsync(Patience));
        await closing!.WaitAsync(Patience);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_observer_may_submit_and_dispose(bool dedicatedThread)
    {
        Echo.SquareBatcher batcher = new Echo().CreateSquareBatcher(new BatcherOptions { DedicatedThread = dedicatedThread });
        var submitter = new Submitter(batcher);
        using IDisposable observing = batcher.Observe(submitter);
        Assert.Equal(4, await batcher.SubmitAsync(2).AsTask().WaitAsync(Patience));
        int[] answers = await submitter.Answers.WaitAsync(Patience);
        Assert.Equal([1, 4, 9], answers);
        await submitter.Closed.WaitAsync(Patience);
        Assert.Equal(BatcherState.Closed, batcher.State);
    }

    [Fact]
    public async Task Callers_that_block_every_thread_of_the_pool_get_their_answers()
    {
        await using var batcher = new Echo().CreateSquareBatcher();
        Task<int>[] blocked = [.. Enumerable.Range(0, 8 * Environment.ProcessorCount)
            .Select(i => Task.Run(() => batcher.SubmitAsync(i).AsTask().Result))];
        int[] answers = await Task.WhenAll(blocked).WaitAsync(Patience);
        Assert.Equal(Enumerable.Range(0, blocked.Length).Select(static i => i * i), answers);
    }
#pragma warning restore FB0040, FB0041, CA2012, xUnit1031

    private sealed class Submitter(Echo.SquareBatcher batcher) : BatchObserver
    {
        private readonly List<Task<int>> _requests = [];
        private readonly TaskCompletionSource<int[]> _answers = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<int[]> Answers => _answers.Task;

        public Task Closed => _closed.Task;

        // Batches end one after the other here, for each is submitted when the one before has ended; but before this has returned.
        public override void OnBatch(Batcher observed, in BatchReport batch)
        {
            lock (_requests)
            {
                if (_requests.Count < 3)
                {
                    _requests.Add(batcher.SubmitAsync(_requests.Count + 1).AsTask());
                    return;
                }
            }

            _ = CloseAsync();
        }

        private async Task CloseAsync()
        {
            ValueTask closing = batcher.DisposeAsync();
            _answers.TrySetResult(await Task.WhenAll(_requests));
            await closing;
            _closed.TrySetResult();
        }
    }
}
