using System.Runtime.CompilerServices;
using FastBatch.Atomics;

namespace FastBatch.Execution;

/// <summary>
/// How callers know whether to wake the device side, without a fence: one load of a word that only changes when that side goes to sleep
/// or wakes. Asleep, it holds the first ticket worth waking for; awake, a number no ticket reaches. Whoever changes it back to awake,
/// once per sleep, wakes the device side (or is it).
/// </summary>
internal struct WakeMark
{
    /// <summary>As a ticket: wakes whatever the sleeper waits for.</summary>
    public const long Always = long.MaxValue - 1;

    private const long Awake = long.MaxValue;

    private PaddedAtomicInt64 _mark;

    /// <summary>Caller side, after it published <paramref name="ticket"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool IsReached(long ticket) => ticket >= _mark.Value.Read();

    /// <summary>True for the one that ends the sleep.</summary>
    public bool TryEnd()
    {
        long mark = _mark.Value.Read();
        return mark != Awake && _mark.Value.CompareExchange(mark, Awake);
    }

    /// <summary>
    /// Device side: from here on callers with <paramref name="ticket"/> or a later one wake it. The fence pairs with the one in every
    /// claim: a claim not visible after this will see the mark.
    /// </summary>
    public void Set(long ticket)
    {
        _mark.Value.Write(ticket);
        Fence.Full();
    }
}
