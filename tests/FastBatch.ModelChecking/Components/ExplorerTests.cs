using FastBatch.Lanes;

namespace FastBatch.ModelChecking.Components;

/// <summary>The checker itself: it is deterministic, and leaving out known states loses nothing.</summary>
public class ExplorerTests
{
    [Fact]
    public void Explores_the_same_twice()
    {
        Outcome first = Explorer.Explore(new Scenario(LaneRingTests.Ring(1, 1, 2, 1)));
        Outcome second = Explorer.Explore(new Scenario(LaneRingTests.Ring(1, 1, 2, 1)));
        Assert.Equal((first.States, first.Executions), (second.States, second.Executions));
    }

    [Fact]
    public void Known_states_have_nothing_new()
    {
        Assert.Equal(Ends(comparesStates: false), Ends(comparesStates: true));

        static SortedSet<string> Ends(bool comparesStates)
        {
            var ends = new SortedSet<string>(StringComparer.Ordinal);
            Outcome outcome = Explorer.Explore(
                new Scenario(model =>
                {
                    var ring = new LaneRing(2, 1);
                    string claims = "", reads = "";
                    for (int caller = 0; caller < 2; caller++)
                    {
                        int id = caller;
                        model.Thread("caller", () =>
                        {
                            long ticket = ring.TryClaim(out int row);
                            if (ticket >= 0)
                            {
                                ring.Publish(ticket, null);
                            }

                            claims = $"{claims} {id}:{ticket}";
                        });
                    }

                    model.Thread("device", () =>
                    {
                        int count = ring.CountPublished(1);
                        ring.Release(ring.Take(count) + count);
                        reads = $"{count}";
                    });
                    model.AtEnd(() => ends.Add($"{Sorted(claims)} {reads}"));
                }),
                maxExecutions: 200_000,
                comparesStates: comparesStates);
            Assert.True(outcome.IsExhausted && outcome.Failure is null, outcome.ToString());
            Console.WriteLine($"{ends.Count} ends, {outcome}");
            return ends;
        }

        // The order in which the callers wrote it down is no outcome.
        static string Sorted(string claims) => string.Join(' ', claims.Split(' ').Order(StringComparer.Ordinal));
    }

    /// <summary>
    /// Weakens every operation of the components' scenarios in turn. Those not noticed are stronger than needed, or not exercised; set
    /// FASTBATCH_MODEL_SWEEP to see them.
    /// </summary>
    [Fact]
    public void Every_way_to_weaken_an_operation()
    {
        if (System.Environment.GetEnvironmentVariable("FASTBATCH_MODEL_SWEEP") is null)
        {
            return;
        }

        Sweep("ring", LaneRingTests.Ring(1, 1, 2, 2), LaneRingTests.Ring(2, 2, 2, 1));
        Sweep("sleep", SleepTests.Rows(true, 1, 2), SleepTests.Rows(false, 2, 1));
        Sweep(
            "request", PendingRequestTests.Requests(2, cancels: true), PendingRequestTests.Requests(1, cancels: true, faults: true));
        Sweep("slab", SlabTests.Loans(2, false), SlabTests.Loans(1, true));
        Sweep("delivery", DeliveryTests.Deliveries(1, 2), DeliveryTests.Deliveries(2, 1));
    }

    private static void Sweep(string component, params Action<Model>[] bodies)
    {
        var sites = new HashSet<(Weakening Weakening, string File, string Member, string Expression)>();
        foreach (Action<Model> body in bodies)
        {
            Explorer.Explore(new Scenario(body) { Sites = sites }, interruptions: 1, maxExecutions: 3000);
        }

        foreach (var site in sites.Where(static site => site.Member.Length > 0 && site.File != "Parker.cs" && !site.File.EndsWith("Tests.cs", StringComparison.Ordinal)))
        {
            Outcome? caught = bodies
                .Select(body => Explorer.Explore(
                    new Scenario(body) { Twin = new Twin(site.Weakening, site.File, site.Member, site.Expression) }, interruptions: 1, maxExecutions: 3000))
                .FirstOrDefault(static outcome => outcome.Failure is not null);
            Console.WriteLine($"{component}: {site} {(caught is null ? "SURVIVES" : $"caught: {caught.Failure!.Split('\n')[0]}")}");
        }
    }
}
