namespace FastBatch.Diagnostics;

/// <summary>How batches of one size fare as graphs; see <see cref="Batcher.GetGraphs"/>.</summary>
/// <param name="Rows">The size: batches of fewer rows, down to the next size, are filled up to it with rows of zeros.</param>
/// <param name="Recorded">In how many of a device's places for batches it is recorded; each has memory of its own.</param>
/// <param name="Places">How many places there are.</param>
/// <param name="Replays">How many batches were answered by a graph.</param>
/// <param name="Refusal">Why batches of this size run without a graph, for good; null while nothing speaks against it.</param>
public readonly record struct GraphReport(int Rows, int Recorded, int Places, long Replays, string? Refusal);
