using FastBatch.Execution;
using FastBatch.Lanes;

namespace FastBatch.ModelChecking.Components;

/// <summary>
/// How the device side goes to sleep and is woken (<c>DeviceExecutor.Sleep.cs</c> over <see cref="LaneRing"/>): whatever is published is
/// served, with nobody left to notice it later.
/// </summary>
public class SleepTests
{
    [Fact]
    public void A_device_thread_that_parks_misses_no_row_of_two_callers() => Check.Exhausts(
        Rows(parks: true, callers: 2, rows: 1), interruptions: 2);

    [Fact]
    public void A_device_thread_that_parks_between_rows_misses_none() => Check.Exhausts(
        Rows(parks: true, callers: 1, rows: 2), interruptions: 4);

    [Fact]
    public void A_device_thread_that_parks_misses_no_row() => Check.Exhausts(Rows(parks: true, callers: 1, rows: 1));

    [Fact]
    public void A_device_given_up_is_taken_by_whoever_is_woken() => Check.Exhausts(Rows(parks: false, callers: 2, rows: 1));

    [Fact]
    public void Sleep_without_a_fence_after_the_mark() => Check.Catches(
        new Twin(Weakening.NoFence, "WakeMark.cs", "Set"), "", Rows(parks: true, callers: 1, rows: 2));

    [Fact]
    public void A_claim_that_is_no_full_fence() => Check.Catches(
        new Twin(Weakening.NoFence, "LaneRing.cs", "TryClaim"), "", Rows(parks: true, callers: 1, rows: 2));

    [Fact]
    public void Sleep_without_the_process_wide_barrier() => Check.Catches(
        new Twin(Weakening.NoFence, "DeviceExecutor.Sleep.cs", "HasNews"), "", Rows(parks: true, callers: 1, rows: 2));

    [Fact]
    public void A_sleep_that_two_end() => Check.Catches(
        new Twin(Weakening.Split, "WakeMark.cs", "TryEnd"), "", Rows(parks: false, callers: 2, rows: 1));

    internal static Action<Model> Rows(bool parks, int callers, int rows) => model =>
    {
        var batcher = new PassiveBatcher();
        var lanes = new PriorityLanes([], maxBatchSize: 2, new BatcherOptions { Capacity = 2 });
        Lane lane = lanes.Normal;
        var executor = new Sleeper(batcher, lanes, parks, callers * rows);
        if (!parks)
        {
            executor.GiveUp();
        }

        for (int caller = 0; caller < callers; caller++)
        {
            model.Thread("caller", () =>
            {
                for (int i = 0; i < rows; i++)
                {
                    Model.Knows(i);
                    long ticket = lane.TryClaim(out int row);
                    lane.Publish(new RowClaim(ticket, row), null);
                    executor.Notice(ticket);
                }
            });
        }

        if (parks)
        {
            model.Thread("device", executor.Serve);
        }

        model.AtEnd(() => Model.Require(executor.Served == callers * rows, $"{executor.Served} of {callers * rows} rows were served, and all sleep"));
    };

    /// <summary>Takes rows one by one; parks with the device when there is none, or gives it up.</summary>
    private sealed class Sleeper(Batcher batcher, PriorityLanes lanes, bool parks, int rows)
        : DeviceExecutor(batcher, lanes, batcher.Options)
    {
        // Of whoever has the device.
        private Plain<int> _served;

        public int Served => _served.Get(0, "served");

        public void GiveUp() => TrySleep(Lane.Ring.ReadMark);

        public void Serve()
        {
            while (Served < rows)
            {
                Model.Knows();
                if (Lane.Ring.CountPublished(limit: 2) == 0)
                {
                    if (parks)
                    {
                        Park(long.MaxValue, rows: 1);
                    }
                    else if (TrySleep(Lane.Ring.ReadMark))
                    {
                        return;
                    }

                    continue;
                }

                long ticket = Lane.Ring.Take(1);
                _served.Set(Served + 1, "served");
                Lane.Ring.Release(ticket + 1);
            }
        }

        protected override void Wake()
        {
            if (parks)
            {
                base.Wake();
            }
            else
            {
                Trial.Current!.Spawn("follower", isBackground: false, Serve);
            }
        }
    }
}
