namespace FastBatch.Hosting.Tests;

/// <summary>A model whose batches a test can hold.</summary>
public sealed partial class Doubler
{
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly ManualResetEventSlim _open = new(initialState: true);

    public int LargestSeen { get; private set; }

    public void Hold() => _open.Reset();

    public void Release() => _open.Set();

    public Task ArrivedAsync() => _arrived.WaitAsync().WaitAsync(TimeSpan.FromSeconds(30));

    [Batchable(MaxBatchSize = 16)]
    public void Double(ReadOnlySpan<int> values, Span<int> doubles)
    {
        LargestSeen = Math.Max(LargestSeen, values.Length);
        _arrived.Release();
        _open.Wait();
        for (int i = 0; i < values.Length; i++)
        {
            doubles[i] = 2 * values[i];
        }
    }
}

/// <summary>A model with a constructor that services fill.</summary>
public sealed partial class Adder(Summand summand) : IDisposable
{
    public bool IsDisposed { get; private set; }

    public void Dispose() => IsDisposed = true;

    [Batchable]
    public void Add(ReadOnlySpan<int> values, Span<int> sums)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        for (int i = 0; i < values.Length; i++)
        {
            sums[i] = values[i] + summand.Value;
        }
    }
}

public sealed record Summand(int Value);

/// <summary>A method that needs no instance.</summary>
internal static partial class Negation
{
    [Batchable(MaxBatchSize = 4)]
    internal static void Negate(ReadOnlySpan<int> values, Span<int> negatives)
    {
        for (int i = 0; i < values.Length; i++)
        {
            negatives[i] = -values[i];
        }
    }
}

/// <summary>A method of a type with type parameters.</summary>
public static partial class Outer<TKey>
    where TKey : unmanaged, IComparable<TKey>
{
    public partial class Inner<TValue>
        where TValue : class, new()
    {
        [Batchable]
        public void Echo(ReadOnlySpan<TKey> keys, Span<TKey> echoes) => keys.CopyTo(echoes);
    }
}
