namespace FastBatch.Native.Tests;

/// <summary>Batchers over modules, from SubmitAsync to the caller's answer. What a module computes for a whole batch is the measure.</summary>
public partial class GeneratedBatcherTests
{
    [NativeTheory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    public async Task One_tensor_in_every_form(int rows)
    {
        using TorchScriptModule module = Fixture.Load("mlp");
        float[] inputs = Fixture.Numbers(rows * 16);
        float[] expected = new float[rows * 10];
        using (TorchScope scope = TorchScope.Enter())
        {
            module.Forward(scope.Copy<float>(inputs, [rows, 16])).CopyTo<float>(expected, [rows, 10]);
        }

        await using Mlp.ClassifyBatcher batcher = new Mlp(module).CreateClassifyBatcher(Of(rows));
        await InBatchAsync(rows, async row =>
        {
            float[] logits = new float[10];
            await batcher.SubmitAsync(Row(inputs, row, 16), logits);
            AssertClose(Row(expected, row, 10), logits);
        });
        await InBatchAsync(rows, async row =>
        {
            using RowLease<float> logits = await batcher.SubmitAsync(Row(inputs, row, 16));
            AssertClose(Row(expected, row, 10), logits.Span);
        });
        await InBatchAsync(rows, async row =>
        {
            float[] logits = new float[10];
            await batcher.SubmitAsync(
                (inputs, row), static (state, features) => Row(state.inputs, state.row, 16).CopyTo(features), logits);
            AssertClose(Row(expected, row, 10), logits);
        });
        await InBatchAsync(rows, async row =>
        {
            using RowLease<float> logits = await batcher.SubmitAsync(
                (inputs, row), static (state, features) => Row(state.inputs, state.row, 16).CopyTo(features));
            AssertClose(Row(expected, row, 10), logits.Span);
        });
    }

    [NativeFact]
    public async Task A_tuple_of_different_elements()
    {
        using TorchScriptModule module = Fixture.Load("results");
        await using Pair.BothBatcher batcher = new Pair(module).CreateBothBatcher(Of(5));
        await InBatchAsync(5, async row =>
        {
            float[] doubled = new float[4];
            long largest = await batcher.SubmitAsync(Peak(row), doubled);
            Assert.Equal(row % 4, largest);
            Assert.Equal([.. Peak(row).Select(static value => value * 2)], doubled);
        });
        await InBatchAsync(5, async row =>
        {
            using Pair.BothBatcher.Lease lease = await batcher.SubmitAsync(Peak(row));
            Assert.Equal(row % 4, lease.Largest);
            Assert.Equal([.. Peak(row).Select(static value => value * 2)], lease.Doubled.ToArray());
        });

        static float[] Peak(int row)
        {
            float[] values = [row, row, row, row];
            values[row % 4] += 0.5f;
            return values;
        }
    }

    [NativeFact]
    public async Task Two_inputs_of_different_elements()
    {
        using TorchScriptModule module = Fixture.Load("two_inputs");
        float[] x = Fixture.Numbers(6 * 8);
        long[] ids = [.. Enumerable.Range(0, 6 * 3).Select(static n => (long)(n * 7 % 20))];
        float[] expected = new float[6 * 8];
        using (TorchScope scope = TorchScope.Enter())
        {
            module.Forward(scope.Copy<float>(x, [6, 8]), scope.Copy<long>(ids, [6, 3])).CopyTo<float>(expected, [6, 8]);
        }

        await using Embedder.EmbedBatcher batcher = new Embedder(module).CreateEmbedBatcher(Of(6));
        await InBatchAsync(6, async row =>
        {
            float[] embedding = new float[8];
            await batcher.SubmitAsync(Row(x, row, 8), Row(ids, row, 3), embedding);
            AssertClose(Row(expected, row, 8), embedding);
        });
        await InBatchAsync(6, async row =>
        {
            using RowLease<float> embedding = await batcher.SubmitAsync((x, ids, row), static (state, target) =>
            {
                Row(state.x, state.row, 8).CopyTo(target.X);
                Row(state.ids, state.row, 3).CopyTo(target.Ids);
            });
            AssertClose(Row(expected, row, 8), embedding.Span);
        });
    }

    [NativeTheory]
    [InlineData(1)]
    [InlineData(5)]
    public async Task The_batch_in_another_dimension(int rows)
    {
        using TorchScriptModule columns = Fixture.Load("columns");
        using TorchScriptModule layouts = Fixture.Load("layouts");
        float[] x = Fixture.Numbers(rows * 3);
        float[] expected = new float[rows * 2];
        using (TorchScope scope = TorchScope.Enter())
        {
            columns.Forward(scope.Borrow<float>(x, [3, rows], batchDim: 1)).CopyTo<float>(expected, [2, rows], batchDim: 1);
        }

        var model = new Turned(columns, layouts);
        await using Turned.ProjectBatcher project = model.CreateProjectBatcher(Of(rows));
        await using Turned.TransposeBatcher transpose = model.CreateTransposeBatcher(Of(rows));
        await InBatchAsync(rows, async row =>
        {
            float[] projected = new float[2];
            await project.SubmitAsync(Row(x, row, 3), projected);
            AssertClose(Row(expected, row, 2), projected);
        });

        // [4, n, 5] becomes [4, 5, n]: each row stays what it was.
        float[] blocks = Fixture.Numbers(rows * 20);
        await InBatchAsync(rows, async row =>
        {
            float[] block = new float[20];
            await transpose.SubmitAsync(Row(blocks, row, 20), block);
            Assert.Equal(Row(blocks, row, 20), block);
        });
    }

    [NativeFact]
    public async Task Single_values()
    {
        using TorchScriptModule module = Fixture.Load("identity");
        await using Echo.LongBatcher longs = new Echo(module).CreateLongBatcher(Of(3));
        await using Echo.ManyBatcher many = Echo.CreateManyBatcher(Of(3));
        await InBatchAsync(3, async row => Assert.Equal(long.MaxValue - row, await longs.SubmitAsync(long.MaxValue - row)));
        await InBatchAsync(3, async row => Assert.Equal(
            ((byte)row, (sbyte)-row, (short)(row - 1000), row << 20, (Half)row, row / 3.0, row == 1),
            await many.SubmitAsync((byte)row, (sbyte)-row, (short)(row - 1000), row << 20, (Half)row, row / 3.0, row == 1)));
    }

    [NativeFact]
    public async Task Each_of_many_callers_has_its_own_answer()
    {
        const int Clients = 64;
        using TorchScriptModule module = Fixture.Load("methods");
        await using Shift.AddBatcher batcher = new Shift(module).CreateAddBatcher();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(async () =>
        {
            float[] shifted = new float[2];
            for (int i = 0; i < 500; i++)
            {
                await batcher.SubmitAsync([client, i], shifted);
                Assert.Equal([client + 1, i + 1], shifted);
            }
        })));
    }

    [NativeFact]
    public async Task Another_shape_than_announced_is_every_callers_error()
    {
        using TorchScriptModule module = Fixture.Load("mlp");
        await using Mistaken.WideBatcher wide = new Mistaken(module).CreateWideBatcher(Of(4));
        await RefusedAsync(
            4,
            TorchFailure.Mismatch,
            "expected float32 [4, 12], the model returned float32 [4, 10]",
            async _ => await wide.SubmitAsync(new float[16], new float[12]));

        await using Mistaken.FlatBatcher flat = new Mistaken(module).CreateFlatBatcher(Of(3));
        await RefusedAsync(
            3,
            TorchFailure.Mismatch,
            "expected int64 [3], the model returned float32 [3, 10]",
            async _ => await flat.SubmitAsync(new float[16]));

        await using Mistaken.NoneBatcher none = new Mistaken(module).CreateNoneBatcher(Of(2));
        await RefusedAsync(2, TorchFailure.Argument, "", async _ => await none.SubmitAsync(1));
    }

    [NativeFact]
    public async Task Rows_that_a_module_wrote_to_before_it_raised_fail_with_it()
    {
        using TorchScriptModule module = Fixture.Load("overwrites");
        await using Careful.DoubleBatcher batcher = new Careful(module).CreateDoubleBatcher(Of(4));
        for (int i = 0; i < 3; i++)
        {
            // Run again, the others would be answered with 0.
            await RefusedAsync(
                4, TorchFailure.Exception, "an input is negative", async row => await batcher.SubmitAsync([row == 2 ? -1 : row, row], new float[2]));
            await InBatchAsync(4, async row =>
            {
                float[] doubled = new float[2];
                await batcher.SubmitAsync([row, row + 1], doubled);
                Assert.Equal([2 * row, (2 * row) + 2], doubled);
            });
        }
    }

    [NativeFact]
    public async Task A_row_that_makes_a_module_raise_fails_alone()
    {
        using TorchScriptModule module = Fixture.Load("raises");
        await using Careful.DoubleBatcher batcher = new Careful(module).CreateDoubleBatcher(Of(4));
        for (int i = 0; i < 3; i++)
        {
            await InBatchAsync(4, async row =>
            {
                float[] doubled = new float[2];
                async Task SubmitAsync(float value)
                {
                    await batcher.SubmitAsync([value, 2 * value], doubled);
                    Assert.Equal([2 * value, 4 * value], doubled);
                }

                if (row == 2)
                {
                    await RefusedAsync(1, TorchFailure.Exception, "an input is negative", _ => SubmitAsync(-1));
                }
                else
                {
                    await SubmitAsync(row);
                }
            });
        }
    }

    // A batch waits until it has all its rows.
    private static BatcherOptions Of(int rows) => new() { MaxBatchSize = rows, MaxQueueDelay = TimeSpan.FromMinutes(1) };

    private static async Task InBatchAsync(int rows, Func<int, Task> submit) =>
        await Task.WhenAll(Enumerable.Range(0, rows).Select(submit)).WaitAsync(TimeSpan.FromSeconds(30));

    private static async Task RefusedAsync(int rows, TorchFailure failure, string message, Func<int, Task> submit)
    {
        Task<BatchExecutionException>[] refusals =
            [.. Enumerable.Range(0, rows).Select(row => Assert.ThrowsAsync<BatchExecutionException>(() => submit(row)))];
        foreach (BatchExecutionException refusal in await Task.WhenAll(refusals).WaitAsync(TimeSpan.FromSeconds(30)))
        {
            Assert.Equal(rows, refusal.BatchSize);
            TorchException cause = Assert.IsType<TorchException>(refusal.InnerException);
            Assert.Equal(failure, cause.Failure);
            Assert.Contains(message, cause.Message, StringComparison.Ordinal);
        }
    }

    private static ReadOnlySpan<T> Row<T>(T[] rows, int row, int length) => rows.AsSpan(row * length, length);

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 1e-5f);
        }
    }

    internal sealed partial class Mlp(TorchScriptModule module)
    {
        [Batchable]
        [return: Row(10)]
        public TorchTensor Classify([Row(16)] TorchTensor features) => module.Forward(features);
    }

    internal sealed partial class Pair(TorchScriptModule module)
    {
        [Batchable]
        [return: Row(4), Row<long>]
        public (TorchTensor Doubled, TorchTensor Largest) Both([Row(4)] TorchTensor x)
        {
            Span<TorchTensor> results = stackalloc TorchTensor[2];
            module.Forward([x], results);
            return (results[0], results[1]);
        }
    }

    internal sealed partial class Embedder(TorchScriptModule module)
    {
        [Batchable]
        [return: Row(8)]
        public TorchTensor Embed([Row(8)] TorchTensor x, [Row<long>(3)] TorchTensor ids) => module.Forward(x, ids);
    }

    internal sealed partial class Turned(TorchScriptModule columns, TorchScriptModule layouts)
    {
        [Batchable(BatchDim = 1)]
        [return: Row(2)]
        public TorchTensor Project([Row(3)] TorchTensor x) => columns.Forward(x);

        [Batchable(BatchDim = 1, OutputBatchDim = 2)]
        [return: Row(4, 5)]
        public TorchTensor Transpose([Row(4, 5)] TorchTensor x) => layouts.Forward(x);
    }

    internal sealed partial class Echo(TorchScriptModule module)
    {
        [Batchable]
        [return: Row<long>]
        public TorchTensor Long([Row<long>] TorchTensor value) => module.Forward(value);

        // What comes in goes out: the tensors are the rows themselves.
        [Batchable]
        [return: Row<byte>, Row<sbyte>, Row<short>, Row<int>, Row<Half>, Row<double>, Row<bool>]
        public static (TorchTensor, TorchTensor, TorchTensor, TorchTensor, TorchTensor, TorchTensor, TorchTensor) Many(
            [Row<byte>] TorchTensor a,
            [Row<sbyte>] TorchTensor b,
            [Row<short>] TorchTensor c,
            [Row<int>] TorchTensor d,
            [Row<Half>] TorchTensor e,
            [Row<double>] TorchTensor f,
            [Row<bool>] TorchTensor g) => (a, b, c, d, e, f, g);
    }

    internal sealed partial class Shift(TorchScriptModule module)
    {
        [Batchable]
        [return: Row(2)]
        public TorchTensor Add([Row(2)] TorchTensor x) => module.Forward(x);
    }

    internal sealed partial class Mistaken(TorchScriptModule module)
    {
        [Batchable]
        [return: Row(12)]
        public TorchTensor Wide([Row(16)] TorchTensor x) => module.Forward(x);

        [Batchable]
        [return: Row<long>]
        public TorchTensor Flat([Row(16)] TorchTensor x) => module.Forward(x);

        [Batchable]
        [return: Row]
        public TorchTensor None([Row] TorchTensor x) => default;
    }

    internal sealed partial class Careful(TorchScriptModule module)
    {
        [Batchable]
        [return: Row(2)]
        public TorchTensor Double([Row(2)] TorchTensor x) => module.Forward(x);
    }
}
