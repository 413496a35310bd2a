using System.Collections;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace FastBatch;

/// <summary>
/// Sizes of batches, for <see cref="BatcherOptions.GraphSizes"/>: <c>[1, 8, 32]</c>. In ascending order, each once; two are equal if they have
/// the same sizes.
/// </summary>
[CollectionBuilder(typeof(GraphSizes), nameof(Create))]
public sealed class GraphSizes : IReadOnlyList<int>, IEquatable<GraphSizes>
{
    private readonly int[] _sizes;

    private GraphSizes(IEnumerable<int> sizes) => _sizes = [.. sizes.Distinct().Order()];

    /// <inheritdoc/>
    public int Count => _sizes.Length;

    /// <inheritdoc/>
    public int this[int index] => _sizes[index];

    /// <summary>These sizes, in any order.</summary>
    /// <param name="sizes">Rows of a batch.</param>
    public static GraphSizes Create(ReadOnlySpan<int> sizes) => new(sizes.ToArray());

    /// <summary>1, 2, 4 and so on, and the largest.</summary>
    /// <param name="largest">At least 1.</param>
    internal static GraphSizes PowersOfTwo(int largest) => new(
        Enumerable.Range(0, BitOperations.Log2((uint)largest) + 1).Select(static power => 1 << power).Append(largest));

    /// <summary>Which of them a batch of so many rows fits into with the fewest to spare; -1 if none is large enough.</summary>
    internal int IndexFor(int rows)
    {
        for (int i = 0; i < _sizes.Length; i++)
        {
            if (_sizes[i] >= rows)
            {
                return i;
            }
        }

        return -1;
    }

    /// <inheritdoc/>
    public bool Equals(GraphSizes? other) => other is not null && _sizes.AsSpan().SequenceEqual(other._sizes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as GraphSizes);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(_sizes.AsSpan()));
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public IEnumerator<int> GetEnumerator() => ((IEnumerable<int>)_sizes).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>"1, 8, 32".</summary>
    public override string ToString() => string.Join(", ", _sizes);
}
