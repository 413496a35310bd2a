using FastBatch.Completion;
using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Tests.Completion;

namespace FastBatch.Tests.Lanes;

/// <summary>Rows that wait beside the ring, and what ends without being run.</summary>
public sealed class OverflowTests : IAsyncDisposable
{
    private readonly InputRows<int> _rows = new("x", 2);
    private readonly LaneCaller _caller;
    private readonly Lane _lane;
    private readonly Batch _batch = new(4);
    private readonly Batcher _batcher = new Echo().CreateSquareBatcher();

    public OverflowTests()
    {
        _caller = new LaneCaller(_rows);
        _lane = new Lane([_rows], maxBatchSize: 4, capacity: 4);
    }

    private Ledger Ledger => _batcher.Ledger;

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    [Fact]
    public void Any_number_waits_and_each_keeps_its_row()
    {
        TestRequest[] requests = [.. Enumerable.Range(0, 100).Select(value => Submit(value))];
        Assert.Equal((96, 100, 100), (_lane.Overflow.Waiting, _lane.Backlog, _lane.Submitted));
        for (int first = 0; first < 100; first += 4)
        {
            _lane.Overflow.Refill(_lane);
            Assert.Equal(4, _lane.Ring.CountPublished(4));
            _lane.Close(_batch, 4);
            Assert.Equal([.. Enumerable.Range(first, 4).SelectMany(static value => new[] { value, value })], _rows.Rows(_batch).ToArray());
            Assert.Equal(requests[first..(first + 4)], _batch.Members.Select(static member => member.Request));
            _lane.Release(_batch);
        }

        Assert.True(_lane.Overflow.IsEmpty);
        Assert.Equal(0, _lane.Backlog);
    }

    [Fact]
    public void Memory_for_waiting_rows_is_used_again()
    {
        Assert.True(_lane.Overflow.TryPark(out int first));
        Assert.True(_lane.Overflow.TryPark(out int second));
        Assert.NotEqual(first, second);
        Assert.False(_lane.Overflow.IsEmpty);
        _lane.Overflow.Publish(new RowClaim(-1, first), null);
        Assert.True(_lane.Overflow.TryPark(out int third));
        Assert.Equal(first, third);
        Assert.Equal(0, _lane.Overflow.Waiting);
        _lane.Overflow.Publish(new RowClaim(-1, second), null);
        _lane.Overflow.Publish(new RowClaim(-1, third), null);
        Assert.True(_lane.Overflow.IsEmpty);
    }

    [Fact]
    public void Once_closed_nobody_is_let_in()
    {
        Assert.False(_lane.Overflow.IsClosed);
        _lane.Overflow.Close();
        Assert.True(_lane.Overflow.IsClosed);
        Assert.False(_lane.Overflow.TryPark(out int index));
        Assert.Equal(-1, index);
        Assert.True(_lane.Overflow.IsEmpty);
    }

    [Fact]
    public void All_that_wait_are_ended_as_they_are_told_until_told_no_more()
    {
        TestRequest[] requests = [.. Enumerable.Range(0, 10).Select(value => Submit(value))];
        int left = 7;
        _lane.EndAll(() => left-- > 0 ? new BatcherStalledException("Test", TimeSpan.FromSeconds(1)) : null, RequestOutcome.Stalled, Ledger);
        Assert.Equal(7, Ledger.Count(RequestOutcome.Stalled));
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(i < 7, requests[i].Task.IsFaulted);
        }

        // Those of the ring keep their rows until the device side comes by; the others have given theirs back.
        Assert.Equal((4, 3), (_lane.Ring.CountPublished(4), _lane.Overflow.Waiting));
        _lane.Close(_batch, 4);
        Assert.Equal(0, _batch.Count);
        _lane.Release(_batch);
        _lane.Overflow.Refill(_lane);
        Assert.Equal(3, _lane.Ring.CountPublished(4));
        _lane.Close(_batch, 3);
        Assert.Equal([7, 7, 8, 8, 9, 9], _rows.Rows(_batch).ToArray());
    }

    [Fact]
    public void A_slab_that_no_array_can_hold_is_refused_with_what_to_lower()
    {
        var exception = Assert.Throws<OutOfMemoryException>(static () => new AlignedRows<long>(1 << 20, 1 << 20));
        Assert.Contains("1048576 rows of 1048576 elements do not fit into one slab; lower Capacity or MaxBatchSize", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 7)]
    public void A_row_for_a_callback_is_zeroed_unless_the_user_takes_it_as_it_is(bool zeroes, int left)
    {
        var rows = new InputRows<int>("x", 5);
        _ = new Lane([rows], maxBatchSize: 1, capacity: 4, zeroes);
        var claim = new RowClaim(2, 2);
        rows.Row(claim).Fill(7);
        Assert.Equal([left, left, left, left, left], rows.WritableRow(claim).ToArray());
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(7, 0)]
    [InlineData(8, 1)]
    [InlineData(39, 4)]
    [InlineData(56, 4)]
    public void What_waits_and_what_is_parked_keep_within_the_bound_in_bytes(int maxBytes, int capacity)
    {
        // Rows of 8 bytes.
        var lane = new Lane([new InputRows<int>("x", 2)], maxBatchSize: 4, capacity: 4, maxBytes: maxBytes);
        Assert.Equal(capacity, lane.Capacity);
        int parked = 0;
        while (lane.Overflow.TryPark(out int row))
        {
            parked++;
            Assert.NotEqual(-1, row);
        }

        Assert.Equal((maxBytes / 8) - capacity, parked);
    }

    [Theory]
    [InlineData(9, 0)]
    [InlineData(10, 1)]
    [InlineData(20, 2)]
    public void What_is_parked_ends_at_its_deadline_and_its_row_moves_on_to_be_skipped(long now, int expired)
    {
        Assert.False(_lane.Overflow.Expire(now, "Test", Ledger));
        Fill();
        TestRequest[] requests = [Submit(1, deadline: 10), Submit(2, deadline: 20), Submit(3)];
        Assert.True(_lane.Overflow.Expire(now, "Test", Ledger));
        Assert.Equal(expired, Ledger.Count(RequestOutcome.Expired));
        Assert.All(
            requests[..expired], static request => Assert.Throws<DeadlineExceededException>(() => request.Task.GetAwaiter().GetResult()));
        Assert.All(requests[expired..], static request => Assert.False(request.Task.IsCompleted));

        // Those that have been told may have come back, with the same request, before their rows are skipped.
        TestRequest[] again = [.. Enumerable.Range(0, expired).Select(_ => _caller.Pool.Rent())];
        Assert.Equal(requests[..expired].ToHashSet(), again.ToHashSet());
        Assert.Equal(3, _lane.Overflow.Waiting);
        TakeAll();
        _lane.Overflow.Refill(_lane);
        Assert.Equal(3, _lane.CountWaiting(4));
        _lane.Close(_batch, 3);
        Assert.Equal([.. requests[expired..]], _batch.Members.Take(_batch.Count).Select(static member => member.Request).OrderBy(request => Array.IndexOf(requests, request)));
    }

    [Fact]
    public void When_all_that_is_parked_ends_its_callers_hear_why_unless_they_have_left()
    {
        using var source = new CancellationTokenSource();
        Fill();
        TestRequest[] requests = [Submit(1, cancellation: source.Token), Submit(2), Submit(3)];
        source.Cancel();
        _lane.Overflow.Close();
        _lane.Overflow.FailAll("Test", Ledger);
        Assert.Equal((1, 2), (Ledger.Count(RequestOutcome.Cancelled), Ledger.Count(RequestOutcome.Closed)));
        Assert.Equal([true, false, false], requests.Select(static request => request.Task.IsCanceled));
        Assert.Equal([false, true, true], requests.Select(static request => request.Task.IsFaulted));
        Assert.Equal((0, true), (_lane.Overflow.Waiting, _lane.Overflow.IsEmpty));
    }

    [Fact]
    public void Those_that_have_left_are_counted_as_such_whatever_ends_the_others()
    {
        using var source = new CancellationTokenSource();
        Fill();
        Submit(1, cancellation: source.Token);
        Submit(2);
        source.Cancel();
        _lane.Overflow.EndAll(static () => new BatcherClosedException("Test"), RequestOutcome.Failed, Ledger);
        Assert.Equal((1, 1), (Ledger.Count(RequestOutcome.Cancelled), Ledger.Count(RequestOutcome.Failed)));
        Assert.Equal((0, true), (_lane.Overflow.Waiting, _lane.Overflow.IsEmpty));
    }

    [Fact]
    public void The_oldest_that_makes_way_is_one_that_has_not_ended()
    {
        using var source = new CancellationTokenSource();
        TestRequest[] ring = [Submit(1, cancellation: source.Token), Submit(2), Submit(3, cancellation: source.Token), Submit(4)];
        TestRequest[] parked = [Submit(5, cancellation: source.Token), Submit(6), Submit(7)];
        source.Cancel();
        foreach (TestRequest oldest in (TestRequest[])[ring[1], ring[3], parked[1], parked[2]])
        {
            Assert.False(oldest.Task.IsCompleted);
            _lane.DropOldest("Test", Ledger);
            Assert.Throws<RequestDroppedException>(() => oldest.Task.GetAwaiter().GetResult());
        }

        Assert.Equal((4, 0), (Ledger.Count(RequestOutcome.Dropped), _lane.Overflow.Waiting));
        Assert.True(_lane.Overflow.IsEmpty);

        // What comes once there is room again is the oldest.
        Assert.Equal(2, _lane.SkipDecided());
        TestRequest next = Submit(8);
        TestRequest last = Submit(9);
        _lane.DropOldest("Test", Ledger);
        Assert.Equal((true, false), (next.Task.IsFaulted, last.Task.IsCompleted));
    }

    private void Fill()
    {
        for (int i = 0; i < 4; i++)
        {
            Submit(0);
        }
    }

    private void TakeAll()
    {
        _lane.Close(_batch, _lane.CountWaiting(4));
        _lane.Release(_batch);
    }

    private TestRequest Submit(int value, long deadline = long.MaxValue, CancellationToken cancellation = default) =>
        _caller.Submit(_lane, value, deadline, cancellation: cancellation);
}
