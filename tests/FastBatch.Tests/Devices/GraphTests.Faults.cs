using FastBatch.Devices;
using FastBatch.Tests.Devices.Simulated;

namespace FastBatch.Tests.Devices;

/// <content>What goes wrong when a graph runs, or before.</content>
public sealed partial class GraphTests
{
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
    public void Whenever_the_device_is_lost_every_request_ends_with_its_own_answer_or_the_loss()
    {
        int calls = Lose(int.MaxValue);
        for (int after = 0; after < calls; after++)
        {
            Lose(after);
        }

        Assert.InRange(calls, 500, 100_000);
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
}
