namespace FastBatch.Tests.Batchers;

/// <summary>Deadlines, under a clock that the test moves: nothing here depends on how fast the machine is.</summary>
public class DeadlineTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly ManualTime _time = new();
    private readonly Gate _gate = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_request_that_is_late_when_its_turn_comes_is_not_run(bool dedicatedThread)
    {
        var sizes = new List<int>();
        await using var batcher = new Echo(count =>
        {
            sizes.Add(count);
            _gate.Pass();
        }).CreatePairBatcher(new BatcherOptions { TimeProvider = _time, DedicatedThread = dedicatedThread });
        Task first = batcher.SubmitAsync(new long[4], new long[2]).AsTask();
        await _gate.ArrivedAsync();
        long[] untouched = [-1, -1];
        long[] answer = new long[2];
        Task late = batcher.SubmitAsync([1, 1, 1, 1], untouched, Within(milliseconds: 5)).AsTask();
        Task patient = batcher.SubmitAsync([2, 2, 2, 2], answer, Within(milliseconds: 50)).AsTask();
        Task endless = batcher.SubmitAsync([3, 3, 3, 3], new long[2]).AsTask();

        // Less than the watch's period: it is the device side that finds it.
        _time.Advance(TimeSpan.FromMilliseconds(6));
        _gate.Open();
        await Assert.ThrowsAsync<DeadlineExceededException>(() => late.WaitAsync(Patience));
        await Task.WhenAll(first, patient, endless).WaitAsync(Patience);
        Assert.Equal([2, 3], answer);
        Assert.Equal([-1, -1], untouched);
        Assert.Equal([1, 2], sizes);
        Assert.Equal(0, batcher.QueueLength);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Callers_are_released_at_their_deadlines_while_the_method_does_not_return(bool parked)
    {
        await using var batcher = new Echo(_ => _gate.Pass()).CreatePairBatcher(
            new BatcherOptions { TimeProvider = _time, MaxBatchSize = 1, Capacity = parked ? 1 : 8 });
        long[] untouched = [-1, -1];
        Task running = batcher.SubmitAsync([1, 1, 1, 1], untouched, Within(milliseconds: 15)).AsTask();
        await _gate.ArrivedAsync();
        Task queued = batcher.SubmitAsync([2, 2, 2, 2], untouched, Within(milliseconds: 15)).AsTask();
        long[] answer = new long[2];
        Task patient = batcher.SubmitAsync([3, 3, 3, 3], answer).AsTask();
        _time.Advance(TimeSpan.FromMilliseconds(10));
        Assert.False(running.IsCompleted || queued.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(10));
        var exception = await Assert.ThrowsAnyAsync<TimeoutException>(() => running.WaitAsync(Patience));
        Assert.Contains("Echo.Pair", exception.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<DeadlineExceededException>(() => queued.WaitAsync(Patience));
        _gate.Open();
        await patient.WaitAsync(Patience);
        await batcher.DisposeAsync();
        Assert.Equal([3, 4], answer);
        Assert.Equal([-1, -1], untouched);
    }

    [Fact]
    public async Task The_watch_rests_when_no_request_has_a_deadline()
    {
        await using var batcher = new Echo().CreateSquareBatcher(new BatcherOptions { TimeProvider = _time });
        Assert.Equal(4, await batcher.SubmitAsync(2));
        Assert.False(_time.HasTimer);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(9, await batcher.SubmitAsync(3, Within(milliseconds: 1)));
            Assert.True(_time.HasTimer);
            WaitUntil(() => batcher.QueueLength == 0);
            _time.Advance(TimeSpan.FromMilliseconds(10));
            Assert.False(_time.HasTimer);
        }
    }

    [Fact]
    public async Task No_time_left_ends_the_request_at_once()
    {
        await using var batcher = new Echo(_ => Assert.Fail("ran")).CreateSquareBatcher(new BatcherOptions { TimeProvider = _time });
        foreach (TimeSpan deadline in (TimeSpan[])[TimeSpan.Zero, TimeSpan.FromTicks(-1), TimeSpan.MinValue])
        {
            ValueTask<int> task = batcher.SubmitAsync(1, new RequestOptions { Deadline = deadline });
            Assert.True(task.IsFaulted);
            await Assert.ThrowsAsync<DeadlineExceededException>(async () => await task);
        }

        Assert.Equal(0, batcher.QueueLength);
    }

    [Fact]
    public async Task The_batchers_deadline_is_that_of_requests_without_one()
    {
        await using var batcher = new Echo(_ => _gate.Pass()).CreateSquareBatcher(
            new BatcherOptions { TimeProvider = _time, MaxBatchSize = 1, Deadline = TimeSpan.FromMilliseconds(15) });
        Task<int> first = batcher.SubmitAsync(1, new RequestOptions { Deadline = Timeout.InfiniteTimeSpan }).AsTask();
        await _gate.ArrivedAsync();
        Task<int> usual = batcher.SubmitAsync(2).AsTask();
        Task<int> longer = batcher.SubmitAsync(3, Within(milliseconds: 1000)).AsTask();
        Task<int> endless = batcher.SubmitAsync(4, new RequestOptions { Deadline = TimeSpan.MaxValue }).AsTask();
        _time.Advance(TimeSpan.FromMilliseconds(30));
        await Assert.ThrowsAsync<DeadlineExceededException>(() => usual.WaitAsync(Patience));
        _gate.Open();
        int[] answers = await Task.WhenAll(first, longer, endless).WaitAsync(Patience);
        Assert.Equal([1, 9, 16], answers);
    }

    [Fact]
    public async Task A_request_that_would_be_late_is_refused_and_told_when_to_come_back()
    {
        bool held = false;
        await using var batcher = new Echo(_ =>
        {
            if (held)
            {
                _gate.Pass();
            }
            else
            {
                _time.Advance(TimeSpan.FromMilliseconds(10));
            }
        }).CreateSquareBatcher(new BatcherOptions { TimeProvider = _time, MaxBatchSize = 1 });

        // It learns that a batch takes 10 ms; an idle device is always tried.
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(4, await batcher.SubmitAsync(2, Within(milliseconds: i < 10 ? 1000 : 12)));
            WaitUntil(() => batcher.QueueLength == 0);
        }

        held = true;
        Task<int> running = batcher.SubmitAsync(3, Within(milliseconds: 100)).AsTask();
        await _gate.ArrivedAsync();
        Task<int> queued = batcher.SubmitAsync(4).AsTask();
        Task<int> inTime = batcher.SubmitAsync(5, Within(milliseconds: 60)).AsTask();
        var refusal = await Assert.ThrowsAsync<BatcherOverloadedException>(async () => await batcher.SubmitAsync(6, Within(milliseconds: 15)));
        Assert.True(refusal.IsTransient);
        Assert.InRange(refusal.RetryAfter, TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(60));
        Assert.False(inTime.IsCompleted);
        Assert.Equal(2, batcher.QueueLength);
        _gate.Open();
        int[] answers = await Task.WhenAll(running, queued, inTime).WaitAsync(Patience);
        Assert.Equal([9, 16, 25], answers);
    }

    [Fact]
    public async Task A_cost_learned_wrongly_is_unlearned()
    {
        TimeSpan cost = TimeSpan.FromMilliseconds(200);
        await using var batcher = new Echo(_ => _time.Advance(cost)).CreateSquareBatcher(new BatcherOptions { TimeProvider = _time, MaxBatchSize = 1 });
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(4, await batcher.SubmitAsync(2, new RequestOptions { Deadline = TimeSpan.FromSeconds(10) }));
        }

        // Every deadline is shorter than what batches used to take: some requests are refused or given up, but not for good.
        cost = TimeSpan.FromMilliseconds(1);
        int answered = 0;
        for (int i = 0; i < 1000 && answered < 100; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(20));
            try
            {
                Assert.Equal(9, await batcher.SubmitAsync(3, Within(milliseconds: 10)));
                answered++;
            }
            catch (DeadlineExceededException)
            {
            }
        }

        Assert.Equal(100, answered);
    }

    [Fact]
    public async Task Cancelled_and_late_at_once_ends_once()
    {
        for (int i = 0; i < 200; i++)
        {
            var gate = new Gate();
            var time = new ManualTime();
            await using var batcher = new Echo(_ => gate.Pass()).CreatePairBatcher(
                new BatcherOptions { TimeProvider = time, MaxBatchSize = 1, Capacity = 1 });
            using var source = new CancellationTokenSource();
            Task running = batcher.SubmitAsync(new long[4], new long[2], Within(milliseconds: 5), source.Token).AsTask();
            await gate.ArrivedAsync();
            Task parked = batcher.SubmitAsync([7, 7, 7, 7], new long[2], Within(milliseconds: 5), source.Token).AsTask();
            Task[] races = [Task.Run(() => time.Advance(TimeSpan.FromMilliseconds(20))), Task.Run(source.Cancel), Task.Run(gate.Open)];
            await Task.WhenAll(races);
            foreach (Task ended in (Task[])[running, parked])
            {
                Exception? exception = await Record.ExceptionAsync(() => ended.WaitAsync(Patience));
                Assert.True(exception is null or DeadlineExceededException or OperationCanceledException, $"{exception}");
            }
        }
    }

    [Fact]
    public async Task A_token_that_was_cancelled_before_wins()
    {
        await using var batcher = new Echo(_ => Assert.Fail("ran")).CreateSquareBatcher(new BatcherOptions { TimeProvider = _time });
        ValueTask<int> task = batcher.SubmitAsync(1, new RequestOptions { Deadline = TimeSpan.Zero }, new CancellationToken(canceled: true));
        Assert.True(task.IsCanceled);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await task);
    }

    [Fact]
    public async Task A_policy_that_waits_does_not_wait_past_a_deadline()
    {
        await using var batcher = new Echo().CreateSquareBatcher(
            new BatcherOptions { MaxBatchSize = 8, MaxQueueDelay = TimeSpan.FromHours(1) });
        Assert.Equal(25, await batcher.SubmitAsync(5, new RequestOptions { Deadline = TimeSpan.FromMilliseconds(200) }).AsTask().WaitAsync(Patience));
    }

    private static RequestOptions Within(int milliseconds) => new() { Deadline = TimeSpan.FromMilliseconds(milliseconds) };

    private static void WaitUntil(Func<bool> condition) => Assert.True(SpinWait.SpinUntil(condition, Patience));
}
