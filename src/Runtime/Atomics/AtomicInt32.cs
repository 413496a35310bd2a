using System.Runtime.CompilerServices;

namespace FastBatch.Atomics;

/// <summary>A 32-bit word shared between threads; see <see cref="AtomicInt64"/>.</summary>
internal struct AtomicInt32(int value)
{
    private int _value = value;

    /// <summary>Acquire.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int Read() => Volatile.Read(in _value);

    /// <summary>Release.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(int value) => Volatile.Write(ref _value, value);

    /// <summary>Full fence on success and failure.</summary>
    public bool CompareExchange(int expected, int value) => Interlocked.CompareExchange(ref _value, value, expected) == expected;

    /// <summary>Full fence; returns the value before.</summary>
    public int Exchange(int value) => Interlocked.Exchange(ref _value, value);

    /// <summary>Full fence; returns the new value.</summary>
    public int Add(int amount) => Interlocked.Add(ref _value, amount);
}
