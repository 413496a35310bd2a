using FastBatch.Completion;
using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Tests.Completion;

namespace FastBatch.Tests.Lanes;

/// <summary>Lanes by priority: which there are, what is counted over all of them, and whose rows the next batch has.</summary>
public sealed partial class PriorityLanesTests : IAsyncDisposable
{
    private const RequestPriority Low = RequestPriority.Low;
    private const RequestPriority Normal = RequestPriority.Normal;
    private const RequestPriority High = RequestPriority.High;
    private const RequestPriority Critical = RequestPriority.Critical;

    // Of the time provider that these use: 100 ns.
    private const long AgePeriod = 1_000_000;

    private readonly InputRows<int> _rows = new("x", 1);
    private readonly Batch _batch = new(8);
    private readonly Batch _late = new(8);
    private readonly Batcher _batcher = new Echo().CreateSquareBatcher();
    private readonly LaneCaller _caller;
    private readonly PriorityLanes _lanes;

    public PriorityLanesTests()
    {
        _caller = new LaneCaller(_rows);
        _lanes = Make();
    }

    private Ledger Ledger => _batcher.Ledger;

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    [Fact]
    public void Normals_is_there_and_each_other_from_its_first_use_on()
    {
        Assert.Same(_lanes.Normal, _lanes.Open(Normal));
        Assert.False(_lanes.AreSeveral);
        foreach ((RequestPriority priority, int index) in ((RequestPriority, int)[])[(Low, 3), (High, 1), (Critical, 2)])
        {
            Assert.Null(_lanes.LaneOf(priority));
            Lane lane = _lanes.Open(priority)!;
            Assert.True(_lanes.AreSeveral);
            Assert.Equal((index, priority), (lane.Index, lane.Priority));
            Assert.Same(lane, _lanes.Open(priority));
            Assert.Same(lane, _lanes.LaneOf(priority));
            Assert.Same(lane, _lanes[index]);
        }

        Assert.Equal((0, Normal), (_lanes.Normal.Index, _lanes.Normal.Priority));
    }

    [Theory]
    [InlineData(-2)]
    [InlineData(3)]
    public void A_priority_that_is_none_is_refused_with_its_number(int priority)
    {
        var refusal = Assert.Throws<ArgumentOutOfRangeException>(() => _lanes.Open((RequestPriority)priority));
        Assert.Contains($"must be a defined value; it is {priority}", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Once_closed_no_lane_takes_anything_and_none_is_made()
    {
        Lane high = _lanes.Open(High)!;
        Assert.False(_lanes.IsClosed);
        _lanes.Close();
        Assert.True(_lanes.IsClosed);
        Assert.Null(_lanes.Open(Low));
        Assert.Same(high, _lanes.Open(High));
        foreach (Lane lane in (Lane[])[_lanes.Normal, high])
        {
            Assert.Equal(LaneRing.Closed, lane.TryClaim(out _));
            Assert.False(lane.Overflow.TryPark(out _));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Everything_is_counted_over_all_lanes(bool several)
    {
        Assert.True(_lanes.IsEmpty);
        Submit(Normal, 1);
        Submit(Normal, 2);
        if (several)
        {
            Submit(Low, 3);
            Submit(High, 4);
            Submit(Critical, 5);
            Submit(Critical, 6);
            Submit(Critical, 7);
            Assert.Equal([3, 4, 6, 7], ((RequestPriority[])[Critical, High, Normal, Low]).Select(_lanes.BacklogFrom));
        }

        int rows = several ? 7 : 2;
        Assert.Equal(rows, _lanes.Backlog);
        Assert.Equal((2, 1), (_lanes.CountWaiting(2), _lanes.CountWaiting(1)));
        Assert.Equal(rows, _lanes.CountWaiting(8));
        Assert.Equal((rows, rows, rows - 2), (_lanes.CountedBacklog, _lanes.CountedSubmitted, _lanes.WaitingElsewhere));
        Assert.False(_lanes.IsEmpty);
        Take(rows);
        Assert.Equal((0, 0), (_lanes.Backlog, _lanes.CountWaiting(8)));
        Assert.Equal((0, rows), (_lanes.CountedBacklog, _lanes.CountedSubmitted));
        Assert.False(_lanes.IsEmpty);
        _lanes.Release(_batch);
        Assert.True(_lanes.IsEmpty);
    }

    [Theory]
    [InlineData(Normal)]
    [InlineData(Low)]
    public void A_row_that_is_parked_or_being_written_is_one_that_is_there(RequestPriority priority)
    {
        Lane lane = _lanes.Open(priority)!;
        Assert.True(lane.Overflow.TryPark(out int parked));
        Assert.False(_lanes.IsEmpty);
        lane.Publish(new RowClaim(-1, parked), null);
        Assert.True(_lanes.IsEmpty);
        Assert.Equal(0, lane.TryClaim(out _));
        Assert.False(_lanes.IsEmpty);
    }

    [Theory]
    [InlineData(Normal)]
    [InlineData(Low)]
    public void Rows_that_were_cancelled_make_room_for_those_that_are_parked(RequestPriority priority)
    {
        using var source = new CancellationTokenSource();
        for (int value = 1; value <= 6; value++)
        {
            Submit(priority, value, cancellation: value <= 2 ? source.Token : default);
        }

        Lane lane = _lanes.LaneOf(priority)!;
        source.Cancel();
        Assert.Equal((4, 2), (lane.Ring.Claimed, lane.Overflow.Waiting));
        Assert.Equal(2, _lanes.Refill(skips: true));
        Assert.Equal((6, 0), (lane.Ring.Claimed, lane.Overflow.Waiting));
        Assert.Equal(0, _lanes.Refill(skips: true));
        Assert.Equal(4, _lanes.CountWaiting(8));
        Take(4);
        Assert.Equal([3, 4, 5, 6], Values());
    }

    [Fact]
    public void Rows_parked_beside_different_lanes_are_different_ones()
    {
        for (int i = 0; i < 6; i++)
        {
            Submit(Low, 10 + i);
            Submit(High, 20 + i);
        }

        var answered = new List<int>();
        while (_lanes.CountWaiting(8) is > 0 and int rows)
        {
            Take(rows);
            answered.AddRange(Values());
            _lanes.Release(_batch);
            _lanes.Refill(skips: true);
        }

        Assert.Equal([10, 11, 12, 13, 14, 15, 20, 21, 22, 23, 24, 25], answered.Order());
    }

    [Fact]
    public void The_times_of_what_waits_are_the_oldest_and_the_newest_of_all_lanes()
    {
        Submit(Normal, 1, enqueued: 30);
        Submit(Normal, 2, enqueued: 40);
        Submit(Normal, 3, enqueued: 50);
        Assert.Equal(2, _lanes.CountWaiting(2));
        Assert.Equal((30, 40), _lanes.Enqueued(2));
        Assert.Equal((30, 30), _lanes.Enqueued(1));
        Submit(High, 4, enqueued: 20);
        Submit(High, 5, enqueued: 60);
        Submit(Low, 6, enqueued: 25);
        _lanes.Open(Critical);
        Assert.Equal(6, _lanes.CountWaiting(8));
        Assert.Equal((20, 60), _lanes.Enqueued(6));

        // Rows that are gone count no more, and those not counted yet do not.
        Assert.Equal(2, _lanes.CountWaiting(2));
        Take(2);
        Assert.Equal([4, 5], Values());
        _lanes.Release(_batch);
        Assert.Equal(1, _lanes.CountWaiting(1));
        Assert.Equal((25, 30), _lanes.Enqueued(1));
    }

    [Fact]
    public void When_all_is_to_end_it_does_in_every_lane()
    {
        TestRequest[] requests = [Submit(Normal, 1), Submit(High, 2), Submit(Low, 3)];
        Lane[] written = [_lanes.LaneOf(High)!, _lanes.LaneOf(Low)!];
        RowClaim[] claims = [.. written.Select(static lane => new RowClaim(lane.TryClaim(out int row), row))];
        Assert.False(_lanes.TryFailAll("Test", Ledger));
        Assert.All(requests, static request => Assert.Throws<BatcherClosedException>(() => request.Task.GetAwaiter().GetResult()));
        written[0].Publish(claims[0], null);
        Assert.False(_lanes.TryFailAll("Test", Ledger));
        written[1].Publish(claims[1], null);
        Assert.True(_lanes.TryFailAll("Test", Ledger));
        Assert.Equal(3, Ledger.Count(RequestOutcome.Closed));
    }

    [Fact]
    public void After_a_loss_every_lane_gives_its_rows_back()
    {
        using var source = new CancellationTokenSource();
        TestRequest[] requests = [Submit(Normal, 1), Submit(High, 2), Submit(Low, 3)];
        Submit(Low, 4, cancellation: source.Token);
        Submit(Critical, 5, cancellation: source.Token);
        source.Cancel();
        Assert.Equal(5, _lanes.CountWaiting(8));
        _lanes.Close();
        _lanes.EndAll(static () => new BatcherClosedException("Test"), RequestOutcome.Failed, Ledger);
        Assert.Equal(3, Ledger.Count(RequestOutcome.Failed));
        Assert.All(requests, static request => Assert.True(request.Task.IsFaulted));
        Assert.Equal(2, _lanes.Forfeit());
        Assert.True(_lanes.IsEmpty);
        Assert.Equal(0, _lanes.WaitingElsewhere);
        Assert.False(_lanes.Normal.HasNews);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(10, true)]
    [InlineData(20, false)]
    public void Deadlines_are_watched_as_long_as_any_lane_has_one_to_come(long now, bool watches)
    {
        Assert.False(_lanes.Expire(now, "Test", Ledger));
        TestRequest[] requests = [Submit(High, 1, deadline: 10), Submit(Normal, 2), Submit(High, 3, deadline: 20)];
        Submit(Low, 4);
        Submit(Critical, 5, deadline: 20);
        Assert.Equal(watches, _lanes.Expire(now, "Test", Ledger));
        Assert.Equal([now >= 10, false, now >= 20], requests.Select(static request => request.Task.IsFaulted));
    }

    private PriorityLanes Make(int capacity = 4, bool poisons = false) => new(
        [_rows], maxBatchSize: 8, new BatcherOptions { Capacity = capacity, Checked = poisons, TimeProvider = new ManualTime() });

    private int[] Values() => _rows.Rows(_batch).ToArray();

    private void Take(int rows)
    {
        _lanes.Choose(rows, now: 0);
        _lanes.Close(_batch, rows);
    }

    private long[] Deadlines(int rows)
    {
        long[] deadlines = new long[rows];
        _lanes.Choose(rows, now: 0);
        _lanes.ReadDeadlines(deadlines);
        return deadlines;
    }

    private TestRequest Submit(
        RequestPriority priority, int value, long deadline = long.MaxValue, long enqueued = 0, CancellationToken cancellation = default,
        PriorityLanes? lanes = null) => _caller.Submit((lanes ?? _lanes).Open(priority)!, value, deadline, enqueued, cancellation);
}
