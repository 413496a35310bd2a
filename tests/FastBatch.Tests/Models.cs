using System.Numerics.Tensors;

namespace FastBatch.Tests;

/// <summary>The methods that the tests serve. Each row carries its identity, so that a crossed answer shows.</summary>
public sealed partial class Echo
{
    private readonly Action<int>? _onBatch;

    public Echo(Action<int>? onBatch = null) => _onBatch = onBatch;

    /// <summary>Answers every row with itself: id -> (id, id + 1).</summary>
    [Batchable(MaxBatchSize = 16)]
    public void Pair([Row(4)] ReadOnlySpan<long> ids, [Row(2)] Span<long> answers)
    {
        int count = ids.Length / 4;
        _onBatch?.Invoke(count);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<long> row = ids.Slice(i * 4, 4);
            if (row.IndexOfAnyExcept(row[0]) >= 0)
            {
                throw new InvalidDataException($"A row mixes requests: {string.Join(", ", row.ToArray())}.");
            }

            answers[i * 2] = row[0];
            answers[(i * 2) + 1] = row[0] + 1;
        }
    }

    /// <summary>One value in, one value out.</summary>
    [Batchable(MaxBatchSize = 16)]
    public void Square(ReadOnlySpan<int> values, Span<int> squares)
    {
        _onBatch?.Invoke(values.Length);
        for (int i = 0; i < values.Length; i++)
        {
            squares[i] = values[i] * values[i];
        }
    }
}

/// <summary>Throws whenever a row is among the bad ones; answers the others with their negative, in two places.</summary>
public sealed partial class Picky(Func<int, Exception?> judge, Action<int>? onRun = null)
{
    [Batchable(MaxBatchSize = 64, BatchDim = 0, OutputBatchDim = 1)]
    public void Negate(ReadOnlySpan<int> values, Span<int> negatives, [Row(2)] TensorSpan<int> pairs)
    {
        onRun?.Invoke(values.Length);
        for (int i = 0; i < values.Length; i++)
        {
            // Half done before it throws, as models are.
            negatives[i] = -values[i];
            pairs[0, i] = pairs[1, i] = -values[i];
            if (judge(values[i]) is { } exception)
            {
                throw exception;
            }
        }
    }
}

/// <summary>Several inputs and outputs of different types.</summary>
public static partial class Ranking
{
    [Batchable(MaxBatchSize = 8)]
    public static void Score(
        [Row(2, 3)] ReadOnlyTensorSpan<float> features,
        ReadOnlySpan<int> userIds,
        [Row(3)] TensorSpan<Half> sums,
        Span<bool> isEven,
        Span<long> ids)
    {
        for (int i = 0; i < userIds.Length; i++)
        {
            for (int column = 0; column < 3; column++)
            {
                sums[i, column] = (Half)(features[i, 0, column] + features[i, 1, column]);
            }

            isEven[i] = userIds[i] % 2 == 0;
            ids[i] = userIds[i];
        }
    }
}
