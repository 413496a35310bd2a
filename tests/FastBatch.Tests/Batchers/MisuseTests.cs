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
#pragma warning restore FB0040, FB0041, CA2012, xUnit1031
}
