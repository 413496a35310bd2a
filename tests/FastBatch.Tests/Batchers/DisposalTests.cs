using FastBatch.Lanes;

namespace FastBatch.Tests.Batchers;

public class DisposalTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Dispose_runs_what_was_accepted_and_refuses_the_rest(bool dedicatedThread)
    {
        var gate = new Gate();
        var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(
            new BatcherOptions { MaxBatchSize = 4, Capacity = 8, DedicatedThread = dedicatedThread });
        Task<int> first = batcher.SubmitAsync(0).AsTask();
        await gate.ArrivedAsync();
        Task<int>[] accepted = [first, .. Enumerable.Range(1, 29).Select(i => batcher.SubmitAsync(i).AsTask())];
        Task disposing = batcher.DisposeAsync().AsTask();
        ValueTask<int> late = batcher.SubmitAsync(99);
        Assert.True(late.IsFaulted);
        var closed = await Assert.ThrowsAsync<BatcherClosedException>(async () => await late);
        Assert.Equal("Echo.Square", closed.Batcher);
        Assert.False(disposing.IsCompleted);
        gate.Open();
        await disposing.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.All(accepted, task => Assert.True(task.IsCompletedSuccessfully));
        Assert.Equal(Enumerable.Range(0, 30).Select(i => i * i), await Task.WhenAll(accepted));
        await batcher.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_batcher_never_used_disposes(bool dedicatedThread)
    {
        var batcher = new Echo().CreateSquareBatcher(new BatcherOptions { DedicatedThread = dedicatedThread });
        await batcher.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        await Assert.ThrowsAsync<BatcherClosedException>(async () => await batcher.SubmitAsync(1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Dispose_runs_at_once_what_waits_for_a_fuller_batch(bool dedicatedThread)
    {
        var batcher = new Echo().CreateSquareBatcher(
            new BatcherOptions { MaxQueueDelay = TimeSpan.FromHours(1), DedicatedThread = dedicatedThread });
        Task<int> waiting = batcher.SubmitAsync(6).AsTask();
        await batcher.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(36, await waiting);
    }

    [Fact]
    public async Task A_model_that_hangs_keeps_nobody_waiting_past_the_drain_timeout()
    {
        var gate = new Gate();
        var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(
            new BatcherOptions { MaxBatchSize = 2, Capacity = 4, DrainTimeout = TimeSpan.FromMilliseconds(50) });
        Task<int> running = batcher.SubmitAsync(0).AsTask();
        await gate.ArrivedAsync();
        Task<int>[] stuck = [running, .. Enumerable.Range(1, 9).Select(i => batcher.SubmitAsync(i).AsTask())];
        await batcher.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        foreach (Task<int> task in stuck)
        {
            await Assert.ThrowsAsync<BatcherClosedException>(() => task.WaitAsync(TimeSpan.FromSeconds(30)));
        }

        // The model comes back after all: nobody is there to be answered, and nothing breaks.
        gate.Open();
    }

    [Fact]
    public async Task Closing_ends_early_when_it_is_told_to_give_up()
    {
        var gate = new Gate();
        var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(
            new BatcherOptions { MaxBatchSize = 2, Capacity = 4, DrainTimeout = Timeout.InfiniteTimeSpan });
        Assert.Equal(BatcherState.Serving, batcher.State);
        Task<int> running = batcher.SubmitAsync(0).AsTask();
        await gate.ArrivedAsync();
        Task<int>[] stuck = [running, .. Enumerable.Range(1, 9).Select(i => batcher.SubmitAsync(i).AsTask())];
        using var giveUp = new CancellationTokenSource();
        ValueTask disposing = batcher.DisposeAsync();
        Task closing = batcher.CloseAsync(giveUp.Token);
        Assert.Equal(BatcherState.Closing, batcher.State);
        Assert.All(stuck, static task => Assert.False(task.IsCompleted));
        await giveUp.CancelAsync();
        await closing.WaitAsync(TimeSpan.FromSeconds(30));
        await disposing;
        Assert.Equal(BatcherState.Closed, batcher.State);
        foreach (Task<int> task in stuck)
        {
            await Assert.ThrowsAsync<BatcherClosedException>(() => task.WaitAsync(TimeSpan.FromSeconds(30)));
        }

        gate.Open();
    }

    [Fact]
    public async Task Closing_runs_what_was_accepted_while_nobody_gives_up()
    {
        var batcher = new Echo().CreateSquareBatcher(new BatcherOptions { MaxQueueDelay = TimeSpan.FromHours(1) });
        Task<int> waiting = batcher.SubmitAsync(5).AsTask();
        using var never = new CancellationTokenSource();
        await batcher.CloseAsync(never.Token).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(25, await waiting);
        await batcher.CloseAsync(new CancellationToken(canceled: true));
    }

    [Fact]
    public async Task Dispose_many_times_at_once_and_inside_a_continuation()
    {
        var batcher = new Echo().CreateSquareBatcher();
        async Task SubmitAndDisposeAsync(int i)
        {
            try
            {
                Assert.Equal(i * i, await batcher.SubmitAsync(i).ConfigureAwait(false));
                await batcher.DisposeAsync().ConfigureAwait(false);
            }
            catch (BatcherClosedException)
            {
                // Another one disposed it first.
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Task.Run(() => SubmitAndDisposeAsync(i)))).WaitAsync(TimeSpan.FromSeconds(30));
        await batcher.DisposeAsync();
    }

    [Fact]
    public async Task A_lease_outlives_its_batcher()
    {
        var batcher = new Echo().CreatePairBatcher();
        RowLease<long> lease = await batcher.SubmitAsync([7, 7, 7, 7]);
        await batcher.DisposeAsync();
        Assert.Equal([7, 8], lease.Span.ToArray());
        lease.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Models_are_replaced_under_load_and_every_request_is_answered_by_one_that_serves(bool dedicatedThread)
    {
        const int Models = 20;
        var options = new BatcherOptions { DedicatedThread = dedicatedThread };
        bool[] retired = new bool[Models];

        // A model that is used after it was retired throws, and so would its caller's await.
        Echo.SquareBatcher Serve(int model) =>
            new Echo(_ => Assert.False(Volatile.Read(ref retired[model]))).CreateSquareBatcher(options);

        Echo.SquareBatcher current = Serve(0);
        bool ends = false;
        int answered = 0;
        async Task RequestAsync(int i)
        {
            while (!Volatile.Read(ref ends))
            {
                try
                {
                    Assert.Equal(i * i, await Volatile.Read(ref current).SubmitAsync(i).ConfigureAwait(false));
                    Interlocked.Increment(ref answered);
                }
                catch (BatcherClosedException)
                {
                    // It was replaced meanwhile: look again.
                }
            }
        }

        Task[] callers = [.. Enumerable.Range(1, 8).Select(i => Task.Run(() => RequestAsync(i)))];
        for (int model = 1; model < Models; model++)
        {
            int before = Volatile.Read(ref answered);
            while (Volatile.Read(ref answered) - before < 100)
            {
                await Task.Yield();
            }

            Echo.SquareBatcher old = Interlocked.Exchange(ref current, Serve(model));
            await old.DisposeAsync();
            Volatile.Write(ref retired[model - 1], true);
        }

        Volatile.Write(ref ends, true);
        await Task.WhenAll(callers).WaitAsync(TimeSpan.FromSeconds(30));
        await current.DisposeAsync();
    }

    [Fact]
    public async Task What_generated_code_keeps_is_freed_once()
    {
        var batcher = new Keeper();
        await Task.WhenAll(batcher.DisposeAsync().AsTask(), batcher.DisposeAsync().AsTask());
        await batcher.DisposeAsync();
        Assert.Equal(1, batcher.Closed);
    }

    [Theory]
    [InlineData(nameof(BatcherOptions.MaxBatchSize), "at least 1")]
    [InlineData(nameof(BatcherOptions.Capacity), "at least the largest batch (16)")]
    [InlineData(nameof(BatcherOptions.MaxQueueDelay), "zero or more")]
    [InlineData(nameof(BatcherOptions.DrainTimeout), "zero or more, or Timeout.InfiniteTimeSpan")]
    [InlineData(nameof(BatcherOptions.Overload), "a defined value")]
    [InlineData(nameof(BatcherOptions.RunLimit), "more than zero")]
    [InlineData(nameof(BatcherOptions.RequireFinite), "a combination of defined values")]
    [InlineData(nameof(BatcherOptions.DeviceCost), "zero or more, and finite")]
    [InlineData(nameof(BatcherOptions.InlineContinuations), "false where DedicatedThread is false")]
    [InlineData(nameof(BatcherOptions.GraphSizes), "at most the largest batch (16)")]
    public void Impossible_options_are_refused_by_name(string option, string expected)
    {
        BatcherOptions options = option switch
        {
            nameof(BatcherOptions.MaxBatchSize) => new() { MaxBatchSize = 0 },
            nameof(BatcherOptions.Capacity) => new() { Capacity = 15 },
            nameof(BatcherOptions.MaxQueueDelay) => new() { MaxQueueDelay = TimeSpan.FromTicks(-1) },
            nameof(BatcherOptions.RunLimit) => new() { RunLimit = TimeSpan.Zero },
            nameof(BatcherOptions.RequireFinite) => new() { RequireFinite = (FiniteChecks)4 },
            nameof(BatcherOptions.DeviceCost) => new() { DeviceCost = double.NaN },
            nameof(BatcherOptions.InlineContinuations) => new() { InlineContinuations = true, DedicatedThread = false },
            nameof(BatcherOptions.DrainTimeout) => new() { DrainTimeout = TimeSpan.FromSeconds(-5) },
            nameof(BatcherOptions.GraphSizes) => new() { GraphSizes = [4, 17] },
            _ => new() { Overload = (OverloadMode)7 },
        };
        var exception = Assert.Throws<ArgumentOutOfRangeException>(option, () => new Echo().CreateSquareBatcher(options));
        Assert.Contains($"Echo.Square: BatcherOptions.{option} must be {expected}", exception.Message, StringComparison.Ordinal);
    }

    private sealed class Keeper : Batcher
    {
        public Keeper()
            : base("Keeper.Run", options: null, maxBatchSize: 1, maxQueueDelayMicroseconds: 0)
        {
            AddInput<int>("x", 1);
            Open();
        }

        public int Closed { get; private set; }

        protected override OutputSlab CreateOutputs(int maxRows) => throw new NotSupportedException();

        protected override void Run(Batch batch) => throw new NotSupportedException();

        protected override void OnClosed() => Closed++;
    }
}
