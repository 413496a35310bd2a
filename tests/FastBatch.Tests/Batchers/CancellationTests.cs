namespace FastBatch.Tests.Batchers;

public class CancellationTests
{
    [Fact]
    public async Task A_queued_request_is_released_at_once_and_never_runs()
    {
        var gate = new Gate();
        var sizes = new List<int>();
        await using var batcher = new Echo(count =>
        {
            sizes.Add(count);
            gate.Pass();
        }).CreatePairBatcher();
        Task first = batcher.SubmitAsync(new long[4], new long[2]).AsTask();
        await gate.ArrivedAsync();
        using var source = new CancellationTokenSource();
        long[] untouched = [-1, -1];
        Task cancelled = batcher.SubmitAsync([1, 1, 1, 1], untouched, source.Token).AsTask();
        long[] answer = new long[2];
        Task kept = batcher.SubmitAsync([2, 2, 2, 2], answer).AsTask();
        await source.CancelAsync();
        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await cancelled);
        Assert.Equal(source.Token, exception.CancellationToken);
        gate.Open();
        await Task.WhenAll(first, kept);
        Assert.Equal([2, 3], answer);
        Assert.Equal([-1, -1], untouched);
        Assert.Equal([1, 1], sizes);
    }

    [Fact]
    public async Task A_running_request_is_released_at_once_and_its_memory_is_not_written()
    {
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreatePairBatcher();
        using var source = new CancellationTokenSource();
        long[] answer = [-1, -1];
        Task running = batcher.SubmitAsync([1, 1, 1, 1], answer, source.Token).AsTask();
        await gate.ArrivedAsync();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await running);
        gate.Open();
        await batcher.DisposeAsync();
        Assert.Equal([-1, -1], answer);
    }

    [Fact]
    public async Task A_token_cancelled_before_takes_no_row()
    {
        await using var batcher = new Echo(_ => Assert.Fail("ran")).CreateSquareBatcher();
        using var source = new CancellationTokenSource();
        await source.CancelAsync();
        ValueTask<int> task = batcher.SubmitAsync(1, source.Token);
        Assert.True(task.IsCanceled);
        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await task);
        Assert.Equal(source.Token, exception.CancellationToken);
        Assert.Equal(0, batcher.QueueLength);
    }

    [Fact]
    public async Task Cancelling_many_does_not_run_their_continuations_on_the_cancelling_thread()
    {
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher();
        using var source = new CancellationTokenSource();
        Task<int> first = batcher.SubmitAsync(1).AsTask();
        await gate.ArrivedAsync();
        int inline = 0;
        int canceller = 0;
        async Task AwaitAsync()
        {
            try
            {
                await batcher.SubmitAsync(2, source.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                inline += Environment.CurrentManagedThreadId == canceller ? 1 : 0;
            }
        }

        Task[] waiting = [.. Enumerable.Range(0, 8).Select(_ => AwaitAsync())];
        var cancelling = new Thread(() =>
        {
            canceller = Environment.CurrentManagedThreadId;
            source.Cancel();
        });
        cancelling.Start();
        cancelling.Join();
        await Task.WhenAll(waiting);
        Assert.Equal(0, inline);
        gate.Open();
        await first;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_storm_of_cancellations_leaves_those_who_wait_their_answers_and_runs_nobody_else(bool dedicatedThread)
    {
        var gate = new Gate();
        int rows = 0;
        await using var batcher = new Echo(count =>
        {
            rows += count;
            gate.Pass();
        }).CreateSquareBatcher(new BatcherOptions { DedicatedThread = dedicatedThread, MaxBatchSize = 1 });
        using var source = new CancellationTokenSource();
        Task<int> running = batcher.SubmitAsync(2).AsTask();
        await gate.ArrivedAsync();
        var leaving = new List<Task<int>>();
        var staying = new List<Task<int>>();
        for (int i = 0; i < 100_000; i++)
        {
            if (i % 5_000 == 0)
            {
                staying.Add(batcher.SubmitAsync(i / 5_000).AsTask());
            }

            leaving.Add(batcher.SubmitAsync(i, source.Token).AsTask());
        }

        await source.CancelAsync();
        await Task.WhenAll(leaving).ContinueWith(static _ => { }, TaskScheduler.Default);
        Assert.All(leaving, static request => Assert.True(request.IsCanceled));
        Assert.Equal(1, rows);
        gate.Open();
        int[] answers = await Task.WhenAll(staying);
        Assert.Equal(Enumerable.Range(0, 20).Select(static i => i * i), answers);
        Assert.Equal(4, await running);
        await batcher.DisposeAsync();
        Assert.Equal((21, 100_000L), (rows, batcher.GetStatistics().Cancelled));
    }
}
