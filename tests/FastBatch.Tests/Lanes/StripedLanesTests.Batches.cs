using FastBatch.Completion;
using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Tests.Completion;

namespace FastBatch.Tests.Lanes;

/// <summary>Of which of Normal's lane and its stripes the next batch has rows.</summary>
public sealed partial class StripedLanesTests
{
    [SeveralProcessorsFact]
    public void A_thread_takes_full_batches_of_its_own_stripe()
    {
        Lane[] stripes = FilledStripes(rows: 2);
        Own(stripes[1]);
        Assert.Equal(2, _lanes.CountWaiting(2));
        Assert.Equal([210, 211], Take(2));
        Assert.Equal((false, stripes[1].Index), (_batch.IsMixed, _batch.LaneIndex));
        _lanes.Release(_batch);
        Own(stripes[0]);
        Assert.Equal([110, 111], CountAndTake());
    }

    [SeveralProcessorsFact]
    public void A_thread_without_a_full_batch_of_its_own_takes_where_most_wait()
    {
        Lane[] stripes = FilledStripes(rows: 3);
        Own(stripes[1]);
        Assert.Equal([210, 211], CountAndTake());

        // One row is left of its own, and three of each other.
        Submit(Normal, 3);
        Assert.Equal([0, 1], CountAndTake());
        Assert.Equal([110, 111], CountAndTake());
        Assert.Equal([2, 3], CountAndTake());

        // Of nobody a full one: what there is is gathered.
        Assert.Equal([112, 212], CountAndTake().Order());
        Assert.True(_batch.IsMixed);
    }

    [SeveralProcessorsTheory]
    [InlineData(7, false)]
    [InlineData(9, true)]
    public void One_with_far_more_rows_goes_first(int rows, bool first)
    {
        // Twice as many rows as its own has and one batch more: no. More than that: yes.
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], 2);
        Submit(stripes[0], 100);
        Submit(stripes[0], 101);
        for (int i = 0; i < rows; i++)
        {
            Submit(Normal, i);
        }

        Own(stripes[0]);
        Assert.Equal(first ? [0, 1] : [100, 101], CountAndTake());
    }

    [SeveralProcessorsTheory]
    [InlineData(2)]
    [InlineData(1)]
    public void One_that_was_passed_over_too_often_goes_first(int rows)
    {
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], 4);
        Lend(stripes[1], 4);
        for (int i = 0; i < rows; i++)
        {
            Submit(stripes[1], 200 + i);
        }

        Own(stripes[0]);
        for (int i = 0; i < PriorityLanes.MostPassedOver; i++)
        {
            Keep(stripes[0], 4);
            Assert.Equal([100, 100], CountAndTake(stripes[0]));
        }

        // Without a full batch its row is gathered with others, itself first.
        Keep(stripes[0], 4);
        Assert.Equal(rows == 2 ? [200, 201] : [200, 100], CountAndTake(stripes[0]));
        Assert.Equal(rows == 1, _batch.IsMixed);

        // And from then on it is not overdue any more.
        Submit(stripes[1], 202);
        Keep(stripes[0], 4);
        Assert.Equal([100, 100], CountAndTake(stripes[0]));
    }

    [SeveralProcessorsFact]
    public void One_that_waits_for_a_row_to_be_written_does_not_hold_up_the_others()
    {
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], 2);
        var slow = new RowClaim(stripes[0].TryClaim(out int row), row);
        Submit(stripes[0], 101);
        Submit(Normal, 1);
        Own(stripes[0]);
        Assert.Equal([1], CountAndTake());
        Assert.Equal(0, _lanes.CountWaiting(2));
        stripes[0].Publish(slow, null);
        Assert.Equal([101], CountAndTake());
    }

    [SeveralProcessorsFact]
    public void What_is_left_in_a_stripe_is_not_forgotten_for_rows_of_Normals_lane_once_there_are_priorities()
    {
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], 1);
        Submit(stripes[0], 100);
        _lanes.Open(RequestPriority.High);
        int batches = 0;
        do
        {
            Keep(Normal, 4);
            batches++;
            Assert.True(batches <= 2 * PriorityLanes.MostPassedOver, $"Its row waits since {batches} batches.");
        }
        while (!CountAndTake().Contains(100));
    }

    [SeveralProcessorsFact]
    public void Deadlines_and_times_are_those_of_the_rows_gathered()
    {
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], 2);
        Lend(stripes[1], 2);
        Submit(Normal, 1, deadline: 50, enqueued: 30);
        Submit(stripes[0], 2, deadline: 20, enqueued: 20);
        Assert.Equal(2, _lanes.CountWaiting(2));
        Assert.Equal((20, 30), _lanes.Enqueued(2));
        Assert.Equal(20, _lanes.EarliestDeadline(2));
        Assert.Equal([20, 50], Deadlines(2).Order());

        // Of a full batch they are its own.
        Submit(stripes[1], 3, deadline: 70, enqueued: 10);
        Submit(stripes[1], 4, deadline: 60, enqueued: 40);
        Own(stripes[1]);
        Assert.Equal(2, _lanes.CountWaiting(2));
        Assert.Equal((10, 40), _lanes.Enqueued(2));
        Assert.Equal((60, 70), (_lanes.EarliestDeadline(2), _lanes.EarliestDeadline(1)));
        Assert.Equal([70, 60], Deadlines(2));
    }

    [SeveralProcessorsFact]
    public void Those_that_would_be_late_and_those_that_were_cancelled_are_left_out()
    {
        using var source = new CancellationTokenSource();
        PriorityLanes lanes = new([_rows], 4, new BatcherOptions { Capacity = 64, TimeProvider = new ManualTime() });
        Lane[] stripes = MakeStripes(lanes);
        LaneCaller.Withdraw(lanes.Normal);
        LaneCaller.Withdraw(lanes.Normal);
        lanes.Normal.Ring.Take(2);
        lanes.Normal.Release(2, borrower: stripes[0], needed: 2);
        var batch = new Batch(4);
        var late = new Batch(4);
        Submit(lanes.Normal, 1, deadline: 9);
        Submit(lanes.Normal, 2, cancellation: source.Token);
        Submit(stripes[0], 3, deadline: 8);
        Submit(stripes[0], 4, deadline: 10);
        source.Cancel();
        Assert.Equal(4, lanes.CountWaiting(4));
        lanes.Choose(4, now: 0);
        lanes.Close(batch, 4, cutoff: 10, late);
        Assert.Equal([4], _rows.Rows(batch).ToArray());
        Assert.Equal((2, 1), (late.Count, batch.CancelledBefore));
        lanes.Release(batch);
        Assert.True(lanes.IsEmpty);
        Assert.Equal(64, lanes.Normal.Ring.Bound);
    }

    [SeveralProcessorsTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_observers_are_told_of_rows_in_stripes_is_theirs(bool mixed)
    {
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], 2);
        Submit(mixed ? Normal : stripes[0], 1, enqueued: 10);
        Submit(stripes[0], 2, enqueued: 20);
        Own(stripes[0]);
        _batch.Observe(RequestDetails.Times, maxRows: 2, backlog: 2, timestampFrequency: 10);
        int[] values = CountAndTake();
        BatchRecord record = _batch.Record!;
        record.Close(_batch.Count, isDropped: false, BatchCloseReason.Full, now: 40);
        Assert.Equal(mixed, _batch.IsMixed);
        Assert.Equal(values.Select(static value => 10L * value), record.Enqueued.ToArray());
        Assert.Equal([RequestPriority.Normal, RequestPriority.Normal], [record.Priority(0), record.Priority(1)]);
    }

    [SeveralProcessorsFact]
    public void A_full_batch_is_one_that_one_lane_has()
    {
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], 2);
        Assert.False(_lanes.HasFullBatch(2));
        Submit(Normal, 1);
        Submit(stripes[0], 2);
        Assert.False(_lanes.HasFullBatch(2));
        Submit(stripes[0], 3);
        Assert.True(_lanes.HasFullBatch(2));
    }

    // Normal's rows are 0 and so on, the first stripe's 110 and so on, the second's 210.
    private Lane[] FilledStripes(int rows)
    {
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], rows);
        Lend(stripes[1], rows);
        for (int i = 0; i < rows; i++)
        {
            Submit(Normal, i);
            Submit(stripes[0], 110 + i);
            Submit(stripes[1], 210 + i);
        }

        return stripes;
    }

    private void Keep(Lane lane, int rows)
    {
        while (lane.Backlog < rows)
        {
            Submit(lane, lane.IsStripe ? 100 : 0);
        }
    }

    private int[] CountAndTake(Lane? borrower = null)
    {
        int rows = _lanes.CountWaiting(MaxBatchSize);
        int[] values = Take(rows);
        _lanes.Release(_batch, borrower);
        return values;
    }

    private long[] Deadlines(int rows)
    {
        long[] deadlines = new long[rows];
        _lanes.Choose(rows, now: 0);
        _lanes.ReadDeadlines(deadlines);
        return deadlines;
    }
}
