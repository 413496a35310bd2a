using FastBatch.Completion;
using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Tests.Completion;

namespace FastBatch.Tests.Lanes;

/// <summary>Rows that wait beside the ring, and what ends without being run.</summary>
public class OverflowTests
{
    private readonly InputRows<int> _rows = new("x", 2);
    private readonly RequestPool<TestRequest> _pool = new(static () => new TestRequest());
    private readonly Lane _lane;
    private readonly Batch _batch = new(4);

    public OverflowTests() => _lane = new Lane([_rows], maxBatchSize: 4, capacity: 4);

    [Fact]
    public void Any_number_waits_and_each_keeps_its_row()
    {
        TestRequest[] requests = [.. Enumerable.Range(0, 100).Select(Submit)];
        Assert.Equal((96, 100), (_lane.Overflow.Waiting, _lane.Backlog));
        for (int first = 0; first < 100; first += 4)
        {
            _lane.Overflow.Refill(_lane.Ring);
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
        _lane.Overflow.Close();
        Assert.False(_lane.Overflow.TryPark(out int index));
        Assert.Equal(-1, index);
        Assert.True(_lane.Overflow.IsEmpty);
    }

    [Fact]
    public async Task All_that_wait_are_ended_as_they_are_told_until_told_no_more()
    {
        TestRequest[] requests = [.. Enumerable.Range(0, 10).Select(Submit)];
        await using var batcher = new Echo().CreateSquareBatcher();
        int left = 7;
        _lane.EndAll(() => left-- > 0 ? new BatcherStalledException("Test", TimeSpan.FromSeconds(1)) : null, RequestOutcome.Stalled, batcher.Ledger);
        Assert.Equal(7, batcher.Ledger.Count(RequestOutcome.Stalled));
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(i < 7, requests[i].Task.IsFaulted);
        }

        // Those of the ring keep their rows until the device side comes by; the others have given theirs back.
        Assert.Equal((4, 3), (_lane.Ring.CountPublished(4), _lane.Overflow.Waiting));
        _lane.Close(_batch, 4);
        Assert.Equal(0, _batch.Count);
        _lane.Release(_batch);
        _lane.Overflow.Refill(_lane.Ring);
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

    private TestRequest Submit(int value)
    {
        TestRequest request = _pool.Rent();
        long ticket = _lane.TryClaim(out int row);
        if (ticket == LaneRing.Full)
        {
            Assert.True(_lane.Overflow.TryPark(out row));
            ticket = -1;
        }

        var claim = new RowClaim(ticket, row);
        Assert.Equal(ticket < 0, claim.IsParked);
        _rows.Row(claim).Fill(value);
        _lane.Publish(claim, request);
        return request;
    }
}
