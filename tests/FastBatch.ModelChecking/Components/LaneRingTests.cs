using FastBatch.Lanes;

namespace FastBatch.ModelChecking.Components;

/// <summary>
/// <see cref="LaneRing"/>: callers claim, write their row and publish; the device side takes the published run, reads the rows and releases
/// them. Each row is read once, as its caller wrote it, and no access to it races.
/// </summary>
public class LaneRingTests
{
    [Fact]
    public void Two_callers_through_a_ring_of_two() => Check.Exhausts(Ring(size: 2, bound: 2, callers: 2, rows: 2));

    [Fact]
    public void Two_callers_through_a_ring_of_one() => Check.Exhausts(Ring(size: 1, bound: 1, callers: 2, rows: 2));

    [Fact]
    public void Two_callers_with_a_bound_below_the_size() => Check.Exhausts(Ring(size: 4, bound: 3, callers: 2, rows: 2));

    [Fact]
    public void Three_callers_through_a_ring_of_two() => Check.Exhausts(Ring(size: 2, bound: 2, callers: 3, rows: 1));

    [Fact]
    public void A_relaxed_publish() => Check.Catches(
        new Twin(Weakening.RelaxedStore, "LaneRing.cs", "Publish", "slot.Sequence"), "race", Ring(2, 2, 2, 1));

    [Fact]
    public void A_relaxed_look_for_published_rows() => Check.Catches(
        new Twin(Weakening.RelaxedRead, "LaneRing.cs", "IsPublished", "Sequence"), "race", Ring(2, 2, 2, 1));

    [Fact]
    public void A_relaxed_release() => Check.Catches(
        new Twin(Weakening.RelaxedStore, "LaneRing.cs", "Release", "_room.Release"), "race", Ring(1, 1, 2, 1));

    [Fact]
    public void A_claim_that_is_not_atomic() => Check.Catches(
        new Twin(Weakening.Split, "LaneRing.cs", "TryClaim", "_claim.Value"), "race", Ring(2, 2, 2, 1));

    [Fact]
    public void A_release_before_the_rows_are_read() => Check.Catches(
        new Twin("release-early"), "race", Ring(1, 1, 2, 1));

    internal static Action<Model> Ring(int size, int bound, int callers, int rows) => model =>
    {
        var ring = new LaneRing(size, bound);
        var memory = new Plain<int>[size];
        int left = callers * rows;
        var seen = new int[left];
        for (int caller = 0; caller < callers; caller++)
        {
            int first = caller * rows;
            model.Thread("caller", () =>
            {
                for (int id = first; id < first + rows; id++)
                {
                    long ticket;
                    int row;
                    Model.Knows(id);
                    while ((ticket = ring.TryClaim(out row)) < 0)
                    {
                        Model.Spin();
                        Model.Knows(id);
                    }

                    memory[row].Set(id, "row");
                    ring.Publish(ticket, null, enqueued: id);
                }
            });
        }

        model.Thread("device", () =>
        {
            while (left > 0)
            {
                Model.Knows([left, .. seen]);
                int count = ring.CountPublished(limit: 2);
                if (count == 0)
                {
                    Model.Spin();
                    continue;
                }

                long first = ring.Take(count);
                if (Twin.On("release-early"))
                {
                    ring.Release(first + count);
                }

                for (int i = 0; i < count; i++)
                {
                    int id = (int)ring.Enqueued(first + i);
                    Model.Require(memory[(ring.Row(first) + i) & (size - 1)].Get(-1, "row") == id, "another caller's row");
                    seen[id]++;
                }

                ring.Release(first + count);
                left -= count;
            }
        });
        model.AtEnd(() => Model.Require(Array.TrueForAll(seen, static times => times == 1), "a row was read twice or never"));
    };
}
