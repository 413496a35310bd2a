using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Tests.Completion;

namespace FastBatch.Tests.Lanes;

/// <summary>What others than the device side end, any thread.</summary>
public sealed partial class LaneEndTests
{
    [Theory]
    [InlineData("closed", typeof(BatcherClosedException))]
    [InlineData("expired", typeof(DeadlineExceededException))]
    [InlineData("dropped", typeof(RequestDroppedException))]
    [InlineData("lost", typeof(BatcherStalledException))]
    public async Task Whatever_ends_a_request_its_caller_is_resumed(string way, Type fault)
    {
        // The last is parked.
        Task<int>[] callers = [.. Enumerable.Range(0, 5).Select(value => Submit(_lane, value, deadline: 10).Task.AsTask())];
        switch (way)
        {
            case "closed":
                Assert.True(_lane.TryFailAll("Test", Ledger));
                break;
            case "expired":
                Assert.True(_lane.Expire(10, "Test", Ledger));
                break;
            case "dropped":
                Array.ForEach(callers, _ => _lane.DropOldest("Test", Ledger));
                break;
            default:
                _lane.EndAll(static () => new BatcherStalledException("Test", TimeSpan.FromSeconds(1)), RequestOutcome.Stalled, Ledger);
                break;
        }

        foreach (Task<int> caller in callers)
        {
            await Assert.ThrowsAsync(fault, () => caller.WaitAsync(TimeSpan.FromSeconds(30)));
        }
    }

    [Fact]
    public void When_all_is_to_end_it_does_but_for_what_is_still_being_written()
    {
        TestRequest taken = Submit(_lane, 1);
        Close(1);
        TestRequest waits = Submit(_lane, 2);
        Assert.Equal(2, _lane.TryClaim(out int row));
        TestRequest behind = Submit(_lane, 4);
        TestRequest parked = Submit(_lane, 5);
        _lane.Overflow.Close();
        _lane.Ring.Close();
        Assert.Equal(LaneRing.Closed, _lane.Ring.TryClaim(out _));
        Assert.False(_lane.TryFailAll("Test", Ledger));
        foreach (TestRequest request in (TestRequest[])[taken, waits, behind, parked])
        {
            Assert.IsType<BatcherClosedException>(Assert.Throws<BatcherClosedException>(() => request.Task.GetAwaiter().GetResult()));
        }

        Assert.Equal(4, Ledger.Count(RequestOutcome.Closed));
        TestRequest late = _caller.Pool.Rent();
        _lane.Publish(new RowClaim(2, row), late);
        Assert.True(_lane.TryFailAll("Test", Ledger));
        Assert.Throws<BatcherClosedException>(() => late.Task.GetAwaiter().GetResult());
        Assert.Equal(5, Ledger.Count(RequestOutcome.Closed));
        Assert.True(_lane.TryFailAll("Test", Ledger));
        Assert.Equal(5, Ledger.Count(RequestOutcome.Closed));
        _lane.Release(_batch);
        Assert.True(_lane.TryFailAll("Test", Ledger));
    }

    [Fact]
    public void Each_newcomer_ends_the_oldest_that_waits_and_none_that_runs()
    {
        TestRequest runs = Submit(_lane, 1);
        Close(1);
        TestRequest[] waiting = [Submit(_lane, 2), Submit(_lane, 3), Submit(_lane, 4)];
        TestRequest[] parked = [Submit(_lane, 5), Submit(_lane, 6)];
        foreach (TestRequest oldest in (TestRequest[])[.. waiting, .. parked])
        {
            Assert.False(oldest.Task.IsCompleted);
            _lane.DropOldest("Test", Ledger);
            Assert.Throws<RequestDroppedException>(() => oldest.Task.GetAwaiter().GetResult());
        }

        _lane.DropOldest("Test", Ledger);
        Assert.Equal(5, Ledger.Count(RequestOutcome.Dropped));
        Assert.False(runs.Task.IsCompleted);
    }

    [Fact]
    public void After_a_loss_every_row_is_given_back_those_that_were_about_to_run_among_them()
    {
        using var source = new CancellationTokenSource();
        TestRequest runs = Submit(_lane, 1, cancellation: source.Token);
        Submit(_lane, 2);
        Close(2);
        Submit(_lane, 3);
        Submit(_lane, 4, cancellation: source.Token);
        source.Cancel();
        _lane.Ring.Close();
        _lane.EndAll(static () => new BatcherClosedException("Test"), RequestOutcome.Failed, Ledger);
        Assert.Equal(2, Ledger.Count(RequestOutcome.Failed));
        Assert.Equal(2, _lane.Forfeit());
        Assert.Equal((4, 4, 4), (_lane.Ring.Claimed, _lane.Ring.ReadMark, _lane.Ring.ReleaseMark));
        Assert.True(runs.Task.IsCanceled);
        Assert.Equal(0, _lane.Forfeit());
    }

    [Fact]
    public void After_a_loss_a_batch_with_nothing_behind_it_is_given_back_as_well()
    {
        Submit(_lane, 1);
        Close(1);
        _lane.EndAll(static () => new BatcherClosedException("Test"), RequestOutcome.Failed, Ledger);
        Assert.Equal(0, _lane.Ring.ReleaseMark);
        Assert.Equal(0, _lane.Forfeit());
        Assert.Equal(1, _lane.Ring.ReleaseMark);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(10, true)]
    [InlineData(20, false)]
    public void Rows_whose_deadline_has_passed_end_and_others_are_watched_on(long now, bool watches)
    {
        TestRequest first = Submit(_lane, 1, deadline: 10);
        TestRequest second = Submit(_lane, 2, deadline: 20);
        TestRequest endless = Submit(_lane, 3);
        Assert.Equal(watches, _lane.Expire(now, "Test", Ledger));
        Assert.Equal((now >= 10, now >= 20, false), (first.Task.IsFaulted, second.Task.IsFaulted, endless.Task.IsCompleted));
        Assert.Equal(now / 10, Ledger.Count(RequestOutcome.Expired));
        Assert.Equal(watches && now < 20, _lane.Expire(now, "Test", Ledger));
        Assert.True(_lane.TryClaim(out _) >= 0);
        Assert.True(_lane.Expire(now, "Test", Ledger)); // one is being written
    }
}
