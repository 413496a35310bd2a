using FastBatch.Scheduling;

namespace FastBatch.Tests.Batchers;

public class SubmitTests
{
    public static TheoryData<bool, bool> Executors => new() { { false, false }, { true, false }, { true, true } };

    [Theory]
    [MemberData(nameof(Executors))]
    public async Task Every_form_of_submit_answers(bool dedicatedThread, bool inlineContinuations)
    {
        await using var batcher = new Echo().CreatePairBatcher(Options(dedicatedThread, inlineContinuations));
        for (long id = 0; id < 300; id++)
        {
            long[] row = [id, id, id, id];
            long[] answer = new long[2];
            await batcher.SubmitAsync(row, answer);
            Assert.Equal([id, id + 1], answer);

            using (RowLease<long> lease = await batcher.SubmitAsync(row))
            {
                Assert.Equal([id, id + 1], lease.Span.ToArray());
            }

            await batcher.SubmitAsync(id, static (id, row) => row.Fill(id), answer);
            Assert.Equal([id, id + 1], answer);

            using (RowLease<long> lease = await batcher.SubmitAsync(id, static (id, row) => row.Fill(id)))
            {
                Assert.Equal([id, id + 1], lease.Span.ToArray());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public async Task Concurrent_callers_get_their_own_answers(bool dedicatedThread, bool inlineContinuations)
    {
        await using var batcher = new Echo().CreatePairBatcher(Options(dedicatedThread, inlineContinuations));
        await Task.WhenAll(Enumerable.Range(0, 100).Select(client => Task.Run(async () =>
        {
            long[] row = new long[4];
            long[] answer = new long[2];
            for (int i = 0; i < 500; i++)
            {
                long id = ((long)client << 32) + i;
                row.AsSpan().Fill(id);
                ValueTask task = batcher.SubmitAsync(row, answer);
                row.AsSpan().Clear(); // the input is the caller's again once SubmitAsync returns
                await task;
                Assert.Equal([id, id + 1], answer);
            }
        })));
    }

    [Fact]
    public async Task A_value_comes_back_by_value()
    {
        await using var batcher = new Echo().CreateSquareBatcher();
        Assert.Equal(49, await batcher.SubmitAsync(7));
        int[] squares = await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => batcher.SubmitAsync(i).AsTask()));
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => i * i), squares);
    }

    [Fact]
    public async Task Several_inputs_and_outputs_of_different_types()
    {
        await using var batcher = Ranking.CreateScoreBatcher();
        var sums = new Half[3];
        (bool isEven, long id) = await batcher.SubmitAsync([1, 2, 3, 10, 20, 30], 41, sums);
        Assert.Equal([(Half)11, (Half)22, (Half)33], sums);
        Assert.False(isEven);
        Assert.Equal(41, id);
    }

    [Fact]
    public async Task Lengths_are_checked_at_submit()
    {
        await using var batcher = new Echo().CreatePairBatcher();
        var input = Assert.Throws<ArgumentException>("ids", () => batcher.SubmitAsync(new long[3], new long[2]));
        Assert.Contains("Echo.Pair: ids has 3 elements; one row has 4", input.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>("answers", () => batcher.SubmitAsync(new long[4], new long[3]));
        Assert.Throws<ArgumentException>("ids", () => batcher.SubmitAsync(default(ReadOnlySpan<long>)));
        Assert.Equal(0, batcher.QueueLength);
        using RowLease<long> lease = await batcher.SubmitAsync(new long[4]);
        Assert.Equal(1, lease.Span[1]);
    }

    [Fact]
    public async Task Rows_wait_together_while_the_device_is_busy()
    {
        var gate = new Gate();
        var sizes = new List<int>();
        await using var batcher = new Echo(count =>
        {
            sizes.Add(count);
            gate.Pass();
        }).CreateSquareBatcher();
        Task<int> first = batcher.SubmitAsync(1).AsTask();
        await gate.ArrivedAsync();
        Task<int>[] more = [.. Enumerable.Range(2, 20).Select(i => batcher.SubmitAsync(i).AsTask())];
        Assert.Equal(20, batcher.QueueLength);
        gate.Open();
        await Task.WhenAll([first, .. more]);
        Assert.Equal([1, 16, 4], sizes);
    }

    [Fact]
    public async Task A_written_row_starts_from_zero()
    {
        await using var batcher = new Echo().CreatePairBatcher(new BatcherOptions { MaxBatchSize = 1, Capacity = 1 });
        long[] answer = new long[2];
        await batcher.SubmitAsync([9, 9, 9, 9], answer);
        await batcher.SubmitAsync(0, static (_, row) => Assert.True(row.IndexOfAnyExcept(0) < 0), answer);
        Assert.Equal([0, 1], answer);
    }

    [Fact]
    public async Task A_row_that_callbacks_promise_to_write_is_left_as_it_is()
    {
        await using var batcher = new Echo().CreatePairBatcher(new BatcherOptions { MaxBatchSize = 1, Capacity = 1, ZeroRows = false });
        long[] answer = new long[2];
        await batcher.SubmitAsync([9, 9, 9, 9], answer);
        await batcher.SubmitAsync(0, static (_, row) => Assert.Equal([9, 9, 9, 9], row.ToArray()), answer);
        Assert.Equal([9, 10], answer);
    }

    [Fact]
    public async Task A_writer_that_throws_ends_its_own_request_only()
    {
        await using var batcher = new Echo().CreatePairBatcher();
        long[] answer = new long[2];
        ValueTask failing = batcher.SubmitAsync(0, static (_, _) => throw new FormatException("bad"), answer);
        ValueTask healthy = batcher.SubmitAsync([3, 3, 3, 3], answer);
        Assert.Equal("bad", (await Assert.ThrowsAsync<FormatException>(async () => await failing)).Message);
        await healthy;
        Assert.Equal([3, 4], answer);
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public async Task A_model_that_throws_faults_its_batch_each_caller_with_an_exception_of_its_own(bool dedicatedThread, bool inlineContinuations)
    {
        var gate = new Gate();
        await using var batcher = new Echo(count =>
        {
            gate.Pass();
            if (count == 5)
            {
                throw new ArithmeticException("overflow");
            }
        }).CreateSquareBatcher(Options(dedicatedThread, inlineContinuations) with { IsolateFaults = false });
        Task<int> before = batcher.SubmitAsync(3).AsTask();
        await gate.ArrivedAsync();
        Task<int>[] batch = [.. Enumerable.Range(0, 5).Select(i => batcher.SubmitAsync(i).AsTask())];
        gate.Open();

        Assert.Equal(9, await before);
        var faults = new List<BatchExecutionException>();
        foreach (Task<int> task in batch)
        {
            faults.Add(await Assert.ThrowsAsync<BatchExecutionException>(() => task));
        }

        Assert.Equal(5, faults.Distinct().Count());
        Assert.All(faults, fault =>
        {
            Assert.IsType<ArithmeticException>(fault.InnerException);
            Assert.Equal("Echo.Square", fault.Batcher);
            Assert.Equal(5, fault.BatchSize);
        });
        Assert.Equal(36, await batcher.SubmitAsync(6));
    }

    [Fact]
    public async Task An_exception_that_cannot_even_say_what_it_is_faults_its_batch()
    {
        await using var batcher = new Echo(_ => throw new Unspeakable()).CreateSquareBatcher();
        var exception = await Assert.ThrowsAsync<BatchExecutionException>(async () => await batcher.SubmitAsync(1));
        Assert.IsType<Unspeakable>(exception.InnerException);
        Assert.Contains("Unspeakable", exception.Message);
    }

    [Fact]
    public async Task A_policy_that_throws_faults_those_it_was_asked_about()
    {
        await using var batcher = new Echo().CreateSquareBatcher(new BatcherOptions { Policy = new BrokenPolicy() });
        var fault = await Assert.ThrowsAsync<BatchExecutionException>(async () => await batcher.SubmitAsync(13));
        Assert.IsType<NotSupportedException>(fault.InnerException);
        Assert.Equal(4, await batcher.SubmitAsync(2));
    }

    [Fact]
    public async Task A_policy_may_drop_requests()
    {
        await using var batcher = new Echo().CreateSquareBatcher(new BatcherOptions { Policy = new DroppingPolicy() });
        await Assert.ThrowsAsync<RequestDroppedException>(async () => await batcher.SubmitAsync(13));
        Assert.Equal(4, await batcher.SubmitAsync(2));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_policy_that_waits_for_callers_is_asked_again_when_they_have_been_resumed(bool dedicatedThread)
    {
        await using var batcher = new Echo().CreateSquareBatcher(
            new BatcherOptions { Policy = new PatientPolicy(), DedicatedThread = dedicatedThread });
        using var submitted = new ManualResetEventSlim();
        using var resumed = new SemaphoreSlim(0);
        async Task FirstAsync()
        {
            await batcher.SubmitAsync(1).ConfigureAwait(false);
            resumed.Release();
            Assert.True(submitted.Wait(TimeSpan.FromSeconds(30)));

            // The device side has long gone to rest when this continuation ends.
            Thread.Sleep(100);
        }

        Task first = Task.Run(FirstAsync);
        await resumed.WaitAsync();
        Task<int> second = batcher.SubmitAsync(3).AsTask();
        submitted.Set();
        Assert.Equal(9, await second.WaitAsync(TimeSpan.FromSeconds(30)));
        await first;
    }

    [Theory]
    [InlineData(null)]
    [InlineData(false)]
    public async Task A_size_or_delay_batcher_waits_for_a_full_batch_or_the_delay(bool? dedicatedThread)
    {
        var sizes = new List<int>();
        await using var batcher = new Echo(sizes.Add).CreateSquareBatcher(
            new BatcherOptions { MaxBatchSize = 4, MaxQueueDelay = TimeSpan.FromMilliseconds(200), DedicatedThread = dedicatedThread });
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => batcher.SubmitAsync(i).AsTask()));
        Assert.Equal([4, 4], sizes);

        long sent = Environment.TickCount64;
        Assert.Equal(81, await batcher.SubmitAsync(9));
        Assert.Equal([4, 4, 1], sizes);
        Assert.True(Environment.TickCount64 - sent >= 190);
    }

    [Fact]
    public async Task A_delay_runs_out_even_if_the_oldest_row_came_to_nothing()
    {
        await using var batcher = new Echo().CreatePairBatcher(new BatcherOptions { MaxQueueDelay = TimeSpan.FromMilliseconds(1) });
        ValueTask failing = batcher.SubmitAsync(0, static (_, _) => throw new FormatException(), new long[2]);
        Task behind = batcher.SubmitAsync(new long[4], new long[2]).AsTask();
        await Assert.ThrowsAsync<FormatException>(async () => await failing);
        await behind.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private static BatcherOptions Options(bool dedicatedThread, bool inlineContinuations) =>
        new() { DedicatedThread = dedicatedThread, InlineContinuations = inlineContinuations };

    private sealed class BrokenPolicy : IBatchPolicy
    {
        private int _asked;

        public BatchDecision Decide(in QueueSnapshot queue, long now) =>
            _asked++ == 0 ? throw new NotSupportedException() : BatchDecision.Dispatch(queue.Waiting);
    }

    private sealed class PatientPolicy : IBatchPolicy
    {
        public BatchDecision Decide(in QueueSnapshot queue, long now) => queue.Resuming > 0
            ? BatchDecision.WaitUntil(long.MaxValue, queue.MaxBatchSize)
            : BatchDecision.Dispatch(queue.Waiting);
    }

    private sealed class Unspeakable : Exception
    {
        public override string Message => throw new NotImplementedException();
    }

    private sealed class DroppingPolicy : IBatchPolicy
    {
        private int _asked;

        public BatchDecision Decide(in QueueSnapshot queue, long now) =>
            _asked++ == 0 ? BatchDecision.Drop(queue.Waiting) : BatchDecision.Dispatch(queue.Waiting);
    }
}
