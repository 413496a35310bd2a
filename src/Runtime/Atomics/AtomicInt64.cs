using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastBatch.Atomics;

/// <summary>
/// A 64-bit word shared between threads. All lock-free state of the runtime goes through this struct, <see cref="AtomicInt32"/>,
/// <see cref="AtomicReference{T}"/> and <see cref="Fence"/>, so that the same source can be compiled over a modelled memory.
/// </summary>
internal struct AtomicInt64(long value)
{
    private long _value = value;

    /// <summary>Acquire: what the writer stored before its <see cref="Write"/> is visible after this.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly long Read() => Volatile.Read(in _value);

    /// <summary>Release: everything stored before this is visible to whoever reads the new value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(long value) => Volatile.Write(ref _value, value);

    /// <summary>Full fence on success and failure.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool CompareExchange(long expected, long value) => Interlocked.CompareExchange(ref _value, value, expected) == expected;

    /// <summary>Full fence; returns the new value.</summary>
    public long Add(long amount) => Interlocked.Add(ref _value, amount);

    /// <summary>Full fence; returns the value before.</summary>
    public long Or(long bits) => Interlocked.Or(ref _value, bits);
}

/// <summary>An <see cref="AtomicInt64"/> alone on its cache lines (two: adjacent lines are prefetched in pairs).</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct PaddedAtomicInt64
{
    [FieldOffset(128)]
    public AtomicInt64 Value;
}
