namespace FastBatch.Tests.Batchers;

/// <summary>NaN and infinity pass through, unless they are asked to be faults of their own requests.</summary>
public class FiniteTests
{
    private static readonly float[] Others = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, BitConverter.UInt32BitsToSingle(0xFFC0_1234)];

    [Fact]
    public async Task They_pass_through_bit_by_bit()
    {
        await using var batcher = new Inverse().CreateKeepBatcher();
        foreach (float value in Others)
        {
            float[] answer = new float[3];
            await batcher.SubmitAsync([value, 1, value], answer);
            Assert.Equal(
                [BitConverter.SingleToUInt32Bits(value), BitConverter.SingleToUInt32Bits(value)],
                [BitConverter.SingleToUInt32Bits(answer[0]), BitConverter.SingleToUInt32Bits(answer[2])]);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_input_that_is_not_finite_ends_its_request_before_the_method_sees_it(bool dedicatedThread)
    {
        var gate = new Gate();
        var model = new Inverse(gate.Pass);
        await using var batcher = model.CreateKeepBatcher(
            new BatcherOptions { RequireFinite = FiniteChecks.Inputs, DedicatedThread = dedicatedThread, MaxBatchSize = 8, Capacity = 8 });
        float[] first = new float[3];
        Task running = batcher.SubmitAsync([1, 2, 3], first).AsTask();
        await gate.ArrivedAsync();
        var good = new List<(float Value, float[] Answer, Task Task)>();
        var bad = new List<Task>();

        // Some of them wait beside the full ring.
        for (int i = 0; i < 20; i++)
        {
            float[] answer = new float[3];
            good.Add((i, answer, batcher.SubmitAsync([i, i, i], answer).AsTask()));
            bad.Add(batcher.SubmitAsync([0, 1, Others[i % Others.Length]], new float[3]).AsTask());
            bad.Add(batcher.SubmitAsync(i, static (i, row) => row[2] = Others[i % Others.Length], new float[3]).AsTask());
        }

        foreach (Task task in bad)
        {
            NonFiniteException fault = await Assert.ThrowsAsync<NonFiniteException>(() => task);
            Assert.Equal((2, true, false), (fault.Element, fault.IsInput, fault.IsTransient));
            Assert.StartsWith("Inverse.Keep: element 2 of input 'values' is ", fault.Message, StringComparison.Ordinal);
        }

        gate.Open();
        await running;
        foreach ((float value, float[] answer, Task task) in good)
        {
            await task;
            Assert.Equal([value, value, value], answer);
        }

        Assert.DoesNotContain(model.Seen, static value => !float.IsFinite(value));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_output_that_is_not_finite_ends_its_request_alone(bool dedicatedThread)
    {
        var gate = new Gate();
        await using var batcher = new Inverse(gate.Pass).CreateInvertBatcher(
            new BatcherOptions { RequireFinite = FiniteChecks.Outputs, DedicatedThread = dedicatedThread, MaxBatchSize = 64 });
        Task<(double, float)> running = batcher.SubmitAsync(4).AsTask();
        await gate.ArrivedAsync();
        Task<(double Once, float Halves)>[] all = [.. Enumerable.Range(0, 64).Select(i => batcher.SubmitAsync(i % 8 == 3 ? 0 : i + 1).AsTask())];
        gate.Open();
        Assert.Equal((0.25, 2), await running);
        for (int i = 0; i < all.Length; i++)
        {
            if (i % 8 == 3)
            {
                NonFiniteException fault = await Assert.ThrowsAsync<NonFiniteException>(() => all[i]);
                Assert.Equal(
                    "Inverse.Invert: element 0 of output 1 of 2 is Infinity; BatcherOptions.RequireFinite asks for finite values.", fault.Message);
                Assert.False(fault.IsInput);
            }
            else
            {
                Assert.Equal(1.0 / (i + 1), (await all[i]).Once);
            }
        }
    }

    [Fact]
    public async Task What_throws_is_still_told_from_what_is_not_finite()
    {
        await using var batcher = new Inverse().CreateInvertBatcher(new BatcherOptions { RequireFinite = FiniteChecks.All });
        await Assert.ThrowsAsync<BatchExecutionException>(() => batcher.SubmitAsync(-1).AsTask());
        await Assert.ThrowsAsync<NonFiniteException>(() => batcher.SubmitAsync(0).AsTask());
        await Assert.ThrowsAsync<NonFiniteException>(() => batcher.SubmitAsync(double.NaN).AsTask());
        Assert.Equal((0.5, 1), await batcher.SubmitAsync(2));
    }
}

/// <summary>Gives rows back as they are, and notes them; or inverts them, where zero has no finite inverse.</summary>
public sealed partial class Inverse(Action? onBatch = null)
{
    public List<float> Seen { get; } = [];

    [Batchable]
    public void Keep([Row(3)] ReadOnlySpan<float> values, [Row(3)] Span<float> same)
    {
        onBatch?.Invoke();
        Seen.AddRange(values);
        values.CopyTo(same);
    }

    [Batchable]
    public void Invert(ReadOnlySpan<double> values, Span<double> once, Span<float> halves)
    {
        onBatch?.Invoke();
        for (int i = 0; i < values.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(values[i]);
            once[i] = 1 / values[i];
            halves[i] = (float)values[i] / 2;
        }
    }
}
