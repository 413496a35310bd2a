using FastBatch.Atomics;
using FastBatch.Execution;
using FastBatch.Execution.Streams;
using FastBatch.Lanes;

namespace FastBatch.ModelChecking.Components;

/// <summary>
/// Rows of one ring that two devices take and read at once: they go back in order (<see cref="ReleaseOrder"/>), whoever has the lanes sleeps with
/// the wake mark set, and is called when the other has read rows that somebody waits for. A row is its caller's, then that of the device that reads
/// it, then the next caller's; all are read, and nobody is left asleep. The device threads do what <see cref="DeviceLine"/> does with these, and
/// nothing else.
/// </summary>
public class DeviceRowsTests
{
    [Fact]
    public void Rows_read_out_of_order_are_free_in_order() => Check.Exhausts(Rows(rows: 3), interruptions: 1);

    [Fact]
    public void Two_devices_miss_no_row() => Check.Exhausts(Rows(rows: 2), interruptions: 1);

    [Fact]
    public void A_sleeper_that_is_called_looks_again() => Check.Exhausts(Calls);

    [Fact]
    public void Sleep_while_called() => Check.Catches(new Twin("sleep-while-called"), "asleep", Calls);

    [Fact]
    public void A_call_without_a_fence() => Check.Catches(
        new Twin(Weakening.NoFence, "DeviceExecutor.Sleep.cs", "Call"), "asleep", Calls);

    [Fact]
    public void Rows_free_before_they_are_read() => Check.Catches(new Twin("rows-back-before-they-are-read"), "race", Rows(rows: 3));

    [Fact]
    public void Sleep_without_a_fence_after_the_mark() => Check.Catches(
        new Twin(Weakening.NoFence, "WakeMark.cs", "Set"), "asleep", Rows(rows: 2));

    private static Action<Model> Rows(int rows) => model =>
    {
        var batcher = new PassiveBatcher();
        var lanes = new PriorityLanes([], maxBatchSize: 1, new BatcherOptions { Capacity = 2 });
        var devices = new Devices(batcher, lanes);
        model.Thread("caller", () =>
        {
            for (int i = 0; i < rows; i++)
            {
                Model.Knows(i);
                long ticket;
                int row;
                while ((ticket = lanes.Normal.TryClaim(out row)) < 0)
                {
                    Model.Spin();
                }

                devices.Rows[row].Set(i, "row");
                lanes.Normal.Publish(new RowClaim(ticket, row), null);
                devices.Notice(ticket);
            }
        });
        model.Thread("device 0", () => devices.Serve(0), isBackground: true);
        model.Thread("device 1", () => devices.Serve(1), isBackground: true);
        model.AtEnd(() =>
        {
            Model.Require(lanes.Normal.Ring.ReadMark == rows, $"{lanes.Normal.Ring.ReadMark} of {rows} rows were taken, and all are asleep");
            Model.Require(lanes.IsEmpty, "rows are left with batches that were read");
        });
    };

    // What is not a row, as that the other device has room again.
    private static void Calls(Model model)
    {
        var devices = new Devices(new PassiveBatcher(), new PriorityLanes([], maxBatchSize: 1, new BatcherOptions { Capacity = 1 }));
        model.Thread("device", devices.Sleep, isBackground: true);
        model.Thread("other", () =>
        {
            devices.Changed.Write(1);
            devices.Call();
        });
        model.AtEnd(() => Model.Require(devices.HasSeen, "something has changed, and all are asleep"));
    }

    /// <summary>Takes rows one by one, each for the device whose turn it is.</summary>
    private sealed class Devices(Batcher batcher, PriorityLanes lanes) : DeviceExecutor(batcher, lanes, batcher.Options)
    {
        private readonly LaneRelay _relay = new(2);
        private readonly ReleaseOrder _order = new(lanes);
        private readonly Batch[] _batches = [new(1), new(1)];

        // By their place in the ring.
        public Plain<int>[] Rows { get; } = new Plain<int>[2];

        public AtomicInt32 Changed;

        public bool HasSeen { get; private set; }

        public void Sleep()
        {
            // Without it the mark is set from the start, and the first call wakes whoever comes.
            TryTakeUp();
            while (!HasSeen)
            {
                Model.Knows();
                Answer();
                if (Changed.Read() == 1)
                {
                    HasSeen = true;
                    return;
                }

                Park(long.MaxValue, rows: 1);
            }
        }

        public void Serve(int number)
        {
            Batch batch = _batches[number];
            while (true)
            {
                Model.Knows();
                if (!_relay.Has(number))
                {
                    _relay.Park(number, Timeout.InfiniteTimeSpan);
                    continue;
                }

                Answer();
                if (Lanes.CountWaiting(1) == 0)
                {
                    Park(long.MaxValue, rows: 1);
                    continue;
                }

                Lanes.Close(batch, 1);
                _order.Add(batch);
                _relay.BecomeBusy(number);
                if (_relay.IsBusy(1 - number))
                {
                    _relay.TryLeave(number);
                }
                else
                {
                    _relay.HandTo(1 - number);
                }

                _ = Rows[RowPlace.Index(batch.HostRow) & 1].Get(0, "row");
                _order.Read(batch);
                _relay.ComeBack(number);
                if (!_relay.Has(number) && Lanes.Backlog > 0)
                {
                    Call();
                }
            }
        }
    }
}
