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
        double copyIn = Record(_copyIn, flight.CopyIn);
        Record(_compute, flight.Compute);
        double copyOut = Record(_copyOut, flight.CopyOut);
        if (flight.Batch.Record is { } record)
        {
            (record.HostToDevice, record.DeviceToHost) = ((long)copyIn, (long)copyOut);
        }

        double Record(CostModel model, Flight.Stage stage)
        {
            double duration = streams.Between(stage.Begin, stage.End).TotalSeconds * timestampsPerSecond;
            model.Record(flight.Batch.Count, duration);
            return duration;
        }
    }

    /// <summary>When its stages should end, if each begins at once, or when that of the flight before has ended.</summary>
    public Flight.Forecast Expect(int rows, long now, Flight.Forecast before)
    {
        long copyIn = Math.Max(now, before.CopyIn) + (long)_copyIn.Predict(rows);
        long begins = Math.Max(copyIn, before.Compute);
        long compute = begins + (long)_compute.Predict(rows);
        long copyOut = Math.Max(compute, before.CopyOut) + (long)_copyOut.Predict(rows);
        return new Flight.Forecast(copyIn, begins, compute, copyOut);
    }
}
