namespace FastBatch.Tests.Batchers;

public class OverloadTests
{
    [Fact]
    public async Task Reject_refuses_at_once_and_leaves_the_accepted_alone()
    {
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(
            new BatcherOptions { MaxBatchSize = 4, Capacity = 8, Overload = OverloadMode.Reject });
        Task<int> first = batcher.SubmitAsync(0).AsTask();
        await gate.ArrivedAsync();
        Task<int>[] accepted = [first, .. Enumerable.Range(1, 7).Select(i => batcher.SubmitAsync(i).AsTask())];
        for (int i = 0; i < 10; i++)
        {
            ValueTask<int> refused = batcher.SubmitAsync(99);
            Assert.True(refused.IsFaulted);
            var exception = await Assert.ThrowsAsync<BatcherOverloadedException>(async () => await refused);
            Assert.True(exception.IsTransient);
            Assert.True(exception.RetryAfter >= TimeSpan.Zero);
            Assert.Contains("all 8 rows", exception.Message, StringComparison.Ordinal);
        }

        gate.Open();
        int[] answers = await Task.WhenAll(accepted);
        Assert.Equal([0, 1, 4, 9, 16, 25, 36, 49], answers);
        Assert.Equal(100, await batcher.SubmitAsync(10));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Wait_answers_everyone_in_order_however_many(bool dedicatedThread)
    {
        var gate = new Gate();
        var seen = new List<int>();
        await using var batcher = new Echo(_ => gate.Pass()).CreatePairBatcher(
            new BatcherOptions { MaxBatchSize = 4, Capacity = 4, DedicatedThread = dedicatedThread });
        Task[] tasks = [.. Enumerable.Range(0, 500).Select(async i =>
        {
            using RowLease<long> lease = await batcher.SubmitAsync((long)i, static (i, row) => row.Fill(i));
            Assert.Equal(i, lease.Span[0]);
        })];
        await gate.ArrivedAsync();
        gate.Open();
        await Task.WhenAll(tasks).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(0, batcher.QueueLength);
    }

    [Fact]
    public async Task A_parked_request_can_be_cancelled()
    {
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(new BatcherOptions { MaxBatchSize = 1, Capacity = 1 });
        Task<int> first = batcher.SubmitAsync(3).AsTask();
        await gate.ArrivedAsync();
        using var source = new CancellationTokenSource();
        ValueTask<int> parked = batcher.SubmitAsync(4, source.Token);
        Task<int> behind = batcher.SubmitAsync(5).AsTask();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await parked);
        gate.Open();
        Assert.Equal(9, await first);
        Assert.Equal(25, await behind);
    }

    [Fact]
    public async Task A_parked_writer_that_throws_frees_its_place()
    {
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreatePairBatcher(new BatcherOptions { MaxBatchSize = 1, Capacity = 1 });
        Task first = batcher.SubmitAsync(new long[4], new long[2]).AsTask();
        await gate.ArrivedAsync();
        ValueTask failing = batcher.SubmitAsync(0, static (_, _) => throw new FormatException(), new long[2]);
        await Assert.ThrowsAsync<FormatException>(async () => await failing);
        long[] answer = new long[2];
        Task behind = batcher.SubmitAsync([5, 5, 5, 5], answer).AsTask();
        gate.Open();
        await Task.WhenAll(first, behind);
        Assert.Equal([5, 6], answer);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Drop_oldest_keeps_the_newest(bool dedicatedThread)
    {
        var gate = new Gate();
        var seen = new List<int>();
        await using var batcher = new Recorder(ids =>
        {
            seen.AddRange(ids);
            gate.Pass();
        }).CreateRunBatcher(
            new BatcherOptions { MaxBatchSize = 4, Capacity = 8, Overload = OverloadMode.DropOldest, DedicatedThread = dedicatedThread });
        Task<int> first = batcher.SubmitAsync(0).AsTask();
        await gate.ArrivedAsync();
        Task<int>[] tasks = [.. Enumerable.Range(1, 100).Select(i => batcher.SubmitAsync(i).AsTask())];
        foreach (Task<int> dropped in tasks[..93])
        {
            var exception = await Assert.ThrowsAsync<RequestDroppedException>(() => dropped.WaitAsync(TimeSpan.FromSeconds(30)));
            Assert.True(exception.IsTransient);
        }

        Assert.DoesNotContain(tasks[93..], static task => task.IsCompleted);
        gate.Open();
        int[] answers = await Task.WhenAll(tasks[93..]).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(Enumerable.Range(94, 7).Select(static i => -i), answers);
        Assert.Equal(0, await first);
        Assert.Equal([0, .. Enumerable.Range(94, 7)], seen.Order());
        Assert.Equal(0, batcher.QueueLength);
    }

    [Fact]
    public async Task A_bound_in_bytes_counts_what_waits_for_room()
    {
        var gate = new Gate();

        // Rows of 32 bytes: two in the ring, three beside it.
        await using var batcher = new Echo(_ => gate.Pass()).CreatePairBatcher(
            new BatcherOptions { MaxBatchSize = 1, Capacity = 2, MaxQueueBytes = 5 * 32 });
        Task first = batcher.SubmitAsync(new long[4], new long[2]).AsTask();
        await gate.ArrivedAsync();
        Task[] accepted = [.. Enumerable.Range(0, 4).Select(_ => batcher.SubmitAsync(new long[4], new long[2]).AsTask())];
        await Assert.ThrowsAsync<BatcherOverloadedException>(async () => await batcher.SubmitAsync(new long[4], new long[2]));
        gate.Open();
        await Task.WhenAll([first, .. accepted]).WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Theory]
    [InlineData(31)]
    [InlineData(4 * 32 - 1)]
    public void A_bound_in_bytes_that_one_batch_does_not_fit_into_is_refused(long bytes)
    {
        var exception = Assert.Throws<ArgumentOutOfRangeException>(
            () => new Echo().CreatePairBatcher(new BatcherOptions { MaxBatchSize = 4, MaxQueueBytes = bytes }));
        Assert.Contains("MaxQueueBytes must be at least the largest batch (4 rows of 32 bytes)", exception.Message, StringComparison.Ordinal);
    }
}
