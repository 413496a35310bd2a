namespace FastBatch.Tests.Batchers;

public class WarmUpTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_method_sees_every_size_twice_in_rows_of_zeros(bool dedicatedThread)
    {
        var batches = new List<int[]>();
        await using var batcher = new Recorder(batches.Add).CreateRunBatcher(
            new BatcherOptions { MaxBatchSize = 6, DedicatedThread = dedicatedThread });
        await batcher.WarmUpAsync().WaitAsync(Patience);
        Assert.Equal([1, 1, 2, 2, 4, 4, 6, 6], batches.Select(static batch => batch.Length));
        Assert.All(batches, static batch => Assert.All(batch, static id => Assert.Equal(0, id)));
        Assert.Equal(-7, await batcher.SubmitAsync(7).AsTask().WaitAsync(Patience));

        // Over the rows of earlier requests too.
        batches.Clear();
        await Task.WhenAll(Enum.GetValues<RequestPriority>().Select(
            priority => batcher.SubmitAsync(9, new RequestOptions { Priority = priority }).AsTask())).WaitAsync(Patience);
        batches.Clear();
        await batcher.WarmUpAsync().WaitAsync(Patience);
        Assert.Equal(8, batches.Count);
        Assert.All(batches, static batch => Assert.All(batch, static id => Assert.Equal(0, id)));
    }

    [Fact]
    public async Task What_the_method_throws_is_told_and_the_batcher_goes_on()
    {
        await using var batcher = new Recorder(static ids =>
        {
            if (ids.Length == 4)
            {
                throw new ArithmeticException("warm");
            }
        }).CreateRunBatcher(new BatcherOptions { MaxBatchSize = 8 });
        await Assert.ThrowsAsync<ArithmeticException>(() => batcher.WarmUpAsync().WaitAsync(Patience));
        Assert.Equal(-1, await batcher.SubmitAsync(1).AsTask().WaitAsync(Patience));
    }

    [Fact]
    public async Task A_closed_batcher_is_not_warmed_up()
    {
        var batcher = new Echo().CreateSquareBatcher();
        await batcher.DisposeAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => batcher.WarmUpAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_warm_up_that_nobody_comes_to_ends_with_the_batcher(bool dedicatedThread)
    {
        var gate = new Gate();
        var batcher = new Recorder(_ => gate.Pass()).CreateRunBatcher(
            new BatcherOptions { DrainTimeout = TimeSpan.Zero, DedicatedThread = dedicatedThread });
        Task<int> running = batcher.SubmitAsync(1).AsTask();
        await gate.ArrivedAsync();
        Task warmUp = batcher.WarmUpAsync();
        await batcher.DisposeAsync();
        await Assert.ThrowsAsync<BatcherClosedException>(() => warmUp.WaitAsync(Patience));
        await Assert.ThrowsAsync<BatcherClosedException>(() => running.WaitAsync(Patience));
        gate.Open();
    }
}
