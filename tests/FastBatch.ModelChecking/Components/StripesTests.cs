using FastBatch.Atomics;
using FastBatch.Completion;
using FastBatch.Execution;
using FastBatch.Lanes;

namespace FastBatch.ModelChecking.Components;

/// <summary>
/// Stripes (<see cref="PriorityLanes"/>): Normal's lane and two stripes share one bound, whose room moves with the rows that are given back. Nobody is
/// refused for whom there is room, no more rows are out than the bound, each is read as it was written, and whoever goes to sleep misses none, nor
/// one that is parked while there is room in a stripe.
/// </summary>
public class StripesTests
{
    private const int Capacity = 4;

    [Fact]
    public void As_many_callers_as_there_is_room_for_are_never_refused() => Check.Exhausts(Refuses(back: 0), interruptions: 2, processors: 2);

    [Fact]
    public void Nor_if_their_room_goes_to_another_stripe() => Check.Exhausts(Refuses(back: 1), interruptions: 2, processors: 2);

    [Fact]
    public void Nor_one_that_has_not_heard_of_stripes() => Check.Exhausts(Begins, interruptions: 2, processors: 2);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void No_more_rows_are_out_than_the_bound(int borrower) => Check.Exhausts(Exceeds(borrower), interruptions: 1, processors: 2);

    [Fact]
    public void Who_parks_misses_no_row_in_a_stripe() => Check.Exhausts(Sleeps(inStripe: 1, inNormal: 0), interruptions: 2, processors: 2);

    [Fact]
    public void Who_parks_misses_no_row_in_either() => Check.Exhausts(Sleeps(inStripe: 1, inNormal: 1), interruptions: 1, processors: 2);

    [Fact]
    public void Who_is_parked_moves_into_a_stripe_that_has_room() => Check.Exhausts(Parks, interruptions: 1, processors: 2);

    [Fact]
    public void Room_that_moves_unannounced() => Check.Catches(
        new Twin("moves-unannounced"), "was refused", Refuses(back: 0), processors: 2);

    [Fact]
    public void Moves_announced_too_early() => Check.Catches(
        new Twin(Weakening.RelaxedStore, "PriorityLanes.Stripes.cs", "Announce"), "was refused", Refuses(back: 0), processors: 2);

    [Fact]
    public void A_relaxed_look_for_moves() => Check.Catches(
        new Twin(Weakening.RelaxedRead, "PriorityLanes.Stripes.cs", "TryClaimAnywhere"), "was refused", Refuses(back: 0), processors: 2);

    [Fact]
    public void Room_that_is_lost() => Check.Catches(new Twin("room-lost"), "", Refuses(back: 0), processors: 2);

    [Fact]
    public void A_relaxed_bound() => Check.Catches(
        new Twin(Weakening.RelaxedStore, "LaneRing.cs", "Release", "_room.Bound"), "was refused", Begins, processors: 2);

    [Fact]
    public void A_relaxed_look_at_the_bound() => Check.Catches(
        new Twin(Weakening.RelaxedRead, "LaneRing.cs", "TryClaim", "_room.Bound"), "was refused", Begins, processors: 2);

    [Fact]
    public void Room_that_is_lent_and_kept() => Check.Catches(new Twin("room-lent-and-kept"), "5 rows are out", Exceeds(borrower: 2), processors: 2);

    [Fact]
    public void Rows_released_before_the_bound_is_lower() => Check.Catches(
        new Twin("released-before-bound"), "5 rows are out", Exceeds(borrower: 2), processors: 2);

    [Fact]
    public void A_relaxed_release() => Check.Catches(
        new Twin(Weakening.RelaxedStore, "LaneRing.cs", "Release", "_room.Release"), "race", Exceeds(borrower: 0), processors: 2);

    [Fact]
    public void Sleep_without_a_look_at_stripes() => Check.Catches(
        new Twin("sleep-blind-to-stripes"), "nothing can run", Sleeps(inStripe: 1, inNormal: 0), processors: 2);

    [Fact]
    public void Sleep_without_a_fence_after_the_mark() => Check.Catches(
        new Twin(Weakening.NoFence, "WakeMark.cs", "Set"), "nothing can run", Sleeps(inStripe: 1, inNormal: 0), processors: 2);

    [Fact]
    public void Sleep_beside_room_in_a_stripe() => Check.Catches(
        new Twin("sleep-blind-to-stripes"), "nothing can run", Parks, processors: 2);

    [Fact]
    public void Stripes_that_are_not_refilled() => Check.Catches(new Twin("stripes-not-refilled"), "", Parks, processors: 2);

    // Of four callers two have rows in Normal's lane that are out for good, so that it is full. The third has one in the first stripe, where there is room for
    // another, and comes back when the device side is done with it. The fourth asks meanwhile: there is always room for both, wherever it lies.
    private static Action<Model> Refuses(int back) => model =>
    {
        var lanes = new Striped();
        lanes.Hold(2);
        lanes.Lend(0, 2);
        lanes.Submit(0, lanes.Stripe(0));
        AtomicInt32 isBack = default;
        model.Thread("resumed", () =>
        {
            lanes.Resume(back);
            while (isBack.Read() == 0)
            {
                Model.Spin();
            }

            Model.Require(lanes.TrySubmit(1), "who came back was refused");
        });
        model.Thread("caller", () => Model.Require(lanes.TrySubmit(2), "who asked was refused"));
        model.Thread("device", () =>
        {
            lanes.Had(0);
            Model.Require(lanes.Take(Model.Choose(3)) == 0, "another row than the first");
            isBack.Write(1);
        });
    };

    // Three callers have rows in Normal's lane. Room is lent for the first time, to a stripe that the fourth knows nothing of.
    private static Action<Model> Begins => model =>
    {
        var lanes = new Striped(makes: false);
        for (int id = 0; id < 3; id++)
        {
            lanes.Submit(id, lanes.Lanes.Normal);
        }

        model.Thread("caller", () => Model.Require(lanes.TrySubmit(3), "who asked was refused"));
        model.Thread("device", () =>
        {
            lanes.Lanes.MakeStripes();
            lanes.Lanes.Enter();
            Model.Require(lanes.Take(borrower: 1) == 0, "another row than the first");
            lanes.Lanes.Leave();
        });
    };

    // All room is taken, half of it by rows in a stripe. One is given back, and two would like to have its room.
    private static Action<Model> Exceeds(int borrower) => model =>
    {
        var lanes = new Striped();
        lanes.Hold(2);
        lanes.Lend(0, 2);
        lanes.Submit(0, lanes.Stripe(0));
        lanes.Submit(1, lanes.Stripe(0));
        model.Thread("resumed", () =>
        {
            lanes.Resume(0);
            lanes.TrySubmit(2);
        });
        model.Thread("caller", () => lanes.TrySubmit(3));
        model.Thread("device", () =>
        {
            lanes.Had(0);
            Model.Require(lanes.Take(borrower) == 0, "another row than the first");
        });
    };

    private static Action<Model> Sleeps(int inStripe, int inNormal) => model =>
    {
        var lanes = new Striped();
        lanes.Lend(0, inStripe);
        var device = new Sleeper(lanes, inStripe + inNormal);
        model.Thread("resumed", () =>
        {
            lanes.Resume(0);
            for (int id = 0; id < inStripe; id++)
            {
                Model.Knows(id);
                Model.Require(lanes.TrySubmit(id), "it was refused");
                device.Notice(WakeMark.Always);
            }
        });
        if (inNormal > 0)
        {
            model.Thread("caller", () =>
            {
                Model.Require(lanes.TrySubmit(3), "it was refused");
                device.Notice(0);
            });
        }

        model.Thread("device", () => device.Serve(borrower: 0));
        model.AtEnd(() => Model.Require(device.Served == inStripe + inNormal, "a row was never read"));
    };

    // All room is taken, and the one row that is given back makes room in a stripe alone.
    private static Action<Model> Parks => model =>
    {
        var lanes = new Striped(OverloadMode.Wait);
        lanes.Hold(3);
        lanes.Lend(0, 1);
        lanes.Submit(0, lanes.Stripe(0));
        var device = new Sleeper(lanes, rows: 2);
        model.Thread("caller", () =>
        {
            Lane normal = lanes.Lanes.Normal;
            if (!lanes.TrySubmit(1))
            {
                Model.Require(normal.Overflow.TryPark(out int row), "there is no parked row");
                normal.Publish(new RowClaim(-1, row), lanes.Request(1));
            }

            device.Notice(WakeMark.Always);
        });
        model.Thread("device", () => device.Serve(borrower: 1));
        model.AtEnd(() => Model.Require(device.Served == 2, "a row was never read"));
    };

    /// <summary>Lanes with two stripes, and callers as a batcher's are.</summary>
    private sealed class Striped
    {
        private readonly RequestPool<ModelRequest> _pool = new(static () => new ModelRequest());
        private readonly ModelRequest[] _requests;
        private readonly Batch _batch = new(1);
        private readonly Plain<int>[][] _memory = new Plain<int>[RowPlace.Lanes][];

        // Rows claimed and not given back; and those of them that were claimed through here.
        private readonly HashSet<int> _written = [];
        private int _out;

        public Striped(OverloadMode overload = OverloadMode.Reject, bool makes = true)
        {
            Lanes = new PriorityLanes([], maxBatchSize: 1, new BatcherOptions { Capacity = Capacity, Overload = overload });
            if (makes)
            {
                Lanes.MakeStripes();
                Lanes.Enter();
                Lanes.Leave();
            }

            for (int lane = 0; lane < RowPlace.Lanes; lane++)
            {
                _memory[lane] = new Plain<int>[Capacity];
            }

            // Here: what a thread does with pools is not what is to be seen.
            _requests = [.. Enumerable.Range(0, 4).Select(_ => _pool.Rent())];
        }

        public PriorityLanes Lanes { get; }

        public Lane Stripe(int number) => Lanes[RowPlace.Priorities + number]!;

        public ModelRequest Request(int id) => _requests[id];

        /// <summary>This thread resumes callers of that stripe.</summary>
        public void Resume(int stripe) => PriorityLanes.SetThread(Stripe(stripe), stripe + 1);

        /// <summary>This thread had that stripe, and takes rows from there first.</summary>
        public void Had(int stripe) => PriorityLanes.SetThread(null, stripe + 1);

        /// <summary>Before the threads start: so many rows of Normal's lane are in a batch that does not end.</summary>
        public void Hold(int rows)
        {
            for (int i = 0; i < rows; i++)
            {
                long ticket = Lanes.Normal.TryClaim(out int row);
                Lanes.Normal.Publish(new RowClaim(ticket, row), null);
                _out++;
            }

            Lanes.Normal.Ring.Take(rows);
        }

        /// <summary>Before the threads start: a stripe gets room for so many rows, as of batches whose callers come back to it.</summary>
        public void Lend(int stripe, int rows)
        {
            LaneRing normal = Lanes.Normal.Ring;
            Stripe(stripe).Ring.Release(0, rows);
            normal.Release(normal.ReleaseMark, normal.Bound - rows);
        }

        public void Submit(int id, Lane lane) => Write(id, lane.TryClaim(out int row), row);

        /// <summary>As a batcher does it; false if it is refused.</summary>
        public bool TrySubmit(int id)
        {
            long ticket = Lanes.Current.TryClaim(out int row);
            if (ticket == LaneRing.Full && Lanes.IsStriped)
            {
                ticket = Lanes.TryClaimAnywhere(out row);
            }

            return ticket >= 0 && Write(id, ticket, row);
        }

        /// <summary>Device side: the next row, which is given back: its room to a stripe, counted from 1, or to none. Negative if there is none.</summary>
        public int Take(int borrower)
        {
            if (Lanes.CountWaiting(1) == 0)
            {
                return -1;
            }

            Lanes.Choose(1, now: 0);
            Lanes.Close(_batch, 1);
            int id = Array.IndexOf(_requests, (ModelRequest)_batch.Members[0].Request!);
            if (_written.Contains(id))
            {
                ref Plain<int> cell = ref _memory[RowPlace.Lane(_batch.HostRow)][RowPlace.Index(_batch.HostRow)];
                Model.Require(cell.Get(-1, "row") == id, "another caller's row");
            }

            // Before others can see that it is free: so never counted too high.
            _out--;
            Lanes.Release(_batch, borrower == 0 ? null : Stripe(borrower - 1));
            return id;
        }

        private bool Write(int id, long ticket, int row)
        {
            _out++;
            Model.Require(_out <= Capacity, $"{_out} rows are out");
            _memory[RowPlace.Lane(row)][RowPlace.Index(row)].Set(id, "row");
            _written.Add(id);
            Lanes[RowPlace.Lane(row)]!.Publish(new RowClaim(ticket, row), _requests[id]);
            return true;
        }
    }

    /// <summary>A device thread that takes rows one by one, and parks when there is none.</summary>
    private sealed class Sleeper(Striped lanes, int rows, Batcher batcher) : DeviceExecutor(batcher, lanes.Lanes, batcher.Options)
    {
        // Awake.
        public Sleeper(Striped lanes, int rows)
            : this(lanes, rows, new PassiveBatcher()) => TryTakeUp();

        public int Served { get; private set; }

        public void Serve(int borrower)
        {
            lanes.Had(0);
            while (Served < rows)
            {
                Lanes.Refill(skips: false);
                if (lanes.Take(borrower) >= 0)
                {
                    Served++;
                }
                else
                {
                    Park(long.MaxValue, rows: 1);
                }
            }
        }
    }
}
