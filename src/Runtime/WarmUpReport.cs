namespace FastBatch;

/// <summary>What <see cref="Batcher.WarmUpAsync"/> ran.</summary>
/// <param name="Batches">Batches, on all devices together.</param>
/// <param name="Rows">The rows in them.</param>
/// <param name="Duration">From the first to the last; where there are several devices, which warm up side by side, the longest.</param>
public readonly record struct WarmUpReport(int Batches, long Rows, TimeSpan Duration);
