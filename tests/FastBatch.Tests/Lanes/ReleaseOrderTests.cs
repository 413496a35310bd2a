using FastBatch.Lanes;

namespace FastBatch.Tests.Lanes;

/// <summary>Rows of batches that are read in any order go back in the order in which they were taken.</summary>
public class ReleaseOrderTests
{
    private readonly PriorityLanes _lanes = new([], maxBatchSize: 4, new BatcherOptions { Capacity = 64 });

    [Fact]
    public void What_was_read_early_waits_for_what_was_taken_before()
    {
        var order = new ReleaseOrder(_lanes);
        Batch[] batches = [.. Enumerable.Range(0, 4).Select(_ => Take(order, 3))];
        Assert.False(order.IsEmpty);
        order.Read(batches[2]);
        order.Read(batches[1]);
        Assert.Equal(0, _lanes.Normal.Ring.ReleaseMark);
        order.Read(batches[0]);
        Assert.Equal(9, _lanes.Normal.Ring.ReleaseMark);
        Assert.False(order.IsEmpty);
        order.Read(batches[3]);
        Assert.Equal(12, _lanes.Normal.Ring.ReleaseMark);
        Assert.True(order.IsEmpty);
    }

    [Fact]
    public void A_batch_that_was_read_may_be_used_again_before_its_rows_are_back()
    {
        var order = new ReleaseOrder(_lanes);
        Batch first = Take(order, 1);
        var again = new Batch(4);
        for (int i = 0; i < 40; i++)
        {
            Take(order, 1, again);
            order.Read(again);
        }

        Assert.Equal(0, _lanes.Normal.Ring.ReleaseMark);
        order.Read(first);
        Assert.Equal(41, _lanes.Normal.Ring.ReleaseMark);
        Assert.True(order.IsEmpty);
    }

    private Batch Take(ReleaseOrder order, int rows, Batch? batch = null)
    {
        batch ??= new Batch(4);
        for (int i = 0; i < rows; i++)
        {
            long ticket = _lanes.Normal.TryClaim(out int row);
            _lanes.Normal.Publish(new RowClaim(ticket, row), null);
        }

        Assert.Equal(rows, _lanes.CountWaiting(rows));
        _lanes.Close(batch, rows);
        order.Add(batch);
        return batch;
    }
}
