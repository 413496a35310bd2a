using FastBatch.Scheduling;

namespace FastBatch.TorchSharp.Tests;

internal static class Batches
{
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "Fixtures");

    /// <summary>Only a full batch of exactly this many rows runs.</summary>
    public static BatcherOptions Of(int rows) => new() { MaxBatchSize = rows, Policy = new SizeOrDelayPolicy(TimeSpan.FromMinutes(1)) };

    public static Task InBatchAsync(int rows, Func<int, Task> submit) => Task.WhenAll(Enumerable.Range(0, rows).Select(submit));

    public static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 1e-5);
        }
    }
}
