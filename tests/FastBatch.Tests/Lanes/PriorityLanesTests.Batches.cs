using FastBatch.Lanes;

namespace FastBatch.Tests.Lanes;

/// <summary>Whose rows the next batch has.</summary>
public sealed partial class PriorityLanesTests
{
    [Fact]
    public void Deadlines_are_those_of_the_rows_that_are_taken_the_highest_first()
    {
        Submit(Normal, 1, deadline: 50);
        Submit(Normal, 2, deadline: 20);
        Assert.Equal(2, _lanes.CountWaiting(8));
        Assert.Equal((50, 20), (_lanes.EarliestDeadline(1), _lanes.EarliestDeadline(2)));
        Assert.Equal([50, 20], Deadlines(2));
        Submit(Low, 3, deadline: 30);
        Submit(Critical, 4, deadline: 40);
        Submit(Critical, 5);
        Assert.Equal(5, _lanes.CountWaiting(8));
        Assert.Equal(20, _lanes.EarliestDeadline(5));
        Assert.Equal([40, long.MaxValue, 50, 20, 30], Deadlines(5));
        Assert.Equal([40, long.MaxValue, 50], Deadlines(3));
        Take(4);
        _lanes.Release(_batch);
        Assert.Equal(1, _lanes.CountWaiting(8));
        Assert.Equal(30, _lanes.EarliestDeadline(1));
    }

    [Fact]
    public void A_batch_has_the_highest_and_of_each_lane_the_oldest()
    {
        Submit(Low, 1);
        Submit(Normal, 2);
        Submit(Normal, 3);
        Submit(High, 4);
        Submit(Critical, 5);
        Submit(Critical, 6);
        Assert.Equal(4, _lanes.CountWaiting(4));
        Take(4);
        Assert.True(_batch.IsMixed);
        Assert.Equal([5, 6, 4, 2], Values());
        _lanes.Release(_batch);
        Assert.Equal([(1, 1), (1, 1), (2, 2), (0, 0)], Enumerable.Range(0, 4).Select(index => _lanes[index]!).Select(static lane => (lane.Ring.ReadMark, lane.Ring.ReleaseMark)));

        // What is left is one lane's in the end, and lies in its memory.
        Assert.Equal(2, _lanes.CountWaiting(4));
        Take(1);
        Assert.False(_batch.IsMixed);
        Assert.Equal([3], Values());
        _lanes.Release(_batch);
        Assert.Equal(1, _lanes.CountWaiting(4));
        Take(1);
        Assert.Equal((false, 3), (_batch.IsMixed, _batch.LaneIndex));
        Assert.Equal([1], Values());
        _lanes.Release(_batch);
        Assert.True(_lanes.IsEmpty);
    }

    [Fact]
    public void Fewer_rows_than_were_chosen_are_the_highest_of_them()
    {
        Submit(Normal, 1);
        Submit(High, 2);
        Submit(High, 3);
        Assert.Equal(3, _lanes.CountWaiting(8));
        _lanes.Choose(3, now: 0);
        _lanes.Close(_batch, 1);
        Assert.Equal([2], Values());
        Assert.Equal((0, 1), (_lanes.Normal.Ring.ReadMark, _lanes.LaneOf(High)!.Ring.ReadMark));
    }

    [Theory]
    [InlineData(AgePeriod - 1, new[] { 1, 2, 3, 4, 5, 6, 7, 8 })]
    [InlineData(AgePeriod, new[] { 1, 2, 3, 4, 5, 6, 7, 100 })]
    public void A_level_whose_oldest_row_has_waited_100_ms_gets_an_eighth(long now, int[] taken)
    {
        PriorityLanes lanes = Make(capacity: 16);
        Submit(Low, 100, enqueued: 0, lanes: lanes);
        Submit(Low, 101, enqueued: 0, lanes: lanes);
        for (int value = 1; value <= 8; value++)
        {
            Submit(Critical, value, enqueued: 0, lanes: lanes);
        }

        Assert.Equal(8, lanes.CountWaiting(8));
        lanes.Choose(8, now);
        lanes.Close(_batch, 8);
        Assert.Equal(taken, Values());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Those_that_would_be_late_and_those_that_were_cancelled_are_left_out(bool several)
    {
        using var source = new CancellationTokenSource();
        Submit(several ? High : Normal, 1, deadline: 9);
        Submit(Normal, 2, cancellation: source.Token);
        Submit(Normal, 3, deadline: 10);
        Submit(several ? Low : Normal, 4);
        source.Cancel();
        Assert.Equal(4, _lanes.CountWaiting(8));
        _lanes.Choose(4, now: 0);
        _lanes.Close(_batch, 4, cutoff: 10, _late);
        Assert.Equal([3, 4], Values().Order());
        Assert.Equal((1, 1), (_late.Count, _batch.CancelledBefore));
        Assert.Equal(9, _late.Members[0].Request!.Deadline);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_rows_in_which_batches_are_gathered_are_poisoned_if_asked_for_and_reserved_once(bool poisons)
    {
        PriorityLanes lanes = Make(poisons: poisons);
        lanes.ReserveMixed();
        Submit(High, 1, lanes: lanes);
        Submit(Low, 2, lanes: lanes);
        Assert.Equal(2, lanes.CountWaiting(8));
        lanes.Choose(2, now: 0);
        lanes.Close(_batch, 2);
        lanes.ReserveMixed();
        Assert.Equal([1, 2], Values());
        lanes.Release(_batch);
        int poison = BitConverter.ToInt32([Lane.PoisonByte, Lane.PoisonByte, Lane.PoisonByte, Lane.PoisonByte]);
        Assert.Equal(poisons ? [poison, poison] : [1, 2], Values());
    }

    [Fact]
    public void The_rows_of_a_batch_are_zeroed_and_no_others()
    {
        Submit(Normal, 1);
        Submit(Normal, 2);
        Submit(Normal, 3);
        Assert.Equal(2, _lanes.CountWaiting(2));
        Take(2);
        _lanes.Clear(_batch);
        Assert.Equal([0, 0], Values());
        Assert.Equal(3, _rows.Row(new RowClaim(2, 2))[0]);
    }
}
