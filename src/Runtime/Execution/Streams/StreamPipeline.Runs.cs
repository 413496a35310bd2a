using System.Runtime.ExceptionServices;
using FastBatch.Devices;
using FastBatch.Lanes;

namespace FastBatch.Execution.Streams;

/// <content>
/// How a batch is given to the streams: its rows, the method or its graph, its results; and what is done when one of them fails. Device side.
/// </content>
internal sealed partial class StreamPipeline
{
    // Neither a row nor a result: what a graph leaves unwritten shows.
    private const byte Garbage = 0xDB;

    // Decides how the batch is run. What stands in the way of comparing a graph stands in the way of using it.
    private void Plan(Flight flight, int mostRows, bool isOfCallers)
    {
        if (_graphs is null)
        {
            return;
        }

        flight.Plan = _graphs.Choose(flight, mostRows, isOfCallers);
        if (!flight.Plan.IsChecked)
        {
            return;
        }

        try
        {
            flight.Compared = _batcher.RentOutputs();
            flight.Compared.SlabMemory.Pin(_devices);
        }
        catch (Exception exception)
        {
            _graphs.Refuse(flight.Plan.Rows, $"there is no memory for comparing it: {exception.Message}");
            flight.LetGo();
            flight.Plan = BatchGraphs.Plain(flight.Batch.Count);
        }
    }

    private void Compare(Flight flight, bool isOfCallers)
    {
        if (flight.Plan.IsChecked)
        {
            _graphs!.Compare(flight, isOfCallers);
        }
    }

    private void Give(Flight flight, Action<int> ranOutOfMemory)
    {
        Batch batch = flight.Batch;
        RunPlan plan = flight.Plan;
        Flight.Stages stages = plan.IsChecked ? flight.First : flight.Last;
        Begin(flight, stages);
        Run(flight, plan.IsChecked ? 0 : plan.Graph, ranOutOfMemory);
        End(flight, stages, batch.Outputs);
        if (plan.IsChecked)
        {
            GiveAgain(flight, plan.Graph, isWanted: flight.Plan.IsChecked && !batch.HasFaults);
        }
    }

    // As above, for a batch that nobody waits for: what the method throws is the caller's.
    private ExceptionDispatchInfo? Give(Flight flight)
    {
        RunPlan plan = flight.Plan;
        Flight.Stages stages = plan.IsChecked ? flight.First : flight.Last;
        ExceptionDispatchInfo? failure = null;
        Begin(flight, stages);
        try
        {
            RunOrReplay(flight, plan.IsChecked ? 0 : plan.Graph);
        }
        catch (Exception exception)
        {
            failure = ExceptionDispatchInfo.Capture(exception);
        }

        End(flight, stages, flight.Batch.Outputs);
        if (plan.IsChecked)
        {
            GiveAgain(flight, plan.Graph, isWanted: failure is null);
        }

        return failure;
    }

    // The graph's turn, when the method's results have left: on the same rows, copied again, for the method may have written to them; and over
    // outputs that hold nothing. The events are those that are waited for, whether it is wanted any more or not.
    private void GiveAgain(Flight flight, nint graph, bool isWanted)
    {
        _streams.Await(DeviceStream.CopyIn, flight.First.CopyOut.End);
        if (isWanted)
        {
            for (int i = 0; i < flight.Rows.Outputs.Length; i++)
            {
                _streams.Fill(flight.Rows.Outputs[i], Garbage, OutputsOf(flight.Compared!)[i].RowBytes * flight.Plan.Rows);
            }
        }

        Begin(flight, flight.Last);
        if (isWanted)
        {
            try
            {
                _streams.Replay(graph);
            }
            catch (Exception exception)
            {
                ThrowIfLost(exception);
                RefuseGraph(flight.Plan.Rows, exception);
                flight.Plan = flight.Plan with { IsChecked = false };
            }
        }
        else
        {
            flight.Plan = flight.Plan with { IsChecked = false };
        }

        End(flight, flight.Last, flight.Compared!);
    }

    private void Begin(Flight flight, in Flight.Stages stages)
    {
        CopyIn(flight, stages.CopyIn);
        _streams.Await(DeviceStream.Compute, stages.CopyIn.End);
        _streams.Record(stages.Compute.Begin, DeviceStream.Compute);
    }

    private void End(Flight flight, in Flight.Stages stages, OutputSlab outputs)
    {
        _streams.Record(stages.Compute.End, DeviceStream.Compute);
        _streams.Await(DeviceStream.CopyOut, stages.Compute.End);
        CopyOut(flight, stages.CopyOut, outputs);
    }

    private void CopyIn(Flight flight, Flight.Stage stage)
    {
        Batch batch = flight.Batch;
        _streams.Record(stage.Begin, DeviceStream.CopyIn);
        for (int i = 0; i < _inputs.Length; i++)
        {
            InputRows rows = _inputs[i];
            _streams.Copy(DeviceStream.CopyIn, flight.Rows.Inputs[i], rows.AddressOf(batch.HostRow), rows.RowBytes * batch.Count);
            if (flight.Plan.Rows > batch.Count)
            {
                // What an earlier batch has left there is nobody's business.
                long filled = rows.RowBytes * batch.Count;
                _streams.Fill(flight.Rows.Inputs[i] + (nint)filled, 0, (rows.RowBytes * flight.Plan.Rows) - filled);
            }
        }

        _streams.Record(stage.End, DeviceStream.CopyIn);
    }

    // The batch's rows alone: what comes of rows of zeros stays where it is, unless it is to be compared as well.
    private void CopyOut(Flight flight, Flight.Stage stage, OutputSlab to)
    {
        IReadOnlyList<OutputRows> outputs = OutputsOf(to);
        int rows = flight.Plan.IsChecked ? flight.Plan.Rows : flight.Batch.Count;
        _streams.Record(stage.Begin, DeviceStream.CopyOut);
        for (int i = 0; i < outputs.Count; i++)
        {
            _streams.Copy(
                DeviceStream.CopyOut, outputs[i].Memory.Address, flight.Rows.Outputs[i], outputs[i].RowBytes * rows);
        }

        _streams.Record(stage.End, DeviceStream.CopyOut);
    }

    private static IReadOnlyList<OutputRows> OutputsOf(OutputSlab slab) => slab.SlabMemory.Outputs;

    private void Run(Flight flight, nint graph, Action<int> ranOutOfMemory)
    {
        Batch batch = flight.Batch;
        int rows = batch.Count;
        _running = flight;
        try
        {
            RunOrReplay(flight, graph);
            if (graph != 0)
            {
                _graphs!.Answered(flight.Plan.Rows);
            }
        }
        catch (Exception exception)
        {
            ThrowIfLost(exception);
            if (FaultIsolation.IsOutOfMemory(exception))
            {
                flight.Plan = BatchGraphs.Plain(rows);
                ranOutOfMemory(rows);
                RunHalves(batch, exception);
            }
            else if ((graph != 0 || flight.Plan.Rows > rows) && !batch.IsSpoiled)
            {
                RunPlainly(flight, wasGraph: graph != 0, exception, ranOutOfMemory);
            }
            else
            {
                _isolation.Isolate(batch, exception);
            }

            ThrowIfLost(batch.Fault(0).Error);
        }
    }

    private void RunOrReplay(Flight flight, nint graph)
    {
        if (graph != 0)
        {
            _streams.Replay(graph);
        }
        else
        {
            _streams.Run(flight, 0, flight.Plan.Rows);
            _graphs?.Ran(flight.Plan.Rows);
        }
    }

    // It may be the graph, or the rows of zeros: the batch's own rows are run alone.
    private void RunPlainly(Flight flight, bool wasGraph, Exception error, Action<int> ranOutOfMemory)
    {
        int size = flight.Plan.Rows;
        flight.Plan = BatchGraphs.Plain(flight.Batch.Count);
        Run(flight, graph: 0, ranOutOfMemory);
        if (wasGraph || !flight.Batch.HasFaults)
        {
            RefuseGraph(size, error);
        }
    }

    private void RefuseGraph(int size, Exception error) => _graphs!.Refuse(size, $"it does not run: {error.Message}");

    // Once: a half that does not fit either fails.
    private void RunHalves(Batch batch, Exception error)
    {
        int rows = batch.Count;
        if (rows == 1 || batch.IsSpoiled)
        {
            batch.Fail(0, rows, error);
            return;
        }

        RunPart(batch, 0, rows / 2);
        RunPart(batch, rows / 2, rows - (rows / 2));
    }

    private void RunPart(Batch batch, int first, int rows)
    {
        try
        {
            _streams.Run(_running!, first, rows);
        }
        catch (Exception exception)
        {
            batch.Fail(first, rows, exception);
        }
    }

    private void RunAgain(Batch batch) => _streams.Run(_running!, batch.FirstMember, batch.Count);

    // What a method throws may be the first that is heard of a loss.
    private void ThrowIfLost(Exception? cause)
    {
        if (cause is DeviceException { Failure: DeviceFailure.Lost } || _streams.IsLost)
        {
            throw new DeviceException(DeviceFailure.Lost, $"{_device.Name} was lost while {_batcher.Name} ran: {cause?.Message}", cause);
        }
    }
}
