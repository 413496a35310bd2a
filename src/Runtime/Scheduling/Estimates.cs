namespace FastBatch.Scheduling;

/// <summary>
/// What the device side has learned, for callers' threads and for people. One writer, the device side; any thread reads. Plain fields: what is
/// read may be some batches old, and two numbers a batch apart. They are estimates, and nothing relies on their being new or fitting together.
/// </summary>
internal sealed class Estimates(int maxBatchSize)
{
    private double _fixed;
    private double _perRow;
    private double _deviation;

    /// <summary>What batches take; all 0 while nothing is known.</summary>
    public CostEstimate Cost => new(_fixed, _perRow, _deviation);

    /// <summary>Rows per timestamp unit; 0 while nothing is known.</summary>
    public double ArrivalRate { get; private set; }

    /// <summary>The most rows a batch may have at the moment.</summary>
    public int MaxRows { get; private set; } = maxBatchSize;

    /// <summary>When the batches under way should have ended; 0 if there are none.</summary>
    public long BusyUntil { get; set; }

    /// <summary>When a row submitted now should be answered, with so many to be taken before it.</summary>
    /// <param name="ahead">Rows.</param>
    /// <param name="now">The current timestamp.</param>
    public long PredictEnd(int ahead, long now) => Admission.PredictEnd(ahead, MaxRows, Cost, BusyUntil, now);

    /// <summary>Device side.</summary>
    public void Publish(in CostEstimate cost, double arrivalRate, int maxRows)
    {
        (_fixed, _perRow, _deviation) = (cost.Fixed, cost.PerRow, cost.Deviation);
        (ArrivalRate, MaxRows) = (arrivalRate, maxRows);
    }
}
