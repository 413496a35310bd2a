namespace FastBatch.Generators.Tests.Behaviour;

/// <summary>Settings under which requests share batches of a known size: a batch waits until it is full.</summary>
internal static class Batches
{
    public static BatcherOptions Of(int rows) => new() { MaxBatchSize = rows, MaxQueueDelay = TimeSpan.FromMinutes(1) };
}
