using System.Runtime.InteropServices;
using FastBatch.Native.Tests;
using static FastBatch.TorchSharp.Tests.Batches;

namespace FastBatch.TorchSharp.Tests;

/// <summary>What callers get is what Python computed, and what the family over FastBatch.Native gives.</summary>
public sealed class NumbersTests : IDisposable
{
    private readonly Scripts _scripts = new(Folder);

    public void Dispose() => _scripts.Dispose();

    [Fact]
    public async Task As_in_python()
    {
        int compared = 0;
        foreach (Case one in Fixture.Cases.Where(static one => one is { Module: "mlp", Method: "forward" }))
        {
            float[] inputs = Of<float>(one.Inputs[0]);
            float[] expected = Of<float>(one.Outputs[0]);
            int rows = inputs.Length / 16;
            await using Scripts.MlpBatcher script = _scripts.CreateMlpBatcher(Batches.Of(rows));
            using var mlp = new Mlp(_scripts.MlpModule);
            await using Mlp.ForwardBatcher module = mlp.CreateForwardBatcher(Batches.Of(rows));
            await using Scripts.NativeMlpBatcher native = _scripts.CreateNativeMlpBatcher(Batches.Of(rows));
            await InBatchAsync(rows, async row =>
            {
                float[] x = inputs[(row * 16)..((row + 1) * 16)];
                float[] logits = new float[10];
                float[] wanted = expected[(row * 10)..((row + 1) * 10)];
                await script.SubmitAsync(x, logits);
                AssertClose(wanted, logits);
                using RowLease<float> lease = await module.SubmitAsync(x);
                AssertClose(wanted, lease.Span);
                float[] others = new float[10];
                await native.SubmitAsync(x, others);
                Assert.Equal(others, logits);
            });
            compared += rows;
        }

        Assert.True(compared > 0);
    }

    [Fact]
    public async Task Two_inputs_as_in_python()
    {
        Case one = Fixture.Cases.First(static one => one is { Module: "two_inputs", Method: "forward" });
        float[] x = Of<float>(one.Inputs[0]);
        long[] ids = Of<long>(one.Inputs[1]);
        float[] expected = Of<float>(one.Outputs[0]);
        int rows = ids.Length / 3;
        await using Scripts.TwoInputsBatcher batcher = _scripts.CreateTwoInputsBatcher(Batches.Of(rows));
        await InBatchAsync(rows, async row =>
        {
            float[] sum = new float[8];
            await batcher.SubmitAsync(x.AsSpan(row * 8, 8), ids.AsSpan(row * 3, 3), sum);
            AssertClose(expected.AsSpan(row * 8, 8), sum);
        });
    }

    [Fact]
    public async Task A_tuple_of_different_elements()
    {
        await using Scripts.ResultsBatcher batcher = _scripts.CreateResultsBatcher(Batches.Of(5));
        await InBatchAsync(5, async row =>
        {
            float[] values = [row, row, row, row];
            values[row % 4] += 0.5f;
            float[] doubled = new float[4];
            Assert.Equal(row % 4, await batcher.SubmitAsync(values, doubled));
            Assert.Equal([.. values.Select(static value => value * 2)], doubled);
        });
    }

    [Fact]
    public async Task Every_element()
    {
        await using Tricks.ManyBatcher batcher = Tricks.CreateManyBatcher(Batches.Of(3));
        await InBatchAsync(3, async row => Assert.Equal(
            ((byte)row, (sbyte)-row, (short)(row - 1000), row << 20, long.MaxValue - row, (Half)row, row / 3f, row / 3.0, row == 1),
            await batcher.SubmitAsync(
                (byte)row, (sbyte)-row, (short)(row - 1000), row << 20, long.MaxValue - row, (Half)row, row / 3f, row / 3.0, row == 1)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public async Task The_batch_in_another_dimension(int rows)
    {
        await using Tricks.TurnedBatcher turned = Tricks.CreateTurnedBatcher(Batches.Of(rows));
        await using Tricks.TransposedBatcher transposed = Tricks.CreateTransposedBatcher(Batches.Of(rows));

        // permute(2, 1, 0) puts the batch in front and the row's own dimensions the other way round.
        await InBatchAsync(rows, async row =>
        {
            float[] x = Fixture.Numbers(6 + row)[..6];
            float[] y = new float[6];
            await turned.SubmitAsync(x, y);
            Assert.Equal([.. x.Select(static value => -value)], y);
            await transposed.SubmitAsync(x, y);
            Assert.Equal([x[0], x[3], x[1], x[4], x[2], x[5]], y);
        });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public async Task What_libtorch_has_put_off(int rows)
    {
        await using Tricks.ImaginaryBatcher batcher = Tricks.CreateImaginaryBatcher(Batches.Of(rows));
        await InBatchAsync(rows, async row => Assert.Equal(-1 - row, await batcher.SubmitAsync(1 + row)));
    }

    [Fact]
    public async Task Two_batchers_on_two_modules_at_once()
    {
        using var mlp = new Mlp(_scripts.MlpModule);
        await using Mlp.ForwardBatcher module = mlp.CreateForwardBatcher();
        await using Scripts.MlpBatcher script = _scripts.CreateMlpBatcher(new BatcherOptions { DedicatedThread = true });
        float[] expected = new float[10];
        float[] x = Fixture.Numbers(16);
        await script.SubmitAsync(x, expected);
        await Task.WhenAll(Enumerable.Range(0, 32).Select(client => Task.Run(async () =>
        {
            float[] logits = new float[10];
            for (int i = 0; i < 300; i++)
            {
                await ((client + i) % 2 == 0 ? module.SubmitAsync(x, logits) : script.SubmitAsync(x, logits));
                AssertClose(expected, logits);
            }
        })));
    }

    private static T[] Of<T>(Values values)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(values.Data).ToArray();
}
