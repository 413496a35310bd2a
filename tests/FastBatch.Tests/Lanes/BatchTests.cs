using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Tests.Completion;

namespace FastBatch.Tests.Lanes;

/// <summary>What a batch knows of its rows while it is used, and that the next use starts from nothing.</summary>
public class BatchTests
{
    private readonly Batch _batch = new(8);

    [Fact]
    public void What_one_use_leaves_behind_the_next_does_not_find()
    {
        _batch.Close(firstRow: 5, count: 4, endTicket: 9, cancelledBefore: 2);
        _batch.Fail(1, 2, new InvalidDataException());
        _batch.Narrow(2, 1);
        _batch.Spoil();
        Assert.True(_batch.IsSpoiled);
        _batch.HasResult = true;
        _batch.CloseEmpty(BatchFate.Late);
        Assert.Equal((0, BatchFate.Late), (_batch.Count, _batch.Fate));
        _batch.Close(firstRow: 6, count: 3, endTicket: 12);
        Assert.Equal((6, 6, 3, 12L, 0), (_batch.FirstRow, _batch.HostRow, _batch.Count, _batch.EndTicket, _batch.CancelledBefore));
        Assert.Equal((BatchFate.Runs, false, false, false), (_batch.Fate, _batch.HasResult, _batch.IsSpoiled, _batch.HasFaults));

        // Nor do rows that nobody has said anything about, when another row fails.
        _batch.Fail(0, 1, new InvalidDataException());
        Assert.All(Enumerable.Range(1, 7), row => Assert.Equal(default, _batch.Fault(row)));
    }

    [Fact]
    public void Each_row_knows_what_was_thrown_when_it_was_run_last_and_beside_how_many()
    {
        _batch.Close(0, 6, 6);
        Assert.Equal(default, _batch.Fault(2));
        Assert.Null(_batch.FirstError);
        Exception all = new InvalidDataException("all");
        Exception part = new InvalidDataException("part");
        _batch.Fail(2, 4, all);
        _batch.Fail(4, 2, part);
        Assert.True(_batch.HasFaults);
        RunFault ofAll = new(all, 4);
        RunFault ofPart = new(part, 2);
        Assert.Equal([default, default, ofAll, ofAll, ofPart, ofPart], Enumerable.Range(0, 6).Select(_batch.Fault));
        Assert.Same(all, _batch.FirstError);
    }

    [Fact]
    public void A_part_of_it_is_a_batch_that_begins_where_its_first_row_lies()
    {
        _batch.Close(RowPlace.First(2) + 5, 4, 9);
        _batch.Narrow(3, 1);
        Assert.Equal((RowPlace.First(2) + 8, RowPlace.First(2) + 5, 3, 1), (_batch.FirstRow, _batch.HostRow, _batch.FirstMember, _batch.Count));
        Assert.Equal((2, false, null), (_batch.LaneIndex, _batch.IsMixed, _batch.Device));
        var device = new PinningDevice();
        _batch.OnDevice = new DeviceRows(device, firstRow: 40, [], []);
        Assert.Equal((43, RowPlace.First(2) + 5), (_batch.FirstRow, _batch.HostRow));
        Assert.Same(device, _batch.Device);
    }

    [Fact]
    public void A_batch_of_several_lanes_has_rows_of_none_until_they_are_gathered()
    {
        _batch.Mix();
        long[] tickets = _batch.EndTickets;
        for (int use = 0; use < 2; use++)
        {
            _batch.Mix();
            Assert.Same(tickets, _batch.EndTickets); // nothing is allocated for each batch
            Assert.Equal(Enumerable.Repeat(Batch.NoTicket, RowPlace.Lanes), _batch.EndTickets);
            _batch.EndTickets[use] = 7;
            _batch.Close(RowPlace.Mixed, 1, Batch.NoTicket);
            Assert.True(_batch.IsMixed);
        }
    }

    [Fact]
    public void Those_that_do_not_run_are_listed_in_their_order()
    {
        _batch.CloseEmpty(BatchFate.Dropped);
        BatchMember[] members = [new(new TestRequest(), 1), new(new TestRequest(), 2)];
        Array.ForEach(members, _batch.Add);
        Assert.Equal(members, _batch.Members.Take(_batch.Count));
    }

    [Fact]
    public void Notes_are_taken_while_there_are_observers_and_always_in_the_same_record()
    {
        Assert.Null(_batch.Record);
        _batch.Observe(RequestDetails.Times, maxRows: 8, backlog: 3, timestampFrequency: 10);
        BatchRecord? record = _batch.Record;
        Assert.Equal((8, 3, 10L), (record!.MaxRows, record.Backlog, record.TimestampFrequency));
        _batch.Ignore();
        Assert.Null(_batch.Record);
        _batch.Observe(RequestDetails.None, maxRows: 4, backlog: 0, timestampFrequency: 10);
        Assert.Same(record, _batch.Record);
        Assert.Equal(4, record.MaxRows);
    }

    [Fact]
    public async Task Its_outputs_stay_with_it_unless_rows_of_them_are_lent()
    {
        await using Batcher batcher = new Echo().CreatePairBatcher();
        _batch.Attach(batcher);
        OutputSlab outputs = _batch.Outputs;
        _batch.Detach();
        _batch.Attach(batcher);
        Assert.Same(outputs, _batch.Outputs);
        RowHandle loan = outputs.Lend(0);
        _batch.Detach();
        _batch.Attach(batcher);
        Assert.NotSame(outputs, _batch.Outputs);

        // The last to let go is the lease: then it serves another batch.
        var other = new Batch(8);
        loan.Dispose();
        other.Attach(batcher);
        Assert.Same(outputs, other.Outputs);
    }

    [Theory]
    [InlineData(FiniteChecks.None, true)]
    [InlineData(FiniteChecks.Inputs, true)]
    [InlineData(FiniteChecks.Outputs, false)]
    public async Task Where_results_must_be_finite_each_is_looked_at_before_it_counts(FiniteChecks checks, bool counts)
    {
        await using Batcher batcher = new Echo().CreatePairBatcher(new BatcherOptions { RequireFinite = checks });
        _batch.Attach(batcher);
        _batch.Close(0, 1, 1);
        _batch.HasResult = true;
        Assert.Equal(counts, _batch.HasResult);
        _batch.HasResult = false;
        Assert.False(_batch.HasResult);
    }
}
