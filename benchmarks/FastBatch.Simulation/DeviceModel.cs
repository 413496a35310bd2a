namespace FastBatch.Simulation;

/// <summary>What a batch costs in truth: t(n) = a + b n milliseconds, scattered and scaled.</summary>
/// <param name="Fixed">a, in ms.</param>
/// <param name="PerRow">b, in ms.</param>
internal sealed record DeviceModel(double Fixed, double PerRow)
{
    /// <summary>Relative standard deviation of a duration.</summary>
    public double Jitter { get; init; }

    /// <summary>The share of batches that take ten times as long.</summary>
    public double Outliers { get; init; }

    /// <summary>What durations are multiplied by at a time (ms): steps in cost.</summary>
    public Func<double, double>? Scale { get; init; }

    /// <summary>The mean duration of n rows in ms, where it is no line: steps at tile sizes, a curve.</summary>
    public Func<int, double>? Shape { get; init; }

    /// <summary>The mean duration of a batch, in ms.</summary>
    public double Mean(int rows) => Shape?.Invoke(rows) ?? Fixed + PerRow * rows;

    /// <summary>The most rows per ms.</summary>
    public double Throughput(int maxBatchSize) => maxBatchSize / Mean(maxBatchSize);

    /// <summary>One duration, in ms.</summary>
    public double Sample(int rows, double time, RandomSource random)
    {
        double duration = Mean(rows) * (Scale?.Invoke(time) ?? 1);
        if (Jitter > 0)
        {
            duration *= Math.Max(0.1, 1 + Jitter * random.Normal());
        }

        return Outliers > 0 && random.Uniform() < Outliers ? 10 * duration : duration;
    }
}
