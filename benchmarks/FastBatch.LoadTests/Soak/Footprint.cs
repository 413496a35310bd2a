using System.Diagnostics;
using System.Globalization;

namespace FastBatch.LoadTests.Soak;

/// <summary>What the process holds, between two episodes and after a full collection: what is left then is held by somebody.</summary>
internal sealed record Footprint(
    double Seconds, long Requests, double ResidentMegabytes, double HeapMegabytes, double PinnedMegabytes, int Handles, int Threads)
{
    private const int PinnedHeap = 4;
    private const double Megabyte = 1 << 20;

    public static Footprint Take(TimeSpan elapsed, long requests)
    {
        // Twice, with the finalizers between, so that what only they let go of is gone as well. Aggressive: memory goes back to the system.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GCMemoryInfo memory = GC.GetGCMemoryInfo(GCKind.FullBlocking);
        return new Footprint(
            Math.Round(elapsed.TotalSeconds, 1),
            requests,
            Math.Round(ResidentBytes() / Megabyte, 2),
            Math.Round(memory.HeapSizeBytes / Megabyte, 2),
            Math.Round(memory.GenerationInfo[PinnedHeap].SizeAfterBytes / Megabyte, 2),
            Handles: CountOf("/proc/self/fd"),
            Threads: CountOf("/proc/self/task"));
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Seconds,7:0.0} s  {Requests,15:N0} requests  RSS {ResidentMegabytes:0.0} MB  heap {HeapMegabytes:0.0} MB  "
            + $"pinned {PinnedMegabytes:0.0} MB  {Handles} handles  {Threads} threads");

    private static long ResidentBytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    // Elsewhere than on Linux there is nothing to count.
    private static int CountOf(string directory) => Directory.Exists(directory) ? Directory.GetFileSystemEntries(directory).Length : 0;
}
