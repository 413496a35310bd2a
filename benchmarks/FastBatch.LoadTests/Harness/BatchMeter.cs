namespace FastBatch.LoadTests.Harness;

/// <summary>
/// Counts batches and rows from inside the models. Batches of one batcher never overlap and one batcher runs at a
/// time, so plain fields do; the measuring thread reads them while they move and may be one batch off.
/// </summary>
internal static class BatchMeter
{
    private static long s_batches;
    private static long s_rows;

    public static (long Batches, long Rows) Read() => (Volatile.Read(ref s_batches), Volatile.Read(ref s_rows));

    public static void Record(int rows)
    {
        s_batches++;
        s_rows += rows;
    }
}
