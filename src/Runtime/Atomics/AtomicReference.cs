using System.Runtime.CompilerServices;

namespace FastBatch.Atomics;

/// <summary>A reference shared between threads; see <see cref="AtomicInt64"/>.</summary>
internal struct AtomicReference<T>
    where T : class
{
    private T? _value;

    /// <summary>Acquire.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly T? Read() => Volatile.Read(in _value);

    /// <summary>Release.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(T? value) => Volatile.Write(ref _value, value);

    /// <summary>Full fence on success and failure.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool CompareExchange(T? expected, T? value) => ReferenceEquals(Interlocked.CompareExchange(ref _value, value, expected), expected);

    /// <summary>Full fence; returns the value before.</summary>
    public T? Exchange(T? value) => Interlocked.Exchange(ref _value, value);
}
