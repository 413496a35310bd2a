using System.Runtime.CompilerServices;

namespace FastBatch.Atomics;

/// <summary>Fences that stand alone; see <see cref="AtomicInt64"/>.</summary>
internal static class Fence
{
    /// <summary>No load after this is satisfied before a store ahead of it is visible to all.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Full() => Interlocked.MemoryBarrier();

    /// <summary>
    /// As if every running thread of the process executed <see cref="Full"/> now. Costs microseconds; it lets the other side of a
    /// store-then-load handshake do without any fence.
    /// </summary>
    public static void ProcessWide() => Interlocked.MemoryBarrierProcessWide();
}
