using FastBatch.Lanes;
using FastBatch.Tests.Completion;

namespace FastBatch.Tests.Lanes;

/// <summary>The one bound that Normal's lane and its stripes share.</summary>
public sealed partial class StripedLanesTests
{
    [SeveralProcessorsFact]
    public void The_room_of_a_batch_goes_to_the_stripe_of_its_callers_and_comes_back()
    {
        Lane[] stripes = MakeStripes(_lanes);
        Submit(Normal, 1);
        Submit(Normal, 2);
        CountAndTake(stripes[0]);
        Assert.Equal((Capacity - 2, 2, 2), (Normal.Ring.Bound, stripes[0].Ring.Bound, stripes[0].Ring.Room));

        // Who has room already needs no more.
        Submit(Normal, 3);
        Submit(Normal, 4);
        CountAndTake(stripes[0]);
        Assert.Equal((Capacity - 2, 2), (Normal.Ring.Bound, stripes[0].Ring.Bound));
        Submit(stripes[0], 5);
        Submit(Normal, 6);
        CountAndTake(stripes[1]);
        Assert.Equal((Capacity - 3, 0, 2), (Normal.Ring.Bound + 1 - stripes[0].Ring.Room, stripes[0].Ring.Bound - 1, stripes[1].Ring.Bound));
        Assert.Equal(Capacity, Bounds());

        // Not claimed since, it stays where it is; what is released without a borrower goes back.
        Own(stripes[0]);
        Submit(stripes[0], 7);
        Assert.Equal([7], CountAndTake());
        Assert.Equal(0, stripes[0].Ring.Bound);
        Assert.Equal(Capacity, Bounds());
    }

    [SeveralProcessorsFact]
    public void Room_that_was_lent_is_taken_back_where_no_more_is_to_be_put_into_stripes()
    {
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], 3);
        Lend(stripes[1], 2);
        using var source = new CancellationTokenSource();
        Submit(stripes[0], 6, cancellation: source.Token);
        Submit(stripes[1], 7);
        source.Cancel();
        Assert.Equal(1, _lanes.TakeRoomBack());
        Assert.Equal((0, 0), (stripes[0].Ring.Room, stripes[1].Ring.Room));
        Assert.Equal(Capacity - 2, Normal.Ring.Bound);

        // What is behind a row comes back with it.
        Assert.Equal(2, _lanes.CountWaiting(2));
        Assert.Equal([7], Take(2));
        _lanes.Release(_batch);
        Assert.Equal(Capacity, Normal.Ring.Bound);
    }

    [SeveralProcessorsFact]
    public void A_stripe_is_lent_no_more_than_it_has_rows_for()
    {
        Lane[] stripes = MakeStripes(_lanes);
        int size = stripes[0].Ring.Size;
        for (int i = 0; i < size; i++)
        {
            Lend(stripes[0], 1);
            Submit(stripes[0], i);
        }

        Assert.Equal((size, Capacity - size), (stripes[0].Ring.Bound, Normal.Ring.Bound));
        LaneCaller.Withdraw(Normal);
        Normal.Ring.Take(1);
        Normal.Release(Normal.Ring.ReadMark, borrower: stripes[0], needed: 1);
        Assert.Equal((size, Capacity - size), (stripes[0].Ring.Bound, Normal.Ring.Bound));
    }

    [SeveralProcessorsFact]
    public void A_caller_takes_room_wherever_there_is_some()
    {
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], 1);
        Lend(stripes[1], 1);
        var rows = new HashSet<int>();
        for (int i = 0; i < Capacity; i++)
        {
            Assert.True(_lanes.TryClaimAnywhere(out int row) >= 0);
            Assert.True(rows.Add(row));
        }

        Assert.Equal(Capacity - 2, rows.Count(static row => RowPlace.Lane(row) == 0));
        Assert.Equal([0, 0], [stripes[0].Ring.Room, stripes[1].Ring.Room]);
        Assert.Equal(LaneRing.Full, _lanes.TryClaimAnywhere(out int none));
        Assert.Equal(-1, none);
    }

    [SeveralProcessorsFact]
    public void What_is_parked_moves_to_wherever_there_is_room()
    {
        Lane[] stripes = MakeStripes(_lanes);
        Lend(stripes[0], 2);
        for (int i = 0; i < Capacity; i++)
        {
            Submit(i < Capacity - 2 ? Normal : stripes[0], i);
        }

        Submit(Normal, 100);
        Submit(Normal, 101);
        Submit(Normal, 102);

        // Who comes later lines up, whatever room there is.
        Own(stripes[0]);
        _lanes.CountWaiting(2);
        List<int> order = [.. Take(1)];
        _lanes.Release(_batch, stripes[0]);
        Assert.Equal(1, stripes[0].Ring.Room);
        Assert.Equal(LaneRing.Full, stripes[0].TryClaim(out _));
        Assert.Equal(LaneRing.Full, _lanes.TryClaimAnywhere(out _));
        Assert.Equal(3, Normal.Overflow.Waiting);
        Assert.Equal(0, _lanes.Refill(skips: true));
        Assert.Equal((2, 0), (Normal.Overflow.Waiting, stripes[0].Ring.Room));
        Assert.Equal(0, _lanes.Refill(skips: true));
        while (!_lanes.IsEmpty)
        {
            order.AddRange(CountAndTake(stripes[1]));
            _lanes.Refill(skips: true);
        }

        Assert.Equal([.. Enumerable.Range(0, Capacity), 100, 101, 102], order.Order());
        Assert.Equal(Capacity, Bounds());
    }

    /// <summary>Any order of things, with the count of rows that are out beside it.</summary>
    [SeveralProcessorsTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_bound_is_kept_exactly_whatever_happens(bool parks)
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            int maxBatchSize = random.Next(1, 5);
            int capacity = (2 * Stripes * maxBatchSize) + random.Next(0, 20);
            new RandomOperations(_rows, capacity, maxBatchSize, parks, random).Run(operations: 400, seed);
        }
    }

    private int Bounds() => BoundsOf(_lanes);

    private static int BoundsOf(PriorityLanes lanes)
    {
        int bounds = 0;
        for (int index = 0; index < RowPlace.Lanes; index++)
        {
            bounds += lanes[index]?.Ring.Bound ?? 0;
        }

        return bounds;
    }

    private sealed class RandomOperations(InputRows<int> rows, int capacity, int maxBatchSize, bool parks, Random random)
    {
        private readonly PriorityLanes _lanes = new(
            [rows], maxBatchSize, new BatcherOptions { Capacity = capacity, Checked = random.Next(2) == 0, TimeProvider = new ManualTime() });

        private readonly LaneCaller _caller = new(rows);
        private readonly Batch _batch = new(maxBatchSize);

        // By value, which none has twice: what waits, and whether it was cancelled.
        private readonly Dictionary<int, CancellationTokenSource?> _waiting = [];
        private readonly List<RowClaim> _claims = [];
        private readonly HashSet<int> _read = [];

        // Claimed or taken, in the rings, and not given back.
        private int _out;
        private int _values;
        private Lane[] _stripes = [];

        public void Run(int operations, int seed)
        {
            _stripes = MakeStripes(_lanes);
            for (int i = 0; i < operations; i++)
            {
                Step();
                int room = _stripes.Prepend(_lanes.Normal).Sum(static lane => lane.Ring.Room);
                Assert.True(
                    (BoundsOf(_lanes), room) == (capacity, capacity - _out),
                    $"Seed {seed}, operation {i}: room for {room} and bounds of {BoundsOf(_lanes)}, with {_out} of {capacity} rows out.");
                Assert.All(_stripes, static stripe => Assert.InRange(stripe.Ring.Bound, 0, stripe.Ring.Size));
            }

            _claims.ForEach(Withdraw);
            while (!_lanes.IsEmpty)
            {
                RunBatch(maxBatchSize);
                Refill();
            }

            Assert.Equal((0, capacity), (_out, BoundsOf(_lanes)));
            Assert.All(_waiting, static left => Assert.True(left.Value is { IsCancellationRequested: true }, "A row was never read."));
        }

        private void Step()
        {
            switch (random.Next(10))
            {
                case < 5:
                    Submit();
                    break;
                case 5:
                    Claim();
                    break;
                case 6 when _claims.Count > 0:
                    Withdraw(_claims[0]);
                    _claims.RemoveAt(0);
                    break;
                case 7 when _waiting.Count > 0:
                    _waiting.ElementAt(random.Next(_waiting.Count)).Value?.Cancel();
                    break;
                default:
                    Refill();
                    RunBatch(random.Next(1, maxBatchSize + 1));
                    break;
            }
        }

        private Lane Anyone() => random.Next(3) == 0 ? _lanes.Normal : _stripes[random.Next(_stripes.Length)];

        private void Submit()
        {
            CancellationTokenSource? source = random.Next(4) == 0 ? new CancellationTokenSource() : null;
            TestRequest request = _caller.Pool.Rent();
            if (source is not null)
            {
                Assert.True(request.TryListen(source.Token));
            }

            RowClaim claim = TryClaim();
            if (claim.Ticket < 0)
            {
                if (!parks || !_lanes.Normal.Overflow.TryPark(out int row))
                {
                    return;
                }

                claim = new RowClaim(-1, row);
            }

            int value = ++_values;
            rows.Row(claim).Fill(value);
            _waiting.Add(value, source);
            _lanes[RowPlace.Lane(claim.Row)]!.Publish(claim, request);
        }

        private void Claim()
        {
            if (TryClaim() is { Ticket: >= 0 } claim)
            {
                _claims.Add(claim);
            }
        }

        private RowClaim TryClaim()
        {
            bool hasRoom = _out < capacity && _lanes.Normal.Overflow.IsEmpty;
            long ticket = Anyone().TryClaim(out int row);
            if (ticket < 0)
            {
                ticket = _lanes.TryClaimAnywhere(out row);
            }

            Assert.Equal(hasRoom, ticket >= 0);
            _out += hasRoom ? 1 : 0;
            return new RowClaim(ticket, row);
        }

        private void Withdraw(RowClaim claim) => _lanes[RowPlace.Lane(claim.Row)]!.Publish(claim, null);

        // What has ended in front is given back, and what is parked moves up.
        private void Refill()
        {
            long released = Released();
            int parked = _lanes.Normal.Overflow.Waiting;
            _lanes.Refill(skips: true);
            _out += parked - _lanes.Normal.Overflow.Waiting - (int)(Released() - released);
            Assert.True(_out == capacity || _lanes.Normal.Overflow.Waiting == 0, "Rows are parked though there is room.");
        }

        private void RunBatch(int limit)
        {
            int waiting = _lanes.CountWaiting(limit);
            if (waiting == 0)
            {
                return;
            }

            long released = Released();
            _lanes.Choose(waiting, now: 0);
            _lanes.Close(_batch, waiting);
            Assert.Equal((released, capacity), (Released(), BoundsOf(_lanes)));
            foreach (int value in rows.Rows(_batch))
            {
                Assert.True(_waiting.Remove(value), $"The row {value} is read twice, or nobody's.");
            }

            _lanes.Release(_batch, random.Next(3) == 0 ? null : _stripes[random.Next(_stripes.Length)]);
            Assert.Equal(waiting, Released() - released);
            _out -= waiting;
        }

        private long Released() => _stripes.Prepend(_lanes.Normal).Sum(static lane => lane.Ring.ReleaseMark);
    }
}
