using System.Diagnostics;
using FastBatch.Diagnostics;
using FastBatch.Scheduling;

namespace FastBatch.Tests.Diagnostics;

/// <summary>What observers are told: every batch, every request that ended outside one, nothing twice.</summary>
public class ObserverTests
{
    public static TheoryData<bool, bool> Executors => new() { { false, false }, { true, false }, { true, true } };

    [Theory]
    [MemberData(nameof(Executors))]
    public async Task A_batch_is_reported_with_its_requests_and_times(bool dedicatedThread, bool inlineContinuations)
    {
        var gate = new Gate();
        var watch = new Watch(RequestDetails.Times);
        var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(
            new BatcherOptions { DedicatedThread = dedicatedThread, InlineContinuations = inlineContinuations });
        batcher.Observe(watch);
        long before = TimeProvider.System.GetTimestamp();
        Task<int>[] first = [batcher.SubmitAsync(1).AsTask()];
        await gate.ArrivedAsync();
        Task<int>[] rest = [.. Enumerable.Range(2, 20).Select(i => batcher.SubmitAsync(i).AsTask())];
        gate.Open();
        await Task.WhenAll([.. first, .. rest]);
        await batcher.DisposeAsync();
        await watch.RowsAsync(21);
        long after = TimeProvider.System.GetTimestamp();

        Assert.Equal(21, watch.Batches.Sum(static batch => batch.Succeeded));
        Assert.Contains(watch.Batches, static batch => batch is { Rows: 16, CloseReason: BatchCloseReason.Full });
        Assert.Contains(watch.Batches, static batch => batch is { Rows: 1, CloseReason: BatchCloseReason.Idle });
        Assert.All(watch.Batches, batch =>
        {
            Assert.True(batch.Ran);
            Assert.Equal(batch.Rows, batch.Enqueued.Length);
            Assert.All(batch.Enqueued, enqueued => Assert.InRange(enqueued, before, batch.Closed));
            Assert.Equal(batch.Enqueued.Min(), batch.OldestEnqueued);
            Assert.True(batch.Closed <= batch.Started && batch.Started <= batch.Ended && batch.Ended <= batch.Delivered);
            Assert.InRange(batch.Delivered, before, after);
            Assert.Equal(batch.Delivered, batch.LastResumed);
            Assert.Null(batch.Error);
        });
        Assert.Empty(watch.Ended);
    }

    [Fact]
    public async Task Nothing_is_noted_of_requests_that_nobody_wants()
    {
        var watch = new Watch(RequestDetails.None);
        await using var batcher = new Echo().CreateSquareBatcher();
        batcher.Observe(watch);
        await batcher.SubmitAsync(1);
        await watch.RowsAsync(1);
        Assert.Empty(watch.Batches.Single().Enqueued);
        Assert.Empty(watch.Batches.Single().Origins);
        Assert.Equal(0, watch.Batches.Single().OldestEnqueued);
    }

    [Fact]
    public async Task Observers_come_and_go()
    {
        var first = new Watch(RequestDetails.None);
        var second = new Watch(RequestDetails.None);
        await using var batcher = new Echo().CreateSquareBatcher();
        await batcher.SubmitAsync(1);
        IDisposable observation = batcher.Observe(first);
        await batcher.SubmitAsync(2);
        await first.RowsAsync(1);
        batcher.Observe(second);
        observation.Dispose();
        observation.Dispose();
        await batcher.SubmitAsync(3);
        await second.RowsAsync(1);
        Assert.Single(first.Batches);
        Assert.Single(second.Batches);
    }

    [Fact]
    public async Task An_observer_that_throws_disturbs_nobody()
    {
        var watch = new Watch(RequestDetails.None);
        await using var batcher = new Echo().CreateSquareBatcher();
        batcher.Observe(new Thrower());
        batcher.Observe(watch);
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(i * i, await batcher.SubmitAsync(i));
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => batcher.SubmitAsync(1, new CancellationToken(true)).AsTask());
        await watch.RowsAsync(10);
        Assert.Equal([(RequestOutcome.Cancelled, 1)], watch.Ended);
    }

    [Fact]
    public async Task Failed_rows_are_told_from_the_others()
    {
        var watch = new Watch(RequestDetails.None);
        var gate = new Gate();
        var batcher = new Picky(static value => value < 0 ? new InvalidDataException($"{value}") : null, _ => gate.Pass()).CreateNegateBatcher();
        batcher.Observe(watch);
        int[] pairs = new int[2];
        Task<int> first = batcher.SubmitAsync(1, pairs).AsTask();
        await gate.ArrivedAsync();
        Task<int>[] rest = [.. ((int[])[2, -3, 4, 5]).Select(value => batcher.SubmitAsync(value, new int[2]).AsTask())];
        gate.Open();
        await first;
        await Assert.ThrowsAsync<BatchExecutionException>(() => Task.WhenAll(rest));
        await watch.RowsAsync(5);
        await batcher.DisposeAsync();
        Assert.Contains(watch.Batches, static batch => batch is { Rows: 4, Succeeded: 3, Failed: 1, Error: InvalidDataException });
    }

    [Fact]
    public async Task Requests_cancelled_before_and_after_their_batch_is_closed_are_told_apart()
    {
        var watch = new Watch(RequestDetails.None);
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher();
        batcher.Observe(watch);
        using var source = new CancellationTokenSource();
        Task<int> running = batcher.SubmitAsync(1, source.Token).AsTask();
        await gate.ArrivedAsync();
        Task<int> waiting = batcher.SubmitAsync(2, source.Token).AsTask();
        Task<int> stays = batcher.SubmitAsync(3).AsTask();
        await source.CancelAsync();
        gate.Open();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal(9, await stays);
        await watch.RowsAsync(2);
        Assert.Equal([(RequestOutcome.Cancelled, 1)], watch.Ended);
        Assert.Equal([(1, 0), (0, 1)], watch.Batches.Select(static batch => (batch.Cancelled, batch.Succeeded)));
    }

    [Fact]
    public async Task Refused_dropped_and_abandoned_requests_are_counted()
    {
        var watch = new Watch(RequestDetails.None);
        var gate = new Gate();
        var batcher = new Echo(_ => gate.Pass()).CreatePairBatcher(
            new BatcherOptions { Capacity = 16, Overload = OverloadMode.Reject, Policy = new DropsThrees() });
        batcher.Observe(watch);
        long[] answer = new long[2];
        Task running = batcher.SubmitAsync([1, 1, 1, 1], answer).AsTask();
        await gate.ArrivedAsync();
        Task[] dropped = [.. Enumerable.Range(0, 3).Select(_ => batcher.SubmitAsync([2, 2, 2, 2], new long[2]).AsTask())];
        gate.Open();
        await running;
        await Assert.ThrowsAsync<RequestDroppedException>(() => Task.WhenAll(dropped));
        await Assert.ThrowsAsync<FormatException>(() => batcher.SubmitAsync(0, static (_, _) => throw new FormatException(), answer).AsTask());
        await batcher.DisposeAsync();
        await Assert.ThrowsAsync<BatcherClosedException>(() => batcher.SubmitAsync([1, 1, 1, 1], answer).AsTask());
        await watch.RowsAsync(4);
        Assert.Equal(3, watch.Batches.Sum(static batch => batch.Dropped));
        Assert.All(watch.Batches.Where(static batch => batch.Dropped > 0), static batch => Assert.False(batch.Ran));
        Assert.Equal([(RequestOutcome.Abandoned, 1), (RequestOutcome.Closed, 1)], watch.Ended);
    }

    [Fact]
    public async Task Rejected_requests_are_counted()
    {
        var watch = new Watch(RequestDetails.None);
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(
            new BatcherOptions { Capacity = 16, Overload = OverloadMode.Reject });
        batcher.Observe(watch);
        Task<int>[] accepted = [.. Enumerable.Range(0, 16).Select(i => batcher.SubmitAsync(i).AsTask())];
        await Assert.ThrowsAsync<BatcherOverloadedException>(() => batcher.SubmitAsync(1).AsTask());
        gate.Open();
        await Task.WhenAll(accepted);
        Assert.Equal([(RequestOutcome.Rejected, 1)], watch.Ended);
    }

    [Fact]
    public async Task What_could_not_run_before_the_drain_timeout_is_told()
    {
        var watch = new Watch(RequestDetails.None);
        var gate = new Gate();
        var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(new BatcherOptions { DrainTimeout = TimeSpan.Zero, Capacity = 16 });
        batcher.Observe(watch);
        Task<int>[] submitted = [.. Enumerable.Range(0, 20).Select(i => batcher.SubmitAsync(i).AsTask())];
        await gate.ArrivedAsync();
        await batcher.DisposeAsync();
        gate.Open();
        await Assert.ThrowsAsync<BatcherClosedException>(() => Task.WhenAll(submitted));
        Assert.Equal(20, watch.Ended.Sum(static end => end.Count));
        Assert.All(watch.Ended, static end => Assert.Equal(RequestOutcome.Closed, end.Outcome));
    }

    [Fact]
    public async Task A_delay_that_passed_is_the_reason()
    {
        var watch = new Watch(RequestDetails.None);
        await using var batcher = new Echo().CreateSquareBatcher(new BatcherOptions { Policy = new WaitsAMillisecond() });
        batcher.Observe(watch);
        await batcher.SubmitAsync(1);
        await watch.RowsAsync(1);

        // What the policy needs is there whether an observer wants it or not.
        Assert.Equal(BatchCloseReason.Delay, watch.Batches.Single().CloseReason);
        Assert.Single(watch.Batches.Single().Enqueued);
    }

    [Fact]
    public async Task The_traces_of_requests_come_with_their_batch()
    {
        var watch = new Watch(RequestDetails.Origins);
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher();
        batcher.Observe(watch);
        Task<int> first = batcher.SubmitAsync(1).AsTask();
        await gate.ArrivedAsync();
        using var activity = new Activity("caller").Start();
        Task<int> second = batcher.SubmitAsync(2).AsTask();
        activity.Stop();
        Task<int> third = batcher.SubmitAsync(3).AsTask();
        gate.Open();
        await Task.WhenAll(first, second, third);
        await watch.RowsAsync(3);
        Assert.Equal([default, activity.Context, default], watch.Batches.SelectMany(static batch => batch.Origins));
    }

    private sealed class Watch(RequestDetails details) : BatchObserver
    {
        private readonly Lock _gate = new();
        private readonly SemaphoreSlim _reported = new(0);
        private readonly List<Seen> _batches = [];
        private readonly List<(RequestOutcome Outcome, int Count)> _ended = [];

        public override RequestDetails Details => details;

        public Seen[] Batches
        {
            get
            {
                lock (_gate)
                {
                    return [.. _batches];
                }
            }
        }

        public (RequestOutcome Outcome, int Count)[] Ended
        {
            get
            {
                lock (_gate)
                {
                    return [.. _ended];
                }
            }
        }

        // The report comes when the last caller has been resumed; that may be the test, which is therefore not to block.
        public async Task RowsAsync(int rows)
        {
            while (Batches.Sum(static batch => batch.Rows) < rows)
            {
                await _reported.WaitAsync().WaitAsync(TimeSpan.FromSeconds(30));
            }
        }

        public override void OnBatch(Batcher batcher, in BatchReport batch)
        {
            lock (_gate)
            {
                _batches.Add(new Seen(
                    batch.Rows, batch.CloseReason, batch.Ran, batch.Succeeded, batch.Failed, batch.Cancelled, batch.Dropped, batch.Closed,
                    batch.Started, batch.Ended, batch.Delivered, batch.Resumed(batch.Rows - 1), batch.OldestEnqueued,
                    batch.Enqueued.ToArray(), batch.Origins.ToArray(), batch.Error));
            }

            _reported.Release();
        }

        public override void OnEnded(Batcher batcher, RequestOutcome outcome, int count)
        {
            lock (_gate)
            {
                _ended.Add((outcome, count));
            }
        }
    }

    private sealed record Seen(
        int Rows, BatchCloseReason CloseReason, bool Ran, int Succeeded, int Failed, int Cancelled, int Dropped, long Closed, long Started,
        long Ended, long Delivered, long LastResumed, long OldestEnqueued, long[] Enqueued, ActivityContext[] Origins, Exception? Error);

    private sealed class Thrower : BatchObserver
    {
        public override RequestDetails Details => throw new NotSupportedException();

        public override void OnBatch(Batcher batcher, in BatchReport batch) => throw new NotSupportedException();

        public override void OnEnded(Batcher batcher, RequestOutcome outcome, int count) => throw new NotSupportedException();
    }

    private sealed class WaitsAMillisecond : IBatchPolicy
    {
        private long _until;

        public bool UsesEnqueueTime => true;

        public BatchDecision Decide(in QueueSnapshot queue, long now)
        {
            _until = _until == 0 ? now + queue.ToTimestamp(TimeSpan.FromMilliseconds(1)) : _until;
            return now < _until ? BatchDecision.WaitUntil(_until, 2) : BatchDecision.Dispatch(queue.Waiting);
        }
    }

    private sealed class DropsThrees : IBatchPolicy
    {
        public BatchDecision Decide(in QueueSnapshot queue, long now) =>
            queue.Waiting == 3 ? BatchDecision.Drop(3) : BatchDecision.Dispatch(queue.Waiting);
    }
}
