namespace FastBatch.ModelChecking.Components;

/// <summary>
/// Whole batchers whose threads take turns in stripes, and offer the lead to each other without having a thread queued: every request ends once, with its
/// own answer, and no offer is left to nobody. Too large to exhaust: so many interruptions at most.
/// </summary>
public class StripedBatcherTests
{
    [Fact]
    public void Threads_that_take_turns_serve_callers_that_come_back() => Exhausts(Serves(callers: 4, comesBack: 1));

    [Fact]
    public void Closing_against_threads_that_take_turns() => Exhausts(Closes, interruptions: 0);

    [Fact]
    public void Who_is_relied_on_takes_the_lead_whatever_becomes_of_the_other() => Exhausts(Sticks);

    [Fact]
    public void An_offer_without_a_fence() => Check.Catches(
        new Twin(Weakening.NoFence, "PoolExecutor.cs", "OfferLead", "_offered"), "", Sticks, processors: 2);

    private static void Exhausts(Action<Model> body, int interruptions = 1)
    {
        Model.HasEntered = false;
        Check.Exhausts(body, interruptions, processors: 2);
        Assert.True(Model.HasEntered, "Nobody had a stripe.");
    }

    private static ModelBatcher Create(int capacity = 4)
    {
        Model.Overlaps = true;
        var batcher = new ModelBatcher(new BatcherOptions
        {
            MaxBatchSize = 1,
            Capacity = capacity,
            Policy = DispatchAll.Instance,
            TimeProvider = new StoppedTime(),
            DrainTimeout = Timeout.InfiniteTimeSpan,
        });
        batcher.MakeStripes();
        return batcher;
    }

    // All there at once, so that several batches wait.
    private static Action<Model> Serves(int callers, int comesBack) => model =>
    {
        ModelBatcher batcher = Create();
        var ends = new Ends(callers + comesBack);
        model.Thread("callers", () =>
        {
            for (int id = 0; id < callers; id++)
            {
                Submit(id);
            }
        });
        model.AtEnd(() =>
        {
            ends.RequireAll();
        });

        void Submit(int id) => batcher.Submit(id, (request, token) =>
        {
            int result = ModelRequest.Take(request, token);
            Model.Require(result == id, $"request {id} ended with {result}");
            ends.Add(id);
            if (id < comesBack)
            {
                Submit(callers + id);
            }
        });
    };

    private static Action<Model> Closes => model =>
    {
        ModelBatcher batcher = Create();
        var ends = new Ends(4);
        Task? closed = null;
        model.Thread("callers", () =>
        {
            for (int id = 0; id < 4; id++)
            {
                Submit(id);
            }
        });
        model.Thread("closer", () => closed = batcher.DisposeAsync().AsTask());
        model.AtEnd(() =>
        {
            ends.RequireAll();
            Model.Require(closed!.IsCompletedSuccessfully, "disposal has not ended");
        });

        void Submit(int id) => batcher.Submit(id, (request, token) =>
        {
            int result = ModelRequest.Take(request, token);
            Model.Require(result == id || result == -2, $"request {id} ended with {result}");
            ends.Add(id);
        });
    };

    // The second waits for all others, so that the thread that resumes it does not come back before: the lead is another's to take, if it relied on one. No
    // timer helps.
    private static Action<Model> Sticks => model =>
    {
        ModelBatcher batcher = Create(capacity: 8);
        var ends = new Ends(5);
        int left = 5;
        model.Thread("callers", () =>
        {
            for (int id = 0; id < 5; id++)
            {
                Submit(id);
            }
        });
        model.AtEnd(() =>
        {
            ends.RequireAll();
        });

        void Submit(int id) => batcher.Submit(id, (request, token) =>
        {
            int result = ModelRequest.Take(request, token);
            Model.Require(result == id, $"request {id} ended with {result}");
            ends.Add(id);
            left--;
            if (id == 1 && Trial.CurrentThread!.Name != "callers")
            {
                Model.Await("the other callers", () => left == 0);
            }
        });
    };
}
