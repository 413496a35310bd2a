namespace FastBatch.Tests.Batchers;

/// <summary>Priorities: what runs first, whose rows a batch has, and that nobody waits for ever.</summary>
public class PriorityTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_highest_run_first_and_within_a_level_the_oldest(bool dedicatedThread)
    {
        var gate = new Gate();
        var order = new List<int>();
        await using var batcher = new Recorder(ids =>
        {
            order.AddRange(ids);
            gate.Pass();
        }).CreateRunBatcher(new BatcherOptions { MaxBatchSize = 4, DedicatedThread = dedicatedThread, TimeProvider = new ManualTime() });
        Task<int> first = batcher.SubmitAsync(0).AsTask();
        await gate.ArrivedAsync();
        RequestPriority[] priorities = [RequestPriority.Low, RequestPriority.Normal, RequestPriority.High, RequestPriority.Critical];
        Task<int>[] tasks = [.. Enumerable.Range(0, 20).Select(i => batcher.SubmitAsync(i + 1, With(priorities[i % 4])).AsTask())];
        gate.Open();
        int[] answers = await Task.WhenAll(tasks).WaitAsync(Patience);
        Assert.Equal(0, await first);
        Assert.Equal(Enumerable.Range(1, 20).Select(id => -id), answers);

        // Batches of four: critical are 4, 8, 12, 16, 20; high 3, 7, ...; within a batch the order means nothing.
        int[][] batches = [.. order.Skip(1).Chunk(4).Select(batch => batch.Order().ToArray())];
        Assert.Equal([[4, 8, 12, 16], [3, 7, 11, 20], [2, 6, 15, 19], [1, 10, 14, 18], [5, 9, 13, 17]], batches);
        Assert.Equal(0, batcher.QueueLength);
    }

    [Fact]
    public async Task A_level_that_has_waited_long_gets_its_share_whatever_comes_above_it()
    {
        var time = new ManualTime();
        var gate = new Gate();
        var batches = new List<int[]>();
        int lows = 8;
        Action? more = null;
        await using var batcher = new Recorder(ids =>
        {
            batches.Add(ids);
            lows -= ids.Count(IsLow);
            gate.Pass();
            time.Advance(TimeSpan.FromMilliseconds(1));
            more?.Invoke();
        }).CreateRunBatcher(new BatcherOptions { MaxBatchSize = 16, Capacity = 64, TimeProvider = time });
        var all = new List<Task<int>> { batcher.SubmitAsync(0).AsTask() };
        await gate.ArrivedAsync();
        int high = 1000;
        more = () =>
        {
            // As many critical requests as fit, until the last low one runs: never less than a full batch of them waits. What has run ends it, and
            // not this test's thread, which would find the device's in the middle of submitting.
            while (lows > 0 && high < 4000 && batcher.QueueLength < 60)
            {
                all.Add(batcher.SubmitAsync(high++, With(RequestPriority.Critical)).AsTask());
            }
        };
        more();
        Task<int>[] low = [.. Enumerable.Range(1, lows).Select(i => batcher.SubmitAsync(i, With(RequestPriority.Low)).AsTask())];
        gate.Open();
        await Task.WhenAll(low).WaitAsync(Patience);
        await Task.WhenAll(all).WaitAsync(Patience);
        await batcher.DisposeAsync();
        int start = batches.FindIndex(batch => batch.Any(IsLow));
        int end = batches.FindLastIndex(batch => batch.Any(IsLow));

        // Not before it has waited 100 ms, at a millisecond each; then two of sixteen rows in every batch.
        Assert.InRange(start, 90, 115);
        Assert.InRange(end - start, 3, 4);
        Assert.All(batches[start..(end + 1)], batch => Assert.Equal(16, batch.Length));

        static bool IsLow(int id) => id is > 0 and < 1000;
    }

    [Fact]
    public async Task Answers_are_their_own_when_a_batch_has_rows_of_all_levels()
    {
        await using var batcher = new Echo().CreatePairBatcher(new BatcherOptions { MaxBatchSize = 13, Capacity = 16 });
        RequestPriority[] priorities = Enum.GetValues<RequestPriority>();
        await Task.WhenAll(Enumerable.Range(0, 64).Select(client => Task.Run(async () =>
        {
            long[] answer = new long[2];
            for (int i = 0; i < 500; i++)
            {
                long id = (client * 1000L) + i;
                RequestOptions options = With(priorities[(client + i) % 4]);
                switch (i % 3)
                {
                    case 0:
                        await batcher.SubmitAsync(id, static (id, row) => row.Fill(id), answer, options);
                        break;
                    case 1:
                        await batcher.SubmitAsync([id, id, id, id], answer, options);
                        break;
                    default:
                        using (RowLease<long> lease = await batcher.SubmitAsync([id, id, id, id], options))
                        {
                            lease.Span.CopyTo(answer);
                        }

                        break;
                }

                Assert.Equal([id, id + 1], answer);
            }
        }))).WaitAsync(Patience);
        Assert.Equal(0, batcher.QueueLength);
    }

    [Fact]
    public async Task A_bad_row_fails_alone_in_a_batch_of_several_levels()
    {
        var gate = new Gate();
        bool held = true;
        await using var batcher = new Picky(
            value => value == 5 ? new InvalidDataException() : null,
            _ =>
            {
                if (held)
                {
                    gate.Pass();
                }
            }).CreateNegateBatcher();
        Task<int> first = batcher.SubmitAsync(0, new int[2]).AsTask();
        await gate.ArrivedAsync();
        Task<int>[] tasks = [.. Enumerable.Range(1, 12).Select(i => batcher.SubmitAsync(i, new int[2], With((RequestPriority)((i % 4) - 1))).AsTask())];
        held = false;
        gate.Open();
        await Assert.ThrowsAsync<BatchExecutionException>(() => tasks[4].WaitAsync(Patience));
        Assert.Equal(0, await first);
        foreach (int i in Enumerable.Range(1, 12).Where(i => i != 5))
        {
            Assert.Equal(-i, await tasks[i - 1].WaitAsync(Patience));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Disposal_runs_all_levels_and_refuses_the_rest(bool dedicatedThread)
    {
        var gate = new Gate();
        var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(
            new BatcherOptions { MaxBatchSize = 2, Capacity = 2, DedicatedThread = dedicatedThread });
        Task<int>[] tasks = [.. Enumerable.Range(0, 20).Select(i => batcher.SubmitAsync(i, With((RequestPriority)((i % 3) - 1))).AsTask())];
        await gate.ArrivedAsync();
        Task disposed = batcher.DisposeAsync().AsTask();
        await Assert.ThrowsAsync<BatcherClosedException>(async () => await batcher.SubmitAsync(1, With(RequestPriority.Low)));
        await Assert.ThrowsAsync<BatcherClosedException>(async () => await batcher.SubmitAsync(1, With(RequestPriority.Critical)));
        gate.Open();
        int[] answers = await Task.WhenAll(tasks).WaitAsync(Patience);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => i * i), answers);
        await disposed.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_row_of_another_level_ends_a_wait_for_more()
    {
        await using var batcher = new Echo().CreateSquareBatcher(new BatcherOptions { MaxBatchSize = 4, MaxQueueDelay = TimeSpan.FromHours(1) });
        Task<int>[] tasks =
        [
            batcher.SubmitAsync(1).AsTask(),
            batcher.SubmitAsync(2, With(RequestPriority.High)).AsTask(),
            batcher.SubmitAsync(3, With(RequestPriority.Low)).AsTask(),
        ];
        Assert.Equal(3, batcher.QueueLength);
        Assert.Equal(16, await batcher.SubmitAsync(4, With(RequestPriority.Critical)).AsTask().WaitAsync(Patience));
        int[] answers = await Task.WhenAll(tasks).WaitAsync(Patience);
        Assert.Equal([1, 4, 9], answers);
    }

    [Fact]
    public async Task Each_level_has_room_of_its_own()
    {
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(
            new BatcherOptions { MaxBatchSize = 1, Capacity = 1, Overload = OverloadMode.Reject });
        Task<int> normal = batcher.SubmitAsync(1).AsTask();
        await gate.ArrivedAsync();
        await Assert.ThrowsAsync<BatcherOverloadedException>(async () => await batcher.SubmitAsync(2));
        Task<int> critical = batcher.SubmitAsync(3, With(RequestPriority.Critical)).AsTask();
        await Assert.ThrowsAsync<BatcherOverloadedException>(async () => await batcher.SubmitAsync(4, With(RequestPriority.Critical)));
        gate.Open();
        Assert.Equal(1, await normal.WaitAsync(Patience));
        Assert.Equal(9, await critical.WaitAsync(Patience));
    }

    [Fact]
    public async Task A_priority_that_is_none_is_refused()
    {
        await using var batcher = new Echo().CreateSquareBatcher();
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await batcher.SubmitAsync(1, With((RequestPriority)7)));
        Assert.Equal(4, await batcher.SubmitAsync(2));
    }

    private static RequestOptions With(RequestPriority priority) => new() { Priority = priority };
}

/// <summary>Tells which rows each batch has; answers each with its negative.</summary>
public sealed partial class Recorder(Action<int[]> onBatch)
{
    [Batchable]
    public void Run(ReadOnlySpan<int> ids, Span<int> negatives)
    {
        onBatch(ids.ToArray());
        for (int i = 0; i < ids.Length; i++)
        {
            negatives[i] = -ids[i];
        }
    }
}
