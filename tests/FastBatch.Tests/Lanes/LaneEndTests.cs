using System.Diagnostics;
using FastBatch.Completion;
using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Tests.Completion;

namespace FastBatch.Tests.Lanes;

/// <summary>Rows whose requests end before they run: late, cancelled, dropped, or because nothing runs any more.</summary>
public sealed partial class LaneEndTests : IAsyncDisposable
{
    private readonly InputRows<int> _rows = new("x", 1);
    private readonly InputRows<long> _others = new("y", 2);
    private readonly Batch _batch = new(8);
    private readonly Batch _late = new(8);
    private readonly Batcher _batcher = new Echo().CreateSquareBatcher();
    private readonly LaneCaller _caller;
    private readonly Lane _lane;

    public LaneEndTests()
    {
        _caller = new LaneCaller(_rows);
        _lane = Make(capacity: 4);
    }

    private Ledger Ledger => _batcher.Ledger;

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    [Fact]
    public void Rows_are_counted_over_all_inputs() => Assert.Equal(4 + 16, Lane.RowBytes([_rows, _others]));

    [Fact]
    public void Deadlines_are_those_of_the_oldest_rows_in_their_order()
    {
        Submit(_lane, 1);
        Close(1);
        _lane.Release(_batch);
        Submit(_lane, 1, deadline: 30);
        Submit(_lane, 2);
        Submit(_lane, 3, deadline: 20);
        LaneCaller.Withdraw(_lane);
        long[] deadlines = [0, 0, 0, 0, -1];
        _lane.ReadDeadlines(deadlines.AsSpan(0, 4));
        Assert.Equal([30, long.MaxValue, 20, long.MaxValue, -1], deadlines);
        Assert.Equal(20, _lane.EarliestDeadline(4));
        Assert.Equal(30, _lane.EarliestDeadline(2));
        Assert.Equal(long.MaxValue, _lane.EarliestDeadline(0));
    }

    [Fact]
    public void Those_with_a_deadline_before_the_cutoff_are_late_and_the_others_keep_their_rows()
    {
        TestRequest first = Submit(_lane, 1, deadline: 19);
        TestRequest second = Submit(_lane, 2, deadline: 20);
        TestRequest third = Submit(_lane, 3, deadline: 21);
        TestRequest fourth = Submit(_lane, 4);
        Assert.Equal(4, _lane.CountWaiting(8));
        _lane.Close(_batch, 4, cutoff: 20, _late);
        Assert.Same(first, Assert.Single(_late.Members.Take(_late.Count)).Request);
        Assert.Equal([(4, fourth), (2, second), (3, third)], Members());
    }

    [Fact]
    public void Rows_of_several_lanes_are_gathered_behind_each_other()
    {
        Lane low = Make(capacity: 4, index: 3);
        _rows.Allocate(RowPlace.Memory(RowPlace.Mixed), 8, zeroes: true);
        using var source = new CancellationTokenSource();
        TestRequest[] high = [Submit(_lane, 1), Submit(_lane, 2, deadline: 5)];
        TestRequest[] lower = [Submit(low, 3), Submit(low, 4, cancellation: source.Token), Submit(low, 5)];
        LaneCaller.Withdraw(low);
        source.Cancel();
        Assert.Equal((2, 4), (_lane.CountWaiting(8), low.CountWaiting(8)));
        int cancelled = 0;
        _batch.Mix();
        int count = _lane.Gather(_batch, RowPlace.Mixed, 0, 2, cutoff: 6, _late, ref cancelled);
        count = low.Gather(_batch, RowPlace.Mixed, count, 4, cutoff: 6, _late, ref cancelled);
        _batch.Close(RowPlace.Mixed, count, Batch.NoTicket, cancelled);
        Assert.Equal((1, 1), (_late.Count, _batch.CancelledBefore));
        Assert.Same(high[1], _late.Members[0].Request);
        Assert.Equal([(1, high[0]), (3, lower[0]), (5, lower[2])], Members());
        Assert.Equal([2, Batch.NoTicket, Batch.NoTicket, 4], _batch.EndTickets[..RowPlace.Priorities]);
        Assert.All(_batch.EndTickets[RowPlace.Priorities..], static ticket => Assert.Equal(Batch.NoTicket, ticket));
    }

    [Fact]
    public void What_has_ended_in_front_gives_its_rows_back_and_the_cancelled_are_counted()
    {
        using var source = new CancellationTokenSource();
        Submit(_lane, 1, cancellation: source.Token);
        LaneCaller.Withdraw(_lane);
        Submit(_lane, 3, cancellation: source.Token);
        Submit(_lane, 4);
        source.Cancel();
        Assert.False(_lane.Ring.HasRoom);
        Assert.Equal(2, _lane.SkipDecided());
        Assert.Equal((3, 3), (_lane.Ring.ReadMark, _lane.Ring.ReleaseMark));
        Assert.True(_lane.Ring.HasRoom);
        Assert.Equal(0, _lane.SkipDecided());
        Assert.Equal(3, _lane.Ring.ReadMark);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Those_that_ended_otherwise_are_left_out_as_well_and_not_counted_as_cancelled(bool gathers)
    {
        _rows.Allocate(RowPlace.Memory(RowPlace.Mixed), 8, zeroes: true);
        TestRequest ended = Submit(_lane, 1);
        TestRequest runs = Submit(_lane, 2);
        Assert.True(ended.TryFail(ended.Ticket, new InvalidDataException(), out _));
        int cancelled = 0;
        if (gathers)
        {
            _batch.Mix();
            _batch.Close(RowPlace.Mixed, _lane.Gather(_batch, RowPlace.Mixed, 0, 2, cutoff: 0, _late, ref cancelled), Batch.NoTicket, cancelled);
        }
        else
        {
            Close(2);
        }

        Assert.Equal([(2, runs)], Members());
        Assert.Equal(0, _batch.CancelledBefore);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_noted_of_a_request_goes_with_its_row(bool gathers)
    {
        Lane lane = Make(capacity: 4, index: 2);
        _rows.Allocate(RowPlace.Memory(RowPlace.Mixed), 8, zeroes: true);
        TestRequest ended = Submit(lane, 1, enqueued: 10);
        TestRequest[] run = [Submit(lane, 2, enqueued: 20), Submit(lane, 3, enqueued: 30)];
        ActivityContext[] origins = [.. run.Select(static _ => new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), default))];
        run[0].NoteOrigin(origins[0]);
        run[1].NoteOrigin(origins[1]);
        Assert.True(ended.TryFail(ended.Ticket, new InvalidDataException(), out _));
        _batch.Observe(RequestDetails.Times | RequestDetails.Origins, maxRows: 8, backlog: 0, timestampFrequency: 1);
        Assert.Equal(3, lane.CountWaiting(8));
        int cancelled = 0;
        if (gathers)
        {
            _batch.Mix();
            _batch.Close(RowPlace.Mixed, lane.Gather(_batch, RowPlace.Mixed, 0, 3, cutoff: 0, _late, ref cancelled), Batch.NoTicket);
        }
        else
        {
            lane.Close(_batch, 3);
        }

        BatchRecord record = _batch.Record!;
        record.Close(_batch.Count, isDropped: false, BatchCloseReason.Full, now: 40);
        Assert.Equal([20, 30], record.Enqueued.ToArray().Order());
        Assert.All(Members().Index(), member => Assert.Equal(
            (member.Item.Value * 10, origins[member.Item.Value - 2]), (record.Enqueued[member.Index], record.Origins[member.Index])));
        Assert.Equal([RequestPriority.Critical, RequestPriority.Critical], [record.Priority(0), record.Priority(1)]);
    }

    [Fact]
    public void A_row_that_comes_is_news_until_it_is_counted()
    {
        Assert.False(_lane.HasNews);
        Submit(_lane, 1);
        Submit(_lane, 2);
        Assert.True(_lane.HasNews);
        Assert.Equal(2, _lane.CountWaiting(8));
        Assert.Equal(2, _lane.Seen);
        Assert.False(_lane.HasNews);
        Submit(_lane, 3);
        Assert.True(_lane.HasNews);
    }

    [Fact]
    public void Only_what_is_published_and_not_released_can_be_looked_at()
    {
        TestRequest request = Submit(_lane, 1);
        Assert.True(_lane.TryClaim(out _) == 1);
        Assert.Same(request, _lane.Ring.TryPeek(0, out long ticket));
        Assert.Equal(request.Ticket, ticket);
        Assert.Null(_lane.Ring.TryPeek(1, out _));
        Assert.Equal(1, _lane.CountWaiting(8));
        _lane.Close(_batch, 1);
        Assert.Same(request, _lane.Ring.TryPeek(0, out _));
        _lane.Release(_batch);
        Assert.Null(_lane.Ring.TryPeek(0, out _));
    }

    [Fact]
    public void With_poison_what_is_given_back_is_unreadable_and_what_is_not_is_not()
    {
        Lane lane = Make(capacity: 4, poisons: true);
        for (int value = 1; value <= 3; value++)
        {
            Submit(lane, value);
        }

        Assert.Equal(3, lane.CountWaiting(8));
        lane.Close(_batch, 2);
        lane.Release(_batch);
        int poison = BitConverter.ToInt32([Lane.PoisonByte, Lane.PoisonByte, Lane.PoisonByte, Lane.PoisonByte]);
        Assert.Equal([poison, poison, 3, 0, 0], Enumerable.Range(0, 5).Select(row => _rows.Row(new RowClaim(0, row))[0]));

        // Past the ring's end.
        Submit(lane, 4);
        Submit(lane, 5);
        Assert.Equal(3, lane.CountWaiting(8));
        lane.Close(_batch, 3);
        Assert.Equal([3, 4, 5], _rows.Rows(_batch).ToArray());
        lane.Release(_batch);
        Assert.Equal([poison, poison, poison], _rows.Rows(_batch).ToArray());
    }

    private Lane Make(int capacity, int index = 0, bool poisons = false) =>
        new([_rows], maxBatchSize: 8, capacity, poisons: poisons, index: index);

    private (int Value, TestRequest Request)[] Members() =>
        [.. _batch.Members.Take(_batch.Count).Select((member, i) => (_rows.Rows(_batch)[i], (TestRequest)member.Request!))];

    private void Close(int rows)
    {
        Assert.True(_lane.CountWaiting(8) >= rows);
        _lane.Close(_batch, rows);
    }

    private TestRequest Submit(
        Lane lane, int value, long deadline = long.MaxValue, long enqueued = 0, CancellationToken cancellation = default) =>
        _caller.Submit(lane, value, deadline, enqueued, cancellation);
}
