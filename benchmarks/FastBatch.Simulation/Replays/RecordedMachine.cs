namespace FastBatch.Simulation.Replays;

/// <summary>
/// What a machine takes for everything around a batch, in ms, drawn from what was recorded: from the end of one batch to the start of the next
/// where rows waited, from a row's arrival at an idle device to its batch, and for each caller that is resumed.
/// </summary>
internal sealed record MachineTimes(double[] HandOver, double[] WakeUp, double[] Resume)
{
    /// <summary>Nothing takes time but the batches.</summary>
    public static MachineTimes None { get; } = new([], [], []);
}

/// <summary>A device and a machine as a trace shows them.</summary>
internal static class RecordedMachine
{
    // Sizes with as many batches have a mean of their own; between them, a line.
    private const int Enough = 20;

    public static (DeviceModel Device, MachineTimes Times) From(Trace trace)
    {
        TraceBatch[] batches = trace.Batches;
        Dictionary<int, double> means = batches.GroupBy(batch => batch.Rows).Where(group => group.Count() >= Enough)
            .ToDictionary(group => group.Key, group => group.Average(Duration));
        (double intercept, double slope) = Line(batches);
        double Mean(int rows) => means.TryGetValue(rows, out double mean) ? mean : intercept + slope * rows;

        var (handOver, wakeUp) = (new List<double>(), new List<double>());
        for (int i = 1; i < batches.Length; i++)
        {
            bool waited = batches[i].Oldest < batches[i - 1].Ended;
            (waited ? handOver : wakeUp).Add(Milliseconds(Math.Max(0, batches[i].Closed - (waited ? batches[i - 1].Ended : batches[i].Oldest))));
        }

        var device = new DeviceModel(intercept, slope) { Shape = Mean, Ratios = [.. batches.Select(batch => Duration(batch) / Mean(batch.Rows))] };
        return (device, new MachineTimes(
            [.. handOver], [.. wakeUp], [.. batches.Select(batch => Milliseconds(batch.Delivered - batch.Ended) / batch.Rows)]));
    }

    private static double Duration(TraceBatch batch) => Milliseconds(batch.Ended - batch.Closed);

    private static double Milliseconds(long nanoseconds) => nanoseconds / 1e6;

    // Least squares; never below what the shortest batch took.
    private static (double Intercept, double Slope) Line(TraceBatch[] batches)
    {
        double n = batches.Average(batch => (double)batch.Rows);
        double t = batches.Average(Duration);
        double spread = batches.Sum(batch => (batch.Rows - n) * (batch.Rows - n));
        double slope = spread == 0 ? 0 : Math.Max(0, batches.Sum(batch => (batch.Rows - n) * (Duration(batch) - t)) / spread);
        return (Math.Max(batches.Min(Duration) / 2, t - slope * n), slope);
    }
}
