using System.Diagnostics;

namespace FastBatch.Tests.Completion;

/// <summary>Whom a request serves next, and that it does not know the one before.</summary>
public partial class PendingRequestTests
{
    [Fact]
    public async Task A_consumed_request_is_used_again_with_another_version()
    {
        TestRequest first = _pool.Rent();
        short version = first.Version;
        Deliver(first, 1);
        await first.Task;
        TestRequest second = _pool.Rent();
        Assert.Same(first, second);
        Assert.NotEqual(version, second.Version);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cancelled_request_is_used_again(bool cancelledBefore)
    {
        using var source = new CancellationTokenSource();
        TestRequest request = _pool.Rent();
        long ticket = request.Ticket;
        if (cancelledBefore)
        {
            await source.CancelAsync();
        }

        Assert.Equal(!cancelledBefore, request.TryListen(source.Token));
        await source.CancelAsync();
        var exception = await Assert.ThrowsAsync<OperationCanceledException>(async () => await request.Task);
        Assert.Equal(source.Token, exception.CancellationToken);
        request.SignOff(ticket);
        Assert.Same(request, _pool.Rent());
    }

    [Fact]
    public async Task A_request_that_its_token_may_still_reach_serves_nobody_else()
    {
        // Its callback has been called, too late for this caller; it may still be about to look at the request.
        using var source = new CancellationTokenSource();
        TestRequest request = _pool.Rent();
        Assert.True(request.TryListen(source.Token));
        Deliver(request, 1);
        source.Cancel();
        Assert.Equal(1, await request.Task);
        Assert.NotSame(request, _pool.Rent());
        Assert.NotSame(request, _pool.Rent());
    }

    [Fact]
    public async Task A_request_that_had_a_token_serves_any_number_of_callers_that_have_none()
    {
        using var source = new CancellationTokenSource();
        TestRequest request = _pool.Rent();
        Assert.True(request.TryListen(source.Token));
        for (int i = 0; i < 3; i++)
        {
            Deliver(request, i);
            Assert.Equal(i, await request.Task);
            Assert.Same(request, _pool.Rent());
        }
    }

    [Fact]
    public async Task A_refusal_resumes_its_caller_with_the_reason()
    {
        TestRequest request = _pool.Rent();
        Task<int> caller = request.Task.AsTask();
        var reason = new InvalidDataException();
        Assert.True(request.TryRefuse(reason));
        Assert.Same(reason, await Assert.ThrowsAsync<InvalidDataException>(() => caller.WaitAsync(TimeSpan.FromSeconds(30))));
    }

    [Fact]
    public async Task A_refusal_comes_too_late_for_one_that_has_left_and_its_request_serves_another()
    {
        using var source = new CancellationTokenSource();
        TestRequest request = _pool.Rent();
        Assert.True(request.TryListen(source.Token));
        source.Cancel();
        Assert.False(request.TryRefuse(new InvalidDataException()));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await request.Task);
        Assert.Same(request, _pool.Rent());
    }

    [Fact]
    public async Task The_trace_of_a_request_is_its_own_and_not_the_next_ones()
    {
        var origin = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);
        TestRequest request = _pool.Rent();
        Assert.Equal(default, request.Origin(request.Ticket));
        request.NoteOrigin(origin);
        Assert.Equal(origin, request.Origin(request.Ticket));
        Deliver(request, 1);
        await request.Task;
        Assert.Same(request, _pool.Rent());
        Assert.Equal(default, request.Origin(request.Ticket));
    }

    [Fact]
    public async Task A_token_cancelled_before_ends_the_request_at_once_and_it_is_recycled()
    {
        TestRequest request = _pool.Rent();
        Assert.False(request.TryListen(new CancellationToken(canceled: true)));
        Assert.True(request.Task.IsCanceled);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await request.Task);
        Assert.Same(request, _pool.Rent());
    }
}
