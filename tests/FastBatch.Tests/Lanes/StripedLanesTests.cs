using FastBatch.Completion;
using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Tests.Completion;

namespace FastBatch.Tests.Lanes;

/// <summary>Stripes of Normal's lane: when there are any, who has which, and what reaches the rows in them.</summary>
public sealed partial class StripedLanesTests : IAsyncDisposable
{
    private const int Capacity = 16;
    private const int MaxBatchSize = 2;

    private readonly InputRows<int> _rows = new("x", 1);
    private readonly Batch _batch = new(MaxBatchSize);
    private readonly Batch _late = new(MaxBatchSize);
    private readonly Batcher _batcher = new Echo().CreateSquareBatcher();
    private readonly LaneCaller _caller;
    private readonly PriorityLanes _lanes;

    public StripedLanesTests()
    {
        _caller = new LaneCaller(_rows);
        _lanes = Make(new BatcherOptions());
    }

    private static int Stripes => Math.Min(RowPlace.Lanes - RowPlace.Priorities, Environment.ProcessorCount);

    private Lane Normal => _lanes.Normal;

    private Ledger Ledger => _batcher.Ledger;

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    [SeveralProcessorsTheory]
    [InlineData(0, true)]
    [InlineData(-1, false)]
    public void There_are_stripes_if_each_has_room_for_two_batches(int more, bool has)
    {
        PriorityLanes lanes = Make(new BatcherOptions(), (2 * Stripes * MaxBatchSize) + more);
        lanes.MakeStripes();
        Assert.Equal((has, has), (lanes.Enter() is not null, lanes.IsStriped));
        Assert.Equal(has, lanes.AreSeveral);
        Assert.False(lanes.HaveLevels);
    }

    [SeveralProcessorsTheory]
    [InlineData(0, true)]
    [InlineData(-1, false)]
    public void There_are_stripes_if_the_bound_in_bytes_leaves_room_for_as_many_rows_again(int more, bool has)
    {
        PriorityLanes lanes = Make(new BatcherOptions { MaxQueueBytes = (2 * Capacity * sizeof(int)) + more });
        lanes.MakeStripes();
        Assert.Equal((Capacity, has), (lanes.Normal.Capacity, lanes.Enter() is not null));
    }

    [SeveralProcessorsTheory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public void There_are_stripes_up_to_16_MB_of_rows(int more, bool has)
    {
        var rows = new InputRows<int>("wide", (16 << 20) / sizeof(int) / Capacity + more);
        var lanes = new PriorityLanes([rows], MaxBatchSize, new BatcherOptions { Capacity = Capacity, ZeroRows = false });
        lanes.MakeStripes();
        Assert.Equal(has, lanes.Enter() is not null);
    }

    [SeveralProcessorsFact]
    public void There_are_no_stripes_once_closed()
    {
        _lanes.Close();
        _lanes.MakeStripes();
        Assert.Null(_lanes.Enter());
        Assert.Equal((false, false), (_lanes.IsStriped, _lanes.AreSeveral));
    }

    [SeveralProcessorsFact]
    public void Stripes_are_made_once_behind_the_priorities_lanes_and_without_room()
    {
        Assert.Equal((false, false), (_lanes.IsStriped, _lanes.AllStripesTaken));
        Lane[] stripes = MakeStripes(_lanes);
        Assert.Equal(Stripes, stripes.Length);
        Assert.Equal(stripes, MakeStripes(_lanes));
        Assert.Equal((true, true, false), (_lanes.IsStriped, _lanes.AreSeveral, _lanes.HaveLevels));
        for (int i = 0; i < stripes.Length; i++)
        {
            Lane stripe = stripes[i];
            Assert.Same(stripe, _lanes[RowPlace.Priorities + i]);
            Assert.Equal((RowPlace.Priorities + i, RequestPriority.Normal), (stripe.Index, stripe.Priority));
            Assert.Equal((true, true, false), (stripe.IsStripe, stripe.IsStripeOf(Normal), stripe.IsStripeOf(stripe)));
            Assert.Equal((0, 0), (stripe.Ring.Bound, stripe.Ring.Room));
            Assert.True(stripe.Ring.Size >= 2 * MaxBatchSize);
            Assert.Equal(LaneRing.Full, stripe.TryClaim(out _));
        }

        Assert.Equal((Capacity, false, false), (Normal.Ring.Bound, Normal.IsStripe, Normal.IsStripeOf(Normal)));
        Assert.False(stripes[0].IsStripeOf(Make(new BatcherOptions()).Normal));
    }

    [SeveralProcessorsFact]
    public void A_thread_submits_to_the_stripe_it_has_and_gets_the_same_again()
    {
        Assert.Same(Normal, _lanes.Current);
        Lane[] stripes = MakeStripes(_lanes);
        Assert.Same(Normal, _lanes.Current);
        PriorityLanes others = Make(new BatcherOptions());
        MakeStripes(others);
        foreach (Lane stripe in Enumerable.Reverse(stripes))
        {
            Own(stripe);
            Assert.Same(stripe, _lanes.Enter());
            Assert.Same(stripe, _lanes.Enter());
            Assert.Same(stripe, _lanes.Current);
            using (var visitor = new Visitor(_lanes))
            {
                Assert.NotSame(stripe, visitor.Stripe);
            }

            // Another batcher's lanes have nothing to do with it.
            Assert.Same(others.Normal, others.Current);
            others.Leave();
            Assert.Same(stripe, _lanes.Current);
            _lanes.Leave();
            Assert.Same(Normal, _lanes.Current);
            _lanes.Leave();
            Assert.False(_lanes.AllStripesTaken);
        }
    }

    [SeveralProcessorsFact]
    public void No_two_threads_have_the_same_stripe()
    {
        Lane[] stripes = MakeStripes(_lanes);
        Visitor[] visitors = [.. stripes.Select(_ => new Visitor(_lanes))];
        Assert.Equal(stripes, visitors.Select(static visitor => visitor.Stripe!).OrderBy(static stripe => stripe.Index));
        foreach (Visitor visitor in visitors)
        {
            Assert.True(_lanes.AllStripesTaken);
            Assert.Null(_lanes.Enter());
            visitor.Dispose();
            Assert.False(_lanes.AllStripesTaken);
            Assert.Same(visitor.Stripe, _lanes.Enter());
            Assert.True(_lanes.AllStripesTaken);
            _lanes.Leave();
            _ = new Visitor(_lanes);
        }
    }

    [SeveralProcessorsTheory]
    [InlineData(OverloadMode.Reject, true)]
    [InlineData(OverloadMode.Wait, true)]
    [InlineData(OverloadMode.DropOldest, false)]
    public void Rows_are_put_into_stripes_unless_it_matters_which_is_the_oldest(OverloadMode overload, bool may)
    {
        Assert.False(_lanes.MayStripe(overload));
        MakeStripes(_lanes);
        Assert.Equal(may, _lanes.MayStripe(overload));
        Assert.True(Normal.Overflow.TryPark(out int parked));
        Assert.False(_lanes.MayStripe(overload));
        Normal.Publish(new RowClaim(-1, parked), null);
        Assert.Equal(may, _lanes.MayStripe(overload));
        _lanes.Open(RequestPriority.Low);
        Assert.False(_lanes.MayStripe(overload));
    }

    [SeveralProcessorsFact]
    public void Rows_in_stripes_are_counted_as_Normals()
    {
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], 2);
        Lend(stripes[1], 1);
        Submit(Normal, 1);
        Submit(stripes[0], 2);
        Submit(stripes[0], 3);
        Submit(stripes[1], 4);
        Assert.Equal((7, 4), _lanes.Count(RequestPriority.Normal));
        Assert.Equal((0, 0), _lanes.Count(RequestPriority.High));
        Assert.Equal((4, 4), (_lanes.Backlog, _lanes.BacklogFrom(RequestPriority.Normal)));
        Assert.Equal(0, _lanes.BacklogFrom(RequestPriority.High));
        Assert.False(_lanes.IsEmpty);
        Assert.True(_lanes.HasNewsElsewhere);
        Own(stripes[0]);
        Assert.Equal(2, _lanes.CountWaiting(2));
        Assert.Equal((4, 7, 2), (_lanes.CountedBacklog, _lanes.CountedSubmitted, _lanes.WaitingElsewhere));
        Assert.Equal([2, 3], Take(2));
        Assert.Equal((7, 2), _lanes.Count(RequestPriority.Normal));
        _lanes.Release(_batch);
        Assert.Equal(2, _lanes.CountWaiting(2));
        Assert.Equal((2, 7, 1), (_lanes.CountedBacklog, _lanes.CountedSubmitted, _lanes.WaitingElsewhere));
        Assert.False(_lanes.HasNewsElsewhere);
        Assert.Equal([1, 4], Take(2).Order());
        _lanes.Release(_batch);
        Assert.True(_lanes.IsEmpty);
        Assert.Equal((7, 0), _lanes.Count(RequestPriority.Normal));
    }

    [SeveralProcessorsFact]
    public void Once_closed_no_stripe_takes_anything()
    {
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], 1);
        _lanes.Close();
        Assert.All(stripes, static stripe => Assert.Equal(LaneRing.Closed, stripe.TryClaim(out _)));
        Assert.Equal(LaneRing.Closed, _lanes.TryClaimAnywhere(out _));
    }

    [SeveralProcessorsFact]
    public void When_all_is_to_end_it_does_in_every_stripe()
    {
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], 2);
        Lend(stripes[1], 1);
        TestRequest[] requests = [Submit(Normal, 1), Submit(stripes[0], 2), Submit(stripes[1], 3)];
        var claim = new RowClaim(stripes[0].TryClaim(out int row), row);
        Assert.False(_lanes.TryFailAll("Test", Ledger));
        Assert.All(requests, static request => Assert.Throws<BatcherClosedException>(() => request.Task.GetAwaiter().GetResult()));
        stripes[0].Publish(claim, null);
        Assert.True(_lanes.TryFailAll("Test", Ledger));
        Assert.Equal(3, Ledger.Count(RequestOutcome.Closed));
    }

    [SeveralProcessorsFact]
    public void After_a_loss_every_stripe_gives_its_rows_and_its_room_back()
    {
        using var source = new CancellationTokenSource();
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], 2);
        Lend(stripes[1], 2);
        TestRequest[] requests = [Submit(Normal, 1), Submit(stripes[0], 2), Submit(stripes[1], 3)];
        Submit(stripes[0], 4, cancellation: source.Token);
        Submit(stripes[1], 5, cancellation: source.Token);
        source.Cancel();
        Own(stripes[0]);
        Assert.Equal(2, _lanes.CountWaiting(2));
        _lanes.Choose(2, now: 0);
        _lanes.Close(_batch, 1);
        _lanes.Close();
        _lanes.EndAll(static () => new BatcherClosedException("Test"), RequestOutcome.Failed, Ledger);
        Assert.Equal(3, Ledger.Count(RequestOutcome.Failed));
        Assert.All(requests, static request => Assert.True(request.Task.IsFaulted));
        Assert.Equal(2, _lanes.Forfeit());
        Assert.True(_lanes.IsEmpty);
        Assert.False(_lanes.HasNewsElsewhere);
        Assert.Equal(Capacity, Normal.Ring.Bound);
    }

    [SeveralProcessorsTheory]
    [InlineData(9, true, 0)]
    [InlineData(10, true, 1)]
    [InlineData(20, false, 2)]
    public void Deadlines_of_rows_in_stripes_are_watched(long now, bool watches, int expired)
    {
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], 1);
        Lend(stripes[1], 2);
        Submit(stripes[0], 1, deadline: 10);
        Submit(stripes[1], 2, deadline: 20);
        Submit(stripes[1], 3);
        Assert.Equal(watches, _lanes.Expire(now, "Test", Ledger));
        Assert.Equal(expired, Ledger.Count(RequestOutcome.Expired));
    }

    [SeveralProcessorsFact]
    public void Of_what_has_ended_in_front_a_thread_gives_back_Normals_and_its_own()
    {
        using var source = new CancellationTokenSource();
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], 1);
        Lend(stripes[1], 1);
        Submit(Normal, 1, cancellation: source.Token);
        Submit(stripes[0], 2, cancellation: source.Token);
        Submit(stripes[1], 3, cancellation: source.Token);
        source.Cancel();
        Own(stripes[0]);
        Assert.Equal(0, _lanes.Refill(skips: false));
        Assert.Equal(2, _lanes.Refill(skips: true));
        Assert.Equal((0, 0, 1), (Normal.Backlog, stripes[0].Backlog, stripes[1].Backlog));

        // The other's is found when it is taken.
        Assert.Equal(1, _lanes.CountWaiting(2));
        Assert.Empty(Take(1));
        Assert.Equal(1, _batch.CancelledBefore);
        _lanes.Release(_batch);
        Assert.Equal(Capacity, Normal.Ring.Bound);
    }

    private static Lane[] MakeStripes(PriorityLanes lanes)
    {
        lanes.MakeStripes();
        return [.. Enumerable.Range(RowPlace.Priorities, RowPlace.Lanes - RowPlace.Priorities).Select(index => lanes[index]).OfType<Lane>()];
    }

    private PriorityLanes Make(BatcherOptions options, int capacity = Capacity) =>
        new([_rows], MaxBatchSize, options with { Capacity = capacity, TimeProvider = new ManualTime() });

    // From now on this thread takes batches from there first.
    private void Own(Lane stripe)
    {
        _lanes.Leave();
        Visitor[] visitors = [.. MakeStripes(_lanes).Select(_ => new Visitor(_lanes))];
        Array.Find(visitors, visitor => visitor.Stripe == stripe)!.Dispose();
        Assert.Same(stripe, _lanes.Enter());
        _lanes.Leave();
        Array.ForEach(visitors, static visitor => visitor.Dispose());
    }

    // As a batch does whose callers come back to the stripe.
    private void Lend(Lane stripe, int rows)
    {
        for (int i = 0; i < rows; i++)
        {
            LaneCaller.Withdraw(Normal);
            Normal.Ring.Take(1);
            Normal.Release(Normal.Ring.ReadMark, borrower: stripe, needed: stripe.Ring.Room + 1);
        }
    }

    private int[] Take(int rows)
    {
        _lanes.Choose(rows, now: 0);
        _lanes.Close(_batch, rows);
        return _rows.Rows(_batch).ToArray();
    }

    private TestRequest Submit(
        Lane lane, int value, long deadline = long.MaxValue, long enqueued = 0, CancellationToken cancellation = default) =>
        _caller.Submit(lane, value, deadline, enqueued, cancellation);

    /// <summary>Another thread, which has a stripe, if there is one free, until this is disposed of.</summary>
    private sealed class Visitor : IDisposable
    {
        private readonly ManualResetEventSlim _leaves = new();
        private readonly Thread _thread;

        public Visitor(PriorityLanes lanes)
        {
            using var entered = new ManualResetEventSlim();
            _thread = new Thread(() =>
            {
                Stripe = lanes.Enter();
                entered.Set();
                _leaves.Wait();
                lanes.Leave();
            })
            { IsBackground = true };
            _thread.Start();
            entered.Wait();
        }

        public Lane? Stripe { get; private set; }

        public void Dispose()
        {
            _leaves.Set();
            _thread.Join();
        }
    }
}
