using System.Numerics.Tensors;

namespace FastBatch.Generators.Tests.Behaviour;

/// <summary>The batch at every dimension of what the method sees, for batches of one row and of several.</summary>
public partial class StridedTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Batch_in_front(int rows)
    {
        var model = new Model();
        await using Model.FrontBatcher batcher = model.CreateFrontBatcher(Batches.Of(rows));
        await CheckAsync(rows, row => batcher.SubmitAsync(Row(row, 15)));
        Assert.Equal([rows, 3, 5], model.Seen!);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Batch_in_the_middle(int rows)
    {
        var model = new Model();
        await using Model.MiddleBatcher batcher = model.CreateMiddleBatcher(Batches.Of(rows));
        await CheckAsync(rows, row => batcher.SubmitAsync(Row(row, 15)));
        Assert.Equal([3, rows, 5], model.Seen!);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Batch_at_the_end(int rows)
    {
        var model = new Model();
        await using Model.EndBatcher batcher = model.CreateEndBatcher(Batches.Of(rows));
        await CheckAsync(rows, row => batcher.SubmitAsync(Row(row, 15)));
        Assert.Equal([3, 5, rows], model.Seen!);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Dimensions_of_length_one(int rows)
    {
        var model = new Model();
        await using Model.ThinBatcher batcher = model.CreateThinBatcher(Batches.Of(rows));
        float[][] results = [.. Enumerable.Range(0, rows).Select(static _ => new float[3])];
        await Task.WhenAll(Enumerable.Range(0, rows).Select(row => batcher.SubmitAsync(Row(row, 3), row, results[row]).AsTask()));
        for (int row = 0; row < rows; row++)
        {
            Assert.Equal(Row(row, 3).Select(value => value + row), results[row]);
        }

        Assert.Equal([1, rows, 3, 1], model.Seen!);
    }

    private static async Task CheckAsync(int rows, Func<int, ValueTask<RowLease<float>>> submit)
    {
        Task<RowLease<float>>[] tasks = [.. Enumerable.Range(0, rows).Select(row => submit(row).AsTask())];
        for (int row = 0; row < rows; row++)
        {
            using RowLease<float> lease = await tasks[row];
            Assert.Equal(Transposed(Row(row, 15)), lease.Span.ToArray());
        }
    }

    private static float[] Row(int row, int length) => [.. Enumerable.Range(0, length).Select(index => 100f * row + index)];

    private static float[] Transposed(float[] matrix) => [.. Enumerable.Range(0, 15).Select(index => matrix[index % 3 * 5 + index / 3])];

    /// <summary>Transposes each row, a 3 x 5 matrix, with the batch wherever it stands.</summary>
    private sealed partial class Model
    {
        public int[]? Seen { get; private set; }

        [Batchable(BatchDim = 0)]
        internal void Front([Row(3, 5)] ReadOnlyTensorSpan<float> matrices, [Row(5, 3)] TensorSpan<float> transposed)
        {
            Seen = [.. matrices.Lengths.ToArray().Select(static length => (int)length)];
            for (int n = 0; n < Seen[0]; n++)
            {
                for (int i = 0; i < 15; i++)
                {
                    transposed[n, i / 3, i % 3] = matrices[n, i % 3, i / 3];
                }
            }
        }

        [Batchable(BatchDim = 1)]
        internal void Middle([Row(3, 5)] ReadOnlyTensorSpan<float> matrices, [Row(5, 3)] TensorSpan<float> transposed)
        {
            Seen = [.. matrices.Lengths.ToArray().Select(static length => (int)length)];
            for (int n = 0; n < Seen[1]; n++)
            {
                for (int i = 0; i < 15; i++)
                {
                    transposed[i / 3, n, i % 3] = matrices[i % 3, n, i / 3];
                }
            }
        }

        [Batchable(BatchDim = 2, OutputBatchDim = 0)]
        internal void End([Row(3, 5)] ReadOnlyTensorSpan<float> matrices, [Row(5, 3)] Span<float> transposed)
        {
            Seen = [.. matrices.Lengths.ToArray().Select(static length => (int)length)];
            for (int n = 0; n < Seen[2]; n++)
            {
                for (int i = 0; i < 15; i++)
                {
                    transposed[n * 15 + i] = matrices[i % 3, i / 3, n];
                }
            }
        }

        [Batchable(BatchDim = 1)]
        internal void Thin([Row(1, 3, 1)] ReadOnlyTensorSpan<float> values, [Row()] ReadOnlyTensorSpan<int> added, [Row(3)] TensorSpan<float> sums)
        {
            Seen = [.. values.Lengths.ToArray().Select(static length => (int)length)];
            for (int n = 0; n < Seen[1]; n++)
            {
                for (int i = 0; i < 3; i++)
                {
                    sums[i, n] = values[0, n, i, 0] + added[n];
                }
            }
        }
    }
}
