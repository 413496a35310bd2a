using System.Threading.Tasks.Sources;
using FastBatch.Completion;
using FastBatch.Lanes;

namespace FastBatch.Tests.Completion;

public partial class PendingRequestTests
{
    private static readonly OutputSlab Outputs = new NoOutputs();
    private readonly RequestPool<TestRequest> _pool = new(static () => new TestRequest());

    [Fact]
    public async Task A_delivered_request_has_its_value()
    {
        TestRequest request = _pool.Rent();
        ValueTask<int> task = request.Task;
        Assert.False(task.IsCompleted);
        Deliver(request, 7);
        Assert.True(task.IsCompletedSuccessfully);
        Assert.Equal(7, await task);
    }

    [Fact]
    public async Task A_continuation_registered_first_runs_inside_the_delivery()
    {
        TestRequest request = _pool.Rent();
        int result = 0;
        async Task AwaitAsync() => result = await request.Task.ConfigureAwait(false);
        Task awaiting = AwaitAsync();
        Deliver(request, 3);
        Assert.Equal(3, result);
        await awaiting;
    }

    [Fact]
    public async Task Awaiting_twice_throws_and_never_gives_the_next_callers_result()
    {
        TestRequest request = _pool.Rent();
        ValueTask<int> task = request.Task;
        Deliver(request, 1);
        Assert.Equal(1, await task);

        TestRequest reused = _pool.Rent();
        Assert.Same(request, reused);
        Deliver(reused, 2);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await task);
        Assert.Throws<InvalidOperationException>(() => task.IsCompleted);
        Assert.Equal(2, await reused.Task);
    }

    [Fact]
    public void The_result_of_a_pending_request_cannot_be_taken()
    {
        TestRequest request = _pool.Rent();
        var source = (IValueTaskSource<int>)request;
        Assert.Throws<InvalidOperationException>(() => source.GetResult(request.Version));
    }

    [Fact]
    public void A_second_continuation_is_refused()
    {
        TestRequest request = _pool.Rent();
        request.OnCompleted(static _ => { }, null, request.Version, ValueTaskSourceOnCompletedFlags.None);
        Assert.Throws<InvalidOperationException>(
            () => request.OnCompleted(static _ => { }, null, request.Version, ValueTaskSourceOnCompletedFlags.None));
    }

    [Fact]
    public async Task Of_two_threads_that_take_one_result_one_fails()
    {
        for (int i = 0; i < 2000; i++)
        {
            TestRequest request = _pool.Rent();
            Deliver(request, i);
            var source = (IValueTaskSource<int>)request;
            short version = request.Version;
            using var start = new Barrier(2);
            int Take()
            {
                start.SignalAndWait();
                try
                {
                    return source.GetResult(version);
                }
                catch (InvalidOperationException)
                {
                    return -1;
                }
            }

            int[] results = await Task.WhenAll(Task.Run(Take), Task.Run(Take));
            Assert.Equal([-1, i], results.Order());
        }
    }

    [Fact]
    public async Task A_fault_reaches_its_caller()
    {
        TestRequest request = _pool.Rent();
        var error = new ArithmeticException("no");
        Assert.True(request.TryFail(request.Ticket, error, out Continuation continuation));
        continuation.RunHere();
        Assert.Same(error, await Assert.ThrowsAsync<ArithmeticException>(async () => await request.Task));
    }

    [Fact]
    public async Task What_the_callers_own_memory_throws_is_its_own_fault()
    {
        TestRequest request = _pool.Rent();
        request.OnDeliver = static _ => throw new ObjectDisposedException("memory");
        Deliver(request, 0);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await request.Task);
    }

    [Fact]
    public async Task Cancellation_releases_the_caller_and_the_row_keeps_the_request()
    {
        using var source = new CancellationTokenSource();
        TestRequest request = _pool.Rent();
        Assert.True(request.TryListen(source.Token));
        long ticket = request.Ticket;
        ValueTask<int> task = request.Task;
        source.Cancel();
        Assert.True(task.IsCanceled);
        var canceled = await Assert.ThrowsAsync<OperationCanceledException>(async () => await task);
        Assert.Equal(source.Token, canceled.CancellationToken);

        Assert.False(request.TryDeliver(ticket, Outputs, 0, out _));
        Assert.NotSame(request, _pool.Rent());
    }

    [Fact]
    public async Task A_token_that_fires_late_does_not_reach_the_next_caller()
    {
        using var source = new CancellationTokenSource();
        TestRequest request = _pool.Rent();
        Assert.True(request.TryListen(source.Token));
        Deliver(request, 1);
        Assert.Equal(1, await request.Task);

        TestRequest next = _pool.Rent();
        Assert.Same(request, next);
        source.Cancel();
        Assert.False(next.Task.IsCompleted);
        Deliver(next, 2);
        Assert.Equal(2, await next.Task);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Cancel_and_deliver_race_to_one_outcome(bool awaitFirst)
    {
        int delivered = 0;
        for (int i = 0; i < 3000; i++)
        {
            using var source = new CancellationTokenSource();
            TestRequest request = _pool.Rent();
            Assert.True(request.TryListen(source.Token));
            long ticket = request.Ticket;
            Task<int>? awaiting = awaitFirst ? request.Task.AsTask() : null;
            ValueTask<int> task = awaitFirst ? default : request.Task;

            using var start = new Barrier(2);
            Task cancelling = Task.Run(() =>
            {
                start.SignalAndWait();
                source.Cancel();
            });
            start.SignalAndWait();
            bool won = request.TryDeliver(ticket, Outputs, i, out Continuation continuation);
            if (won)
            {
                continuation.RunHere();
            }
            else
            {
                request.SignOff(ticket);
            }

            try
            {
                Assert.Equal(i, await (awaiting ?? task.AsTask()));
                Assert.True(won);
                delivered++;
            }
            catch (OperationCanceledException)
            {
                Assert.False(won);
            }

            await cancelling;
        }

        Assert.InRange(delivered, 0, 3000);
    }

    [Fact]
    public async Task A_stale_ticket_decides_nothing()
    {
        TestRequest request = _pool.Rent();
        long stale = request.Ticket;
        Deliver(request, 1);
        await request.Task;
        TestRequest next = _pool.Rent();
        Assert.Same(request, next);
        Assert.False(next.TryDeliver(stale, Outputs, 5, out _));
        Assert.False(next.TryFail(stale, new InvalidOperationException(), out _));
        next.SignOff(stale);
        Assert.False(next.Task.IsCompleted);
    }

    [Fact]
    public void A_synchronization_context_gets_its_continuation_posted()
    {
        TestRequest request = _pool.Rent();
        var context = new RecordingContext();
        SynchronizationContext? before = SynchronizationContext.Current;
        try
        {
            SynchronizationContext.SetSynchronizationContext(context);
            request.OnCompleted(static _ => { }, null, request.Version, ValueTaskSourceOnCompletedFlags.UseSchedulingContext);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }

        Deliver(request, 0);
        Assert.Equal(1, context.Posts);
    }

    [Fact]
    public async Task An_async_local_flows_to_the_continuation_and_not_to_the_next()
    {
        var local = new AsyncLocal<string>();
        TestRequest first = _pool.Rent();
        TestRequest second = _pool.Rent();
        string? seen = null;
        async Task AwaitAsync(TestRequest request, string? value)
        {
            local.Value = value!;
            await request.Task.ConfigureAwait(false);
            seen = local.Value;
            local.Value = "changed";
        }

        Task a = AwaitAsync(first, "a");
        Task b = AwaitAsync(second, null);
        Deliver(first, 0);
        Assert.Equal("a", seen);
        Deliver(second, 0);
        Assert.Null(seen);
        await Task.WhenAll(a, b);
        Assert.Null(local.Value);
    }

    private static void Deliver(TestRequest request, int row)
    {
        Assert.True(request.TryDeliver(request.Ticket, Outputs, row, out Continuation continuation));
        continuation.RunHere();
    }

    private sealed class RecordingContext : SynchronizationContext
    {
        public int Posts { get; private set; }

        public override void Post(SendOrPostCallback d, object? state)
        {
            Posts++;
            d(state);
        }
    }
}
