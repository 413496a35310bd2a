namespace FastBatch.Benchmarks;

/// <summary>A method that computes almost nothing, so that what is measured is FastBatch.</summary>
public static partial class NoOp
{
    /// <summary>y[0] = x[0] for every row.</summary>
    [Batchable(BatchDim = 0, MaxBatchSize = 64)]
    public static void Run([Row(128)] ReadOnlySpan<float> x, [Row(16)] Span<float> y)
    {
        for (int row = 0; row < x.Length / 128; row++)
        {
            y[row * 16] = x[row * 128];
        }
    }
}
