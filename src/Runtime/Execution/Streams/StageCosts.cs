using FastBatch.Devices;
using FastBatch.Scheduling;

namespace FastBatch.Execution.Streams;

/// <summary>What the stages of a batch take, learned from the device's own events, and so when those under way should end. Device side; pure.</summary>
/// <param name="timestampsPerSecond">The clock's unit.</param>
internal sealed class StageCosts(long timestampsPerSecond)
{
    private readonly CostModel _copyIn = new();
    private readonly CostModel _compute = new();
    private readonly CostModel _copyOut = new();

    public CostEstimate CopyIn => _copyIn.Estimate;

    public CostEstimate Compute => _compute.Estimate;

    /// <summary>The flight has landed, after all its rows have run.</summary>
    public void Record(Flight flight, DeviceStreams streams)
    {
        double copyIn = Record(_copyIn, flight.CopyIn, flight.Batch.Count);
        Record(_compute, flight.Compute, flight.Plan.Rows);
        double copyOut = Record(_copyOut, flight.CopyOut, flight.Batch.Count);
        if (flight.Batch.Record is { } record)
        {
            (record.HostToDevice, record.DeviceToHost) = ((long)copyIn, (long)copyOut);
        }

        double Record(CostModel model, Flight.Stage stage, int rows)
        {
            double duration = streams.Between(stage.Begin, stage.End).TotalSeconds * timestampsPerSecond;
            model.Record(rows, duration);
            return duration;
        }
    }

    /// <summary>When its stages should end, if each begins at once, or when that of the flight before has ended.</summary>
    /// <param name="rows">Rows of the batch.</param>
    /// <param name="computed">Rows that the method is given.</param>
    /// <param name="now">The current timestamp.</param>
    /// <param name="before">The flight before.</param>
    public Flight.Forecast Expect(int rows, int computed, long now, Flight.Forecast before)
    {
        long copyIn = Math.Max(now, before.CopyIn) + (long)_copyIn.Predict(rows);
        long begins = Math.Max(copyIn, before.Compute);
        long compute = begins + (long)_compute.Predict(computed);
        long copyOut = Math.Max(compute, before.CopyOut) + (long)_copyOut.Predict(rows);
        return new Flight.Forecast(copyIn, begins, compute, copyOut);
    }
}
