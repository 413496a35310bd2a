namespace FastBatch.Scheduling;

/// <summary>What a batch of n rows is expected to take: t(n) = a + b n, give or take.</summary>
/// <param name="Fixed">a, in timestamp units.</param>
/// <param name="PerRow">b, in timestamp units.</param>
/// <param name="Deviation">Mean absolute deviation of a batch from t(n), as a share of it.</param>
internal readonly record struct CostEstimate(double Fixed, double PerRow, double Deviation)
{
    // Deviations of headroom in a promise: with normal scatter, one batch in 18 takes longer.
    private const double Headroom = 2;

    /// <summary>The duration expected.</summary>
    public double Mean(int rows) => Fixed + PerRow * rows;

    /// <summary>The duration to promise: T(n), longer than most.</summary>
    public double Plan(int rows) => Mean(rows) * (1 + Headroom * Deviation);

    /// <summary>The most rows that <see cref="Plan"/> fits into a time; may be 0, or less.</summary>
    public int RowsWithin(double duration)
    {
        double rows = (duration / (1 + Headroom * Deviation) - Fixed) / PerRow;
        return rows >= int.MaxValue || double.IsNaN(rows) ? int.MaxValue : (int)Math.Floor(Math.Max(rows, -1));
    }
}
