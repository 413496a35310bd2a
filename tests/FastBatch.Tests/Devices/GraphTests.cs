using FastBatch.Diagnostics;
using FastBatch.Tests.Devices.Simulated;

namespace FastBatch.Tests.Devices;

/// <summary>Batches as graphs: which are recorded, when they answer, and what becomes of callers when one is not to be trusted. In virtual time.</summary>
public sealed partial class GraphTests
{
    private const int Places = 3;

    private readonly Pump _pump = new();
    private readonly List<long[]> _seen = [];
    private bool _isReplay;

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
    public void Each_of_two_devices_records_its_own()
    {
        var pump = new Pump(devices: 2);
        GraphEcho.PairBatcher batcher = GraphEcho.CreatePairBatcher(
            [new GraphEcho(static _ => { }), new GraphEcho(static _ => { })], pump.Options with { UseCudaGraphs = true });
        for (int round = 0; round < 10; round++)
        {
            AssertAnswered(SubmitAll(batcher, 160, firstId: 1), pump);
        }

        Assert.All(pump.Devices, static device => Assert.True(device is { Recordings: >= Places, Replays: > Places }, $"{device.Recordings}, {device.Replays}"));
        GraphReport report = Assert.Single(batcher.GetGraphs(), static size => size.Rows == 16);
        Assert.True(report is { Recorded: 2 * Places, Places: 2 * Places, Refusal: null }, $"{report}");
        pump.Close(batcher);
        Assert.All(pump.Devices, static device => Assert.Empty(device.Streams));
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
        NoteReplays();
        AssertRefused(new GraphEcho(tamper: answers => answers[1] += _isReplay ? 1 : 0), "element 1 of row 0 is 3, not 2");
    }

    [Fact]
    public void Nor_does_one_that_answers_otherwise_where_no_caller_has_a_row_yet()
    {
        NoteReplays();
        AssertRefused(new GraphEcho(tamper: answers => answers[^1] += _isReplay ? 1 : 0), "element 1 of row 15 is 2, not 1", rows: 9);
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
        await using GraphEcho.PairBatcher batcher = new GraphEcho().CreatePairBatcher(new BatcherOptions { Devices = [device], UseCudaGraphs = true });
        WarmUpReport warm = await batcher.WarmUpAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.All(batcher.GetGraphs(), static size => Assert.Equal(new GraphReport(size.Rows, Places, Places, 0, null), size));

        // Of each of five sizes three runs and one to compare in each place; then, as graphs, two as without any.
        Assert.Equal((5 * (3 + Places), 5 * Places, (5 * Places) + 10), (device.Runs, device.Recordings, device.Replays));
        Assert.Equal(5 * (3 + Places + 2), warm.Batches);
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
        await using GraphEcho.PairBatcher batcher = new GraphEcho().CreatePairBatcher(new BatcherOptions { Devices = [device], UseCudaGraphs = true });
        await batcher.WarmUpAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.All(batcher.GetGraphs(), static size => Assert.NotNull(size.Refusal));
        Assert.Null(await Submit(batcher, 7));
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
}
