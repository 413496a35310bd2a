namespace FastBatch.Generators.Tests.Behaviour;

/// <summary>Elements of every sort, in generic types too: what goes in comes out.</summary>
public partial class ElementTests
{
    internal enum Suit : short
    {
        Spades = 1,
        Hearts = 2,
    }

    [Fact]
    public async Task Numbers()
    {
        await EchoAsync<byte>(1, 2, 3);
        await EchoAsync(Half.Pi, Half.E, Half.NegativeOne);
        await EchoAsync(Int128.MaxValue, Int128.MinValue, Int128.One);
        await EchoAsync(decimal.MaxValue, 0.1m, decimal.MinusOne);
        await EchoAsync<nint>(1, -2, nint.MaxValue);
    }

    [Fact]
    public async Task Other_elements()
    {
        await EchoAsync(true, false, true);
        await EchoAsync('a', 'ß', '\uffff');
        await EchoAsync(Suit.Hearts, Suit.Spades, (Suit)9);
        await EchoAsync(Guid.NewGuid(), Guid.NewGuid(), Guid.Empty);
        await EchoAsync((1, 'a', true), (2, 'b', false), (3, 'c', true));
    }

    [Fact]
    public async Task Structs()
    {
        await EchoAsync(new Card(Suit.Hearts, 1.5), new Card(Suit.Spades, 2.5), default);
        await EchoAsync(new Pair<Half>(Half.One, Half.E), default, new Pair<Half>(Half.Pi, Half.Pi));
        await EchoAsync(new Odd(1, 2), new Odd(3, 4), new Odd(5, 6));
    }

    [Fact]
    public async Task Type_parameters_of_outer_types_too()
    {
        await using Outer<int>.Inner<Half>.ScoreBatcher batcher = new Outer<int>.Inner<Half>(3).CreateScoreBatcher();
        (int key, Pair<Half> pair) = await batcher.SubmitAsync([1, 2], Half.One);
        Assert.Equal((3, new Pair<Half>(Half.One, Half.One)), (key, pair));
        Assert.Equal("ElementTests.Outer.Inner.Score", batcher.Name);
    }

    private static async Task EchoAsync<T>(T first, T second, T value)
        where T : unmanaged
    {
        await using Echo<T>.ReturnBatcher batcher = Echo<T>.CreateReturnBatcher(Batches.Of(2));
        var array = new T[2];
        Task<T> copied = batcher.SubmitAsync([first, second], value, array).AsTask();
        Task<Echo<T>.ReturnBatcher.Lease> leased = batcher.SubmitAsync((first, second, value), static (state, row) =>
        {
            row.Values[0] = state.second;
            row.Values[1] = state.first;
            row.Value = state.value;
        }).AsTask();
        Assert.Equal(value, await copied);
        Assert.Equal([first, second], array);
        using Echo<T>.ReturnBatcher.Lease lease = await leased;
        Assert.Equal([second, first], lease.SameValues.ToArray());
        Assert.Equal(value, lease.SameValue);
    }

    internal readonly record struct Card(Suit Suit, double Worth);

    internal readonly record struct Pair<T>(T One, T Other)
        where T : unmanaged;

    /// <summary>Three bytes, which no alignment fits.</summary>
    [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Sequential, Pack = 1)]
    internal readonly record struct Odd(byte One, short Other);

    internal static partial class Echo<T>
        where T : unmanaged
    {
        [Batchable]
        internal static void Return([Row(2)] ReadOnlySpan<T> values, ReadOnlySpan<T> value, [Row(2)] Span<T> sameValues, Span<T> sameValue)
        {
            values.CopyTo(sameValues);
            value.CopyTo(sameValue);
        }
    }

    internal partial class Outer<TKey>
        where TKey : unmanaged, System.Numerics.INumber<TKey>
    {
        internal sealed partial class Inner<TState>(TKey expected)
            where TState : unmanaged
        {
            [Batchable]
            internal void Score([Row(2)] ReadOnlySpan<TKey> keys, ReadOnlySpan<TState> state, Span<TKey> sum, Span<Pair<TState>> pair)
            {
                for (int n = 0; n < state.Length; n++)
                {
                    sum[n] = keys[2 * n] + keys[2 * n + 1];
                    Assert.Equal(expected, sum[n]);
                    pair[n] = new Pair<TState>(state[n], state[n]);
                }
            }
        }
    }
}
