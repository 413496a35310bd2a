namespace FastBatch.ModelChecking.Components;

/// <summary>
/// Whole batchers, with either executor: callers submit, and submit again when resumed, while others do; and close against submit and
/// drain. Every request ends once, disposal ends, and nobody is left asleep. Too large to exhaust: so many interruptions at most.
/// </summary>
public class BatcherTests
{
    [Fact]
    public void A_pool_executor_serves_two_callers() => Check.Exhausts(Serves(false, callers: 2, rounds: 1), interruptions: 1);

    [Fact]
    public void A_pool_executor_serves_callers_that_come_back() => Check.Exhausts(Serves(false, callers: 1, rounds: 2), interruptions: 2);

    [Fact]
    public void A_caller_that_relies_on_the_thread_that_resumes_another() => Check.Exhausts(
        Serves(false, callers: 2, rounds: 1, areQuick: true), interruptions: 1);

    [Fact]
    public void A_caller_that_relies_on_a_thread_that_is_gone() => Check.Catches(
        new Twin("relied-on-when-gone"), "", Serves(false, callers: 2, rounds: 1, areQuick: true));

    [Fact]
    public void A_thread_executor_serves_two_callers() => Check.Exhausts(Serves(true, callers: 2, rounds: 1), interruptions: 1);

    [Fact]
    public void Closing_a_pool_executor_against_a_caller() => Check.Exhausts(Closes(false), interruptions: 1);

    [Fact]
    public void Closing_a_thread_executor_against_a_caller() => Check.Exhausts(Closes(true), interruptions: 0);

    [Fact]
    public void Sleep_without_a_fence_after_the_mark() => Check.Catches(
        new Twin(Weakening.NoFence, "WakeMark.cs", "Set"), "", Serves(false, callers: 2, rounds: 1));

    [Fact]
    public void Reconfiguring_a_pool_executor_against_a_caller() => Check.Exhausts(Reconfigures(false), interruptions: 1);

    [Fact]
    public void Reconfiguring_a_thread_executor_against_a_caller() => Check.Exhausts(Reconfigures(true), interruptions: 1);

    [Fact]
    public void Sleep_on_old_settings() => Check.Catches(
        new Twin("sleep-on-old-settings"), "", Reconfigures(true));

    [Fact]
    public void A_pool_executor_whose_run_is_found_too_long_as_it_ends() => Check.Exhausts(Stalls(false), interruptions: 1);

    [Fact]
    public void A_thread_executor_whose_run_is_found_too_long_as_it_ends() => Check.Exhausts(Stalls(true), interruptions: 0);

    [Fact]
    public void A_stall_that_outlasts_its_run() => Check.Catches(new Twin("stall-outlasts-run"), "it is still stalled", Stalls(false));

    [Fact]
    public void A_stalled_request_that_two_decide() => Check.Catches(
        new Twin(Weakening.Split, "CompletionCore.cs", "TryComplete"), "", Stalls(false));

    private static BatcherOptions Options(bool dedicated) => new()
    {
        MaxBatchSize = 2,
        Capacity = 2,
        DedicatedThread = dedicated,
        Policy = DispatchAll.Instance,
        TimeProvider = new StoppedTime(),
        DrainTimeout = Timeout.InfiniteTimeSpan,
    };

    private static Action<Model> Serves(bool dedicated, int callers, int rounds, bool areQuick = false) => model =>
    {
        Model.AreQuick = areQuick;
        var batcher = new ModelBatcher(Options(dedicated));
        var ends = new Ends(callers * rounds);
        for (int caller = 0; caller < callers; caller++)
        {
            int first = caller * rounds;
            model.Thread("caller", () => Submit(first, first + rounds));
        }

        model.AtEnd(ends.RequireAll);

        void Submit(int id, int end)
        {
            if (id < end)
            {
                batcher.Submit(id, (request, token) =>
                {
                    int result = ModelRequest.Take(request, token);
                    Model.Require(result == id, $"request {id} ended with {result}");
                    ends.Add(id);
                    Submit(id + 1, end);
                });
            }
        }
    };

    // A row that waits for another one runs alone once it may, whoever comes first.
    private static Action<Model> Reconfigures(bool dedicated) => model =>
    {
        BatcherOptions options = Options(dedicated);
        var batcher = new ModelBatcher(options with { Policy = DispatchFull.Instance });
        var ends = new Ends(1);
        model.Thread("caller", () => batcher.Submit(0, (request, token) =>
        {
            Model.Require(ModelRequest.Take(request, token) == 0, "another's answer");
            ends.Add(0);
        }));
        model.Thread("operator", () => batcher.Reconfigure(options));
        model.AtEnd(ends.RequireAll);
    };

    // The watch may look at any moment, and finds any run too long.
    private static Action<Model> Stalls(bool dedicated) => model =>
    {
        var time = new LateTime("watch");
        var batcher = new ModelBatcher(Options(dedicated) with { TimeProvider = time, RunLimit = TimeSpan.FromTicks(1) });
        var ends = new Ends(2);
        model.Thread("caller", () => Submit(0));
        model.Thread("watch", time.Tick);
        model.AtEnd(() =>
        {
            ends.RequireAll();
            Model.Require(batcher.State == BatcherState.Serving, "it is still stalled");
        });

        void Submit(int id) => batcher.Submit(id, (request, token) =>
        {
            int result = ModelRequest.Take(request, token);
            Model.Require(result == id || result == -3, $"request {id} ended with {result}");
            ends.Add(id);
            if (id == 0)
            {
                Submit(1);
            }
        });
    };

    private static Action<Model> Closes(bool dedicated) => model =>
    {
        var batcher = new ModelBatcher(Options(dedicated));
        var ends = new Ends(1);
        Task? closed = null;
        model.Thread("caller", () => batcher.Submit(0, (request, token) =>
        {
            int result = ModelRequest.Take(request, token);
            Model.Require(result is 0 or -2, $"the request ended with {result}");
            ends.Add(0);
        }));
        model.Thread("closer", () => closed = batcher.DisposeAsync().AsTask());
        model.AtEnd(() =>
        {
            ends.RequireAll();
            Model.Require(closed!.IsCompletedSuccessfully, "disposal has not ended");
        });
    };
}
