using FastBatch.Devices;
using FastBatch.Diagnostics;
using FastBatch.Tests.Devices.Simulated;

namespace FastBatch.Tests.Devices;

/// <summary>Batches as graphs: which are recorded, when they answer, and what becomes of callers when one is not to be trusted. In virtual time.</summary>
public sealed class GraphTests
{
    private const int Places = 3;

    private readonly Pump _pump = new();
    private readonly List<long[]> _seen = [];

    // A row of what the method saw in it: its id, or why it is none.
    private GraphEcho Method => new(rows => _seen.Add(rows));

    private BatcherOptions Options => _pump.Options with { UseCudaGraphs = true };

    [Fact]
    public void A_size_is_recorded_after_three_runs_and_answers_when_it_has_agreed_in_that_place()
    {
        GraphEcho.PairBatcher batcher = Method.CreatePairBatcher(Options with { MaxInFlight = 1 });
        for (int batch = 1; batch <= 6; batch++)
        {
            Ask(batcher, 16);
            Assert.Equal(batch > 3 ? 1 : 0, _pump.Device.Recordings);
            Assert.Equal(Math.Min(batch, 4), _pump.Device.Runs);
            Assert.Equal(Math.Max(0, batch - 3), _pump.Device.Replays);
        }

        // The first replay was the comparison.
        GraphReport report = Assert.Single(batcher.GetGraphs(), static size => size.Rows == 16);
        Assert.Equal(new GraphReport(16, Recorded: 1, Places: 1, Replays: 2, Refusal: null), report);
        _pump.Close(batcher);
    }

    [Fact]
    public void Batches_are_filled_up_to_the_next_size_with_zeros_and_nobody_elses_rows()
    {
        GraphEcho.PairBatcher batcher = Method.CreatePairBatcher(Options with { MaxBatchSize = 12 });
        Assert.Equal([1, 2, 4, 8, 12], batcher.GetGraphs().Select(static size => size.Rows));
        for (int round = 0; round < 12; round++)
        {
            // Full ones leave their rows in the places that the smaller ones are filled up in.
            foreach (int rows in (int[])[12, 1, 3, 12, 5, 7, 2, 9, 11, 6])
            {
                _seen.Clear();
                Ask(batcher, rows, firstId: 1000 * (round + 1));
                int size = rows switch { 1 => 1, 2 => 2, 3 => 4, <= 8 => 8, _ => 12 };
                Assert.All(_seen, seen => Assert.Equal(Padded(1000 * (round + 1), rows, size), seen));
            }
        }

        Assert.All(batcher.GetGraphs(), static size => Assert.True(size is { Recorded: Places, Replays: > 0, Refusal: null }));
        _pump.Close(batcher);
    }

    [Fact]
    public void Listed_sizes_are_those_recorded_and_larger_batches_run_as_they_are()
    {
        GraphEcho.PairBatcher batcher = Method.CreatePairBatcher(Options with { GraphSizes = [8, 2, 8] });
        for (int round = 0; round < 15; round++)
        {
            foreach (int rows in (int[])[1, 3, 9, 9])
            {
                _seen.Clear();
                Ask(batcher, rows);
                Assert.All(_seen, seen => Assert.Equal(rows switch { 1 => 2, 3 => 8, _ => 9 }, seen.Length));
            }
        }

        Assert.Equal([2, 8], batcher.GetGraphs().Select(static size => size.Rows));
        Assert.Equal(2 * Places, _pump.Device.Recordings);
        _pump.Close(batcher);
    }

    [Fact]
    public void Graphs_cut_what_launching_costs_and_batches_overlap_as_without()
    {
        // Launching dominates: 40 us against 4 us.
        long Elapsed(bool graphs)
        {
            var pump = new Pump();
            pump.Device.Compute = new LinearCost(40_000, 100);
            pump.Device.CopyIn = pump.Device.CopyOut = new LinearCost(3_000, 0);
            GraphEcho.PairBatcher batcher = new GraphEcho().CreatePairBatcher(pump.Options with { UseCudaGraphs = graphs, Capacity = 16_384 });
            AssertAnswered(SubmitAll(batcher, 32 * 16, 1), pump);
            long began = pump.Clock.Now;
            Task<Exception?>[] requests = SubmitAll(batcher, 200 * 16, 1);
            pump.RunUntilIdle();
            AssertAnswered(requests, pump);
            long elapsed = pump.Clock.Now - began;
            Assert.Equal(graphs, batcher.GetGraphs().Any(static size => size is { Rows: 16, Replays: > 200 }));
            pump.Close(batcher);
            return elapsed;
        }

        long eager = Elapsed(graphs: false);
        long graphs = Elapsed(graphs: true);
        Assert.Equal(200 * 41_600, eager, 200_000.0);
        Assert.Equal(200 * 5_600, graphs, 100_000.0);
    }

    [Fact]
    public void A_size_that_cannot_be_recorded_runs_without_and_says_why()
    {
        _pump.Device.RefuseRecording = static rows => rows == 4 ? new InvalidOperationException("operation not permitted when stream is capturing") : null;
        GraphEcho.PairBatcher batcher = Method.CreatePairBatcher(Options);
        var told = new Listener();
        batcher.Observe(told);
        for (int round = 0; round < 20; round++)
        {
            Ask(batcher, 3);
            Ask(batcher, 16);
        }

        Assert.Equal([(4, "it cannot be recorded: operation not permitted when stream is capturing")], told.Refusals);
        Assert.Equal(new GraphReport(4, 0, Places, 0, told.Refusals[0].Reason), batcher.GetGraphs()[2]);
        Assert.True(batcher.GetGraphs()[4].Replays > 0);

        // As they are, from then on.
        _seen.Clear();
        Ask(batcher, 3);
        Assert.Equal(3, Assert.Single(_seen).Length);
        _pump.Close(batcher);
    }

    [Fact]
    public void A_graph_that_answers_otherwise_never_answers_a_caller()
    {
        // Off by one in a single answer of the first row.
        bool isReplay = false;
        _pump.Device.Replaying = compute =>
        {
            isReplay = true;
            compute();
            isReplay = false;
        };
        AssertRefused(new GraphEcho(tamper: answers => answers[1] += isReplay ? 1 : 0), "element 1 of row 0 is 3, not 2");
    }

    [Fact]
    public void A_graph_that_does_nothing_is_not_taken_for_one_that_answers_the_same()
    {
        // As when the method computed elsewhere than on the stream that was recorded: the outputs are still the method's own.
        _pump.Device.Replaying = static _ => { };
        AssertRefused(Method, "not 1");
    }

    [Fact]
    public void A_method_that_does_not_do_the_same_every_time_has_no_graph()
    {
        int calls = 0;
        AssertRefused(new GraphEcho(tamper: answers => answers[^1] = calls++), "it answers otherwise than the method", areChecked: false);
    }

    [Fact]
    public void A_method_that_writes_to_its_rows_is_compared_on_the_same_ones()
    {
        GraphEcho.PairBatcher batcher = new GraphEcho(overwrites: true).CreatePairBatcher(Options);
        for (int round = 0; round < 20; round++)
        {
            Ask(batcher, 16);
            Ask(batcher, 5);
        }

        Assert.Equal([8, 16], batcher.GetGraphs().Where(static size => size.Replays > 0).Select(static size => size.Rows));
        Assert.All(batcher.GetGraphs(), static size => Assert.Null(size.Refusal));
        _pump.Close(batcher);
    }

    [Fact]
    public void A_replay_that_is_refused_costs_nobody_an_answer_and_ends_the_graphs_of_its_size()
    {
        GraphEcho.PairBatcher batcher = Prepared(Method);
        Assert.Equal(Places, _pump.Device.Streams.Single().Graphs);
        _pump.Device.RefuseReplay = static _ => new DeviceException(DeviceFailure.Refused, "no");
        int runs = _pump.Device.Runs;
        Ask(batcher, 16);
        Assert.Equal(runs + 1, _pump.Device.Runs);
        Assert.Equal("it does not run: no", batcher.GetGraphs()[4].Refusal);

        // Their memory goes back as the places come free.
        _pump.Device.RefuseReplay = static _ => null;
        for (int place = 0; place < Places; place++)
        {
            Ask(batcher, 16);
        }

        Assert.Equal(0, _pump.Device.Streams.Single().Graphs);
        _pump.Close(batcher);
    }

    [Fact]
    public void A_replay_that_runs_out_of_memory_runs_in_halves_and_later_batches_are_smaller()
    {
        GraphEcho.PairBatcher batcher = Prepared(Method);
        _pump.Device.RefuseReplay = static rows => rows > 8 ? new DeviceException(DeviceFailure.OutOfMemory, "full") : null;
        _seen.Clear();
        Ask(batcher, 16);
        Assert.Equal([8, 8], _seen.Select(static seen => seen.Length));
        Assert.Equal(8, batcher.BatchLimit);
        Assert.Null(batcher.GetGraphs()[4].Refusal);

        // None is filled up beyond what fits.
        _seen.Clear();
        Ask(batcher, 7);
        Ask(batcher, 8);
        Assert.All(_seen, static seen => Assert.Equal(8, seen.Length));
        _pump.Close(batcher);
    }

    [Fact]
    public void A_device_that_is_lost_when_a_graph_is_replayed_ends_every_request_with_that()
    {
        GraphEcho.PairBatcher batcher = Prepared(Method);
        _pump.Device.RefuseReplay = static _ => new DeviceException(DeviceFailure.Lost, "illegal address");
        Task<Exception?>[] requests = SubmitAll(batcher, 40, 1);
        _pump.RunUntilIdle();
        Assert.All(requests, static request => Assert.IsType<DeviceLostException>(Requests.Outcome(request)));
        Assert.Contains("illegal address", batcher.Loss!.Message, StringComparison.Ordinal);
        _pump.Close(batcher);
    }

    [Fact]
    public void A_row_that_makes_the_method_throw_fails_alone_whether_graphs_are_recorded_yet_or_not()
    {
        GraphEcho.PairBatcher batcher = Method.CreatePairBatcher(Options with { MaxInFlight = 1 });
        for (int batch = 0; batch < 5; batch++)
        {
            _pump.Device.Refuse = static (first, rows) => first <= 5 && 5 < first + rows ? new InvalidDataException("row 5") : null;
            Task<Exception?>[] requests = SubmitAll(batcher, 13, 1);
            _pump.RunUntilIdle();
            bool isReplay = batch == 4;
            Assert.Equal(isReplay ? null : typeof(BatchExecutionException), Requests.Outcome(requests[5])?.GetType());
            Requests.AssertAnswered(requests.Where((_, i) => i != 5));

            // Runs that throw prepare nothing: the fourth is the first that might be recorded. A kernel does not throw for a row.
            _pump.Device.Refuse = static (_, _) => null;
            for (int i = 0; i < (batch == 3 ? 4 : 0); i++)
            {
                Ask(batcher, 13);
            }
        }

        Assert.Null(batcher.GetGraphs()[4].Refusal);
        _pump.Close(batcher);
    }

    [Fact]
    public void Rows_of_zeros_that_make_the_method_throw_are_left_out_from_then_on()
    {
        _pump.Device.Refuse = static (_, rows) => rows is 8 ? new InvalidDataException("a row of zeros") : null;
        GraphEcho.PairBatcher batcher = Method.CreatePairBatcher(Options);
        Ask(batcher, 5);
        Ask(batcher, 5);
        Assert.All(_seen, static seen => Assert.Equal(5, seen.Length));
        Assert.Equal("it does not run: a row of zeros", batcher.GetGraphs()[3].Refusal);
        _pump.Close(batcher);
    }

    [Fact]
    public void With_a_smaller_limit_no_batch_is_filled_up_beyond_it()
    {
        GraphEcho.PairBatcher batcher = Prepared(Method);
        batcher.Reconfigure(batcher.Options with { MaxBatchSize = 12 });
        _seen.Clear();
        Ask(batcher, 40);
        Assert.All(_seen, static seen => Assert.InRange(seen.Length, 1, 12));
        foreach (BatcherOptions other in (BatcherOptions[])[Options with { UseCudaGraphs = false }, Options with { GraphSizes = [3] }])
        {
            Assert.Contains("is fixed while it serves", Assert.Throws<ArgumentException>(
                () => batcher.Reconfigure(other)).Message, StringComparison.Ordinal);
        }

        _pump.Close(batcher);
    }

    [Fact]
    public async Task A_warm_up_records_every_size_in_every_place_and_callers_rows_are_compared_all_the_same()
    {
        // On a thread and a clock of its own: a warm-up waits for the device.
        var device = new SimulatedDevice(TimeProvider.System);
        await using GraphEcho.PairBatcher batcher = new GraphEcho().CreatePairBatcher(new BatcherOptions { Device = device, UseCudaGraphs = true });
        await batcher.WarmUpAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.All(batcher.GetGraphs(), static size => Assert.Equal(new GraphReport(size.Rows, Places, Places, 0, null), size));

        // Of each of five sizes three runs and one to compare in each place; then, as graphs, two as without any.
        Assert.Equal((5 * (3 + Places), 5 * Places, (5 * Places) + 10), (device.Runs, device.Recordings, device.Replays));
        Assert.Equal(5 * (3 + Places + 2), batcher.WarmUpRuns);
        for (int i = 1; i <= 2 * Places; i++)
        {
            Assert.Null(await Submit(batcher, i));
        }

        Assert.Equal(Places, batcher.GetGraphs()[0].Replays);
        Assert.Equal((5 * (3 + Places)) + Places, device.Runs);
    }

    [Fact]
    public async Task A_warm_up_in_which_a_graph_is_refused_succeeds()
    {
        var device = new SimulatedDevice(TimeProvider.System) { Replaying = static _ => { } };
        await using GraphEcho.PairBatcher batcher = new GraphEcho().CreatePairBatcher(new BatcherOptions { Device = device, UseCudaGraphs = true });
        await batcher.WarmUpAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.All(batcher.GetGraphs(), static size => Assert.NotNull(size.Refusal));
        Assert.Null(await Submit(batcher, 7));
    }

    [Fact]
    public void Whenever_the_device_is_lost_every_request_ends_with_its_own_answer_or_the_loss()
    {
        int calls = Lose(int.MaxValue);
        for (int after = 0; after < calls; after++)
        {
            Lose(after);
        }

        Assert.InRange(calls, 500, 100_000);
    }

    [Fact]
    public void A_device_that_records_none_says_so_and_answers_all_the_same()
    {
        _pump.Device.RecordsGraphs = false;
        GraphEcho.PairBatcher batcher = Method.CreatePairBatcher(Options);
        Ask(batcher, 11);
        Assert.Equal(11, Assert.Single(_seen).Length);
        Assert.All(batcher.GetGraphs(), static size => Assert.Equal("simulated:0 records none", size.Refusal));
        _pump.Close(batcher);
    }

    private static long[] Padded(long firstId, int rows, int size) =>
        [.. Enumerable.Range(0, size).Select(i => i < rows ? firstId + i : 0)];

    private static Task<Exception?>[] SubmitAll(GraphEcho.PairBatcher batcher, int count, long firstId) =>
        [.. Enumerable.Range(0, count).Select(i => Submit(batcher, firstId + i))];

    private static async Task<Exception?> Submit(GraphEcho.PairBatcher batcher, long id)
    {
        float[] answer = new float[2];
        try
        {
            await batcher.SubmitAsync(new[] { id, id, id, id }, answer).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            return exception;
        }

        return answer[0] == id && answer[1] == id + 1 ? null : new InvalidDataException($"{id} was answered {answer[0]}, {answer[1]}.");
    }

    private static void AssertAnswered(Task<Exception?>[] requests, Pump pump)
    {
        pump.RunUntilIdle();
        Requests.AssertAnswered(requests);
    }

    // One batch, if it fits into one.
    private void Ask(GraphEcho.PairBatcher batcher, int rows, long firstId = 1) => AssertAnswered(SubmitAll(batcher, rows, firstId), _pump);

    // The graphs of 16 rows answer, in every place.
    private GraphEcho.PairBatcher Prepared(GraphEcho method)
    {
        GraphEcho.PairBatcher batcher = method.CreatePairBatcher(Options);
        while (batcher.GetGraphs()[4].Replays < 2 * Places)
        {
            Ask(batcher, 16);
        }

        return batcher;
    }

    private void AssertRefused(GraphEcho method, string reason, bool areChecked = true)
    {
        GraphEcho.PairBatcher batcher = method.CreatePairBatcher(Options);
        for (int round = 0; round < 10; round++)
        {
            Task<Exception?>[] requests = SubmitAll(batcher, 16, 1);
            _pump.RunUntilIdle();
            Assert.True(!areChecked || Array.TrueForAll(requests, static request => Requests.Outcome(request) is null));
        }

        GraphReport report = batcher.GetGraphs()[4];
        Assert.Contains(reason, report.Refusal, StringComparison.Ordinal);
        Assert.Equal(0, report.Replays);
        _pump.Close(batcher);
    }

    // As in DeviceFaultTests, long enough for graphs to be recorded, compared and replayed.
    private static int Lose(int after)
    {
        var pump = new Pump();
        pump.Device.LostAfter = after;
        GraphEcho.PairBatcher batcher;
        try
        {
            batcher = new GraphEcho().CreatePairBatcher(pump.Options with { UseCudaGraphs = true, GraphSizes = [4], MaxBatchSize = 4, Capacity = 8 });
        }
        catch (DeviceException)
        {
            return pump.Device.Calls;
        }

        var requests = new List<Task<Exception?>>();
        for (int wave = 0; wave < 6; wave++)
        {
            requests.AddRange(SubmitAll(batcher, 9, firstId: 1 + (wave * 100)));
            pump.RunUntil(pump.Clock.Now + 15_000);
        }

        pump.RunUntilIdle();
        bool lost = after != int.MaxValue;
        Assert.True(lost || batcher.GetGraphs()[0].Replays > 0);
        Assert.All(requests, static request => Assert.True(
            Requests.Outcome(request) is null or DeviceLostException { IsTransient: true }, $"{Requests.Outcome(request)}"));
        Assert.True(!lost || batcher.Loss is null || pump.Device.Calls == after + 1, "The device was used after it was lost.");
        int calls = pump.Device.Calls;
        pump.Close(batcher);
        return calls;
    }

    private sealed class Listener : BatchObserver
    {
        public List<(int Rows, string Reason)> Refusals { get; } = [];

        public override void OnGraphRefused(Batcher batcher, int rows, string reason) => Refusals.Add((rows, reason));
    }
}

/// <summary>As <see cref="Echo.Pair"/>, and tells what it saw.</summary>
internal sealed partial class GraphEcho(Action<long[]>? onBatch = null, TamperWith? tamper = null, bool overwrites = false)
{
    [Batchable(MaxBatchSize = 16)]
    public void Pair([Row(4)] ReadOnlySpan<long> ids, [Row(2)] Span<float> answers)
    {
        var seen = new long[ids.Length / 4];
        for (int i = 0; i < seen.Length; i++)
        {
            ReadOnlySpan<long> row = ids.Slice(i * 4, 4);
            seen[i] = row.IndexOfAnyExcept(row[0]) < 0 ? row[0] : long.MinValue;
            (answers[i * 2], answers[(i * 2) + 1]) = (seen[i], seen[i] + 1);
        }

        onBatch?.Invoke(seen);
        tamper?.Invoke(answers);
        if (overwrites)
        {
            System.Runtime.InteropServices.MemoryMarshal.CreateSpan(
                ref System.Runtime.InteropServices.MemoryMarshal.GetReference(ids), ids.Length).Fill(77);
        }
    }
}

/// <summary>Changes answers.</summary>
internal delegate void TamperWith(Span<float> answers);
