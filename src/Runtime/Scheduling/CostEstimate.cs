namespace FastBatch.Scheduling;

/// <summary>What a batch of n rows is expected to take: t(n) = a + b n, give or take.</summary>
/// <param name="Fixed">a, in timestamp units.</param>
/// <param name="PerRow">b, in timestamp units.</param>
/// <param name="Deviation">Mean absolute deviation of a batch from t(n), as a share of it.</param>
internal readonly record struct CostEstimate(double Fixed, double PerRow, double Deviation)
{
    // Deviations of headroom in a promise: with normal scatter, one batch in a thousand takes longer. Where it would take more than a tenth,
    // being careful costs more answers than being late does.
    private const double Headroom = 4;
    private const double MostHeadroom = 0.1;

    private double Caution => 1 + Math.Min(Headroom * Deviation, MostHeadroom);

    /// <summary>The duration expected.</summary>
    public double Mean(int rows) => Fixed + PerRow * rows;

    /// <summary>The duration to promise: T(n), longer than most.</summary>
    public double Plan(int rows) => Mean(rows) * Caution;

    /// <summary>The most rows that <see cref="Plan"/> fits into a time; may be 0, or less.</summary>
    public int RowsWithin(double duration)
    {
        double rows = (duration / Caution - Fixed) / PerRow;
        return rows >= int.MaxValue || double.IsNaN(rows) ? int.MaxValue : (int)Math.Floor(Math.Max(rows, -1));
    }
}
