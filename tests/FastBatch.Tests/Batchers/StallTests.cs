using System.Collections.Concurrent;
using FastBatch.Diagnostics;

namespace FastBatch.Tests.Batchers;

/// <summary>A method that does not return for longer than the limit: nobody waits for it, and nobody else gets its rows.</summary>
public class StallTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);
    private readonly ManualTime _time = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Callers_of_a_stalled_batcher_are_released_and_it_serves_again_when_the_run_ends(bool dedicatedThread)
    {
        var gate = new Gate();
        var ran = new ConcurrentQueue<int>();
        await using var batcher = new Echo(count =>
        {
            ran.Enqueue(count);
            gate.Pass();
        }).CreateSquareBatcher(Options(dedicatedThread));
        Task<int> running = batcher.SubmitAsync(1).AsTask();
        await gate.ArrivedAsync();

        // The ring has room for these; others wait beside it.
        Task<int>[] behind = [.. Enumerable.Range(2, 20).Select(i => batcher.SubmitAsync(i).AsTask())];
        _time.Advance(Limit - TimeSpan.FromTicks(1));
        Assert.Equal(BatcherState.Serving, batcher.State);
        Assert.All([running, .. behind], static task => Assert.False(task.IsCompleted));

        _time.Advance(Limit / 4);
        Assert.Equal(BatcherState.Stalled, batcher.State);
        foreach (Task<int> task in (Task<int>[])[running, .. behind])
        {
            BatcherStalledException stalled = await Assert.ThrowsAsync<BatcherStalledException>(() => task.WaitAsync(Patience));
            Assert.True(stalled.IsTransient);
            Assert.Equal(
                "Echo.Square is stalled: its method has been running for more than BatcherOptions.RunLimit (00:00:01).", stalled.Message);
        }

        // Refused at once, without a row.
        ValueTask<int> late = batcher.SubmitAsync(30);
        Assert.True(late.IsFaulted);
        await Assert.ThrowsAsync<BatcherStalledException>(() => late.AsTask());

        gate.Open();
        Assert.Equal(49, await SubmitWhenServingAsync(batcher, 7));
        Assert.Equal(BatcherState.Serving, batcher.State);

        // Nobody waited for those behind, so they were never run.
        Assert.Equal([1, 1], ran);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_stalled_run_has_is_nobody_elses_before_it_ends(bool dedicatedThread)
    {
        var gate = new Gate();
        var seen = new ConcurrentQueue<long[]>();
        await using var batcher = new Witness(gate, seen).CreateAnswerBatcher(Options(dedicatedThread) with { MaxBatchSize = 2, Capacity = 2 });
        long[] answer = [-1];
        Task running = batcher.SubmitAsync([5, 5], answer).AsTask();
        await gate.ArrivedAsync();
        _time.Advance(Limit * 2);
        await Assert.ThrowsAsync<BatcherStalledException>(() => running.WaitAsync(Patience));
        gate.Open();
        for (long i = 0; i < 8; i++)
        {
            long[] own = new long[1];
            await SubmitWhenServingAsync(batcher, i, own);
            Assert.Equal(i, own[0]);
        }

        // The method found its input as it was, before and after; its caller's memory was not written after the caller had been released.
        Assert.True(seen.TryDequeue(out long[]? rows));
        Assert.Equal([5, 5, 5, 5], rows);
        Assert.Equal(-1, answer[0]);
    }

    [Fact]
    public async Task A_stall_of_one_run_says_nothing_of_the_next()
    {
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(Options(dedicatedThread: false));
        for (int i = 0; i < 20; i++)
        {
            Task<int> running = batcher.SubmitAsync(i).AsTask();
            await gate.ArrivedAsync();
            _time.Advance(Limit * 0.9);
            gate.Open();
            Assert.Equal(i * i, await running.WaitAsync(Patience));
            gate.Close();
            Assert.Equal(BatcherState.Serving, batcher.State);
        }

        gate.Open();
    }

    [Fact]
    public async Task Requests_of_a_stalled_batcher_are_told_of_once()
    {
        var gate = new Gate();
        var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(Options(dedicatedThread: true));
        var count = new Count();
        batcher.Observe(count);
        Task<int> running = batcher.SubmitAsync(1).AsTask();
        await gate.ArrivedAsync();
        Task<int>[] behind = [.. Enumerable.Range(2, 20).Select(i => batcher.SubmitAsync(i).AsTask())];
        _time.Advance(Limit * 2);
        await Assert.ThrowsAsync<BatcherStalledException>(() => Task.WhenAll([running, .. behind]).WaitAsync(Patience));
        gate.Open();
        await SubmitWhenServingAsync(batcher, 3);
        await batcher.DisposeAsync();

        // Some were refused while the last one was tried.
        Assert.InRange(count.Stalled, 21, int.MaxValue);
        Assert.Equal((2, 1, 1), (count.Rows, count.Gone, count.Succeeded));
    }

    [Fact]
    public async Task A_stalled_batcher_can_be_disposed_and_its_watch_ends_with_it()
    {
        var gate = new Gate();
        var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(Options(dedicatedThread: true) with { DrainTimeout = TimeSpan.Zero });
        Task<int> running = batcher.SubmitAsync(1).AsTask();
        await gate.ArrivedAsync();
        _time.Advance(Limit * 2);
        await Assert.ThrowsAsync<BatcherStalledException>(() => running.WaitAsync(Patience));
        Assert.Equal(1, _time.Timers);
        await batcher.DisposeAsync().AsTask().WaitAsync(Patience);
        Assert.Equal(0, _time.Timers);
        Assert.Equal(BatcherState.Closed, batcher.State);

        // Closed for good is what there is to know now, though the method still runs.
        await Assert.ThrowsAsync<BatcherClosedException>(() => batcher.SubmitAsync(2).AsTask());
        gate.Open();
    }

    [Fact]
    public async Task Runs_that_end_as_they_are_found_too_long_end_every_request_once()
    {
        // The clock runs ahead of everything: any run may be found too long at any moment, ending or not.
        await using var batcher = new Echo().CreateSquareBatcher(new BatcherOptions
        {
            MaxBatchSize = 4, Capacity = 8, RunLimit = TimeSpan.FromMilliseconds(4), TimeProvider = _time,
        });
        using var stop = new CancellationTokenSource();
        Task hurry = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                _time.Advance(TimeSpan.FromMilliseconds(1));
            }
        });
        int ended = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(client => Task.Run(async () =>
        {
            for (int i = 0; i < 2000; i++)
            {
                int id = client * 4000 + i;
                try
                {
                    Assert.Equal(unchecked(id * id), await batcher.SubmitAsync(id).ConfigureAwait(false));
                }
                catch (BatcherStalledException)
                {
                    // As good as an answer, here.
                }

                Interlocked.Increment(ref ended);
            }
        }))).WaitAsync(Patience);
        await stop.CancelAsync();
        await hurry;
        Assert.Equal(16000, ended);
    }

    private BatcherOptions Options(bool dedicatedThread) => new()
    {
        MaxBatchSize = 4, Capacity = 8, DedicatedThread = dedicatedThread, RunLimit = Limit, TimeProvider = _time,
    };

    private sealed class Count : BatchObserver
    {
        public int Stalled { get; private set; }

        public int Rows { get; private set; }

        public int Gone { get; private set; }

        public int Succeeded { get; private set; }

        public override void OnBatch(Batcher batcher, in BatchReport batch)
        {
            lock (this)
            {
                (Rows, Gone, Succeeded) = (Rows + batch.Rows, Gone + batch.Gone, Succeeded + batch.Succeeded);
            }
        }

        public override void OnEnded(Batcher batcher, RequestOutcome outcome, int count)
        {
            lock (this)
            {
                Assert.Equal(RequestOutcome.Stalled, outcome);
                Stalled += count;
            }
        }
    }

    // The run has ended, but its thread may not have said so yet.
    private static async Task<int> SubmitWhenServingAsync(Echo.SquareBatcher batcher, int value)
    {
        while (true)
        {
            try
            {
                return await batcher.SubmitAsync(value).AsTask().WaitAsync(Patience);
            }
            catch (BatcherStalledException)
            {
                await Task.Yield();
            }
        }
    }

    private static async Task SubmitWhenServingAsync(Witness.AnswerBatcher batcher, long id, long[] answer)
    {
        while (true)
        {
            try
            {
                await batcher.SubmitAsync([id, id], answer).AsTask().WaitAsync(Patience);
                return;
            }
            catch (BatcherStalledException)
            {
                await Task.Yield();
            }
        }
    }
}

/// <summary>Notes the rows of its first batch before and after it is held up.</summary>
internal sealed partial class Witness(Gate gate, ConcurrentQueue<long[]> seen)
{
    [Batchable]
    public void Answer([Row(2)] ReadOnlySpan<long> ids, [Row(1)] Span<long> answers)
    {
        long[] before = ids.ToArray();
        gate.Pass();
        seen.Enqueue([.. before, .. ids]);
        for (int i = 0; i < answers.Length; i++)
        {
            answers[i] = ids[i * 2];
        }
    }
}
