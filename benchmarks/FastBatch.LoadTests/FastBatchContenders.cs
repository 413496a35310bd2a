using FastBatch.LoadTests.Harness;
using FastBatch.LoadTests.Rivals;
using FastBatch.LoadTests.Scenarios;

namespace FastBatch.LoadTests;

// The models once more, as a user of FastBatch writes them: one method each, and the generator does the rest.

internal static partial class SmallNoOpService
{
    [Batchable(BatchDim = 0, MaxBatchSize = Computation.MaxBatchSize)]
    public static void Run([Row(Computation.SmallRow)] ReadOnlySpan<float> x, [Row(Computation.AnswerLength)] Span<float> y) =>
        Computation.NoOp(x, y, Computation.SmallRow);
}

internal static partial class MediumNoOpService
{
    [Batchable(BatchDim = 0, MaxBatchSize = Computation.MaxBatchSize)]
    public static void Run([Row(Computation.MediumRow)] ReadOnlySpan<float> x, [Row(Computation.AnswerLength)] Span<float> y) =>
        Computation.NoOp(x, y, Computation.MediumRow);
}

internal static partial class LargeNoOpService
{
    [Batchable(BatchDim = 0, MaxBatchSize = Computation.MaxBatchSizeOfLargeRows)]
    public static void Run([Row(Computation.LargeRow)] ReadOnlySpan<float> x, [Row(Computation.AnswerLength)] Span<float> y) =>
        Computation.NoOp(x, y, Computation.LargeRow);
}

internal static partial class SimulatedDeviceService
{
    [Batchable(BatchDim = 0, MaxBatchSize = Computation.MaxBatchSize)]
    public static void Run([Row(Computation.SmallRow)] ReadOnlySpan<float> x, [Row(Computation.AnswerLength)] Span<float> y) =>
        Computation.Device(x, y);
}

/// <summary>One contender per generated batcher; they differ in nothing but the type.</summary>
internal static class FastBatchContenders
{
    // Twice what the scenarios ever have in flight. Where few are in flight the default does.
    private const int Capacity = 8192;

    public static Contestant For<TModel>()
        where TModel : struct, IModel =>
        default(TModel) switch
        {
            SmallNoOp => new Contestant<Small>(),
            MediumNoOp => new Contestant<Medium>(),
            LargeNoOp => new Contestant<Large>(),
            SimulatedDevice => new Contestant<Device>(),
            TorchNetwork => new Contestant<Torch>(),
            _ => throw new NotSupportedException($"{typeof(TModel).Name} has no batcher of FastBatch."),
        };

    public static Contestant Inline => new Contestant<SmallInline>();

    private readonly struct SmallInline(SmallNoOpService.RunBatcher batcher) : IContender<SmallInline>
    {
        public static string Name => Contenders.FastBatchInline;

        public static SmallInline Start() => new(SmallNoOpService.CreateRunBatcher(
            new BatcherOptions { Capacity = Capacity, DedicatedThread = true, InlineContinuations = true }));

        public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row.Span, answer);

        public ValueTask StopAsync() => batcher.DisposeAsync();
    }

    private readonly struct Small(SmallNoOpService.RunBatcher batcher) : IContender<Small>
    {
        public static string Name => Contenders.FastBatch;

        public static Small Start() => new(SmallNoOpService.CreateRunBatcher(new BatcherOptions { Capacity = Capacity }));

        public static ValueTask SubmitProducedAsync(Small contender, float value, Memory<float> row, Memory<float> answer) =>
            contender.SubmitInPlaceAsync(value, answer);

        public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row.Span, answer);

        public ValueTask StopAsync() => batcher.DisposeAsync();

        private ValueTask SubmitInPlaceAsync(float value, Memory<float> answer) =>
            batcher.SubmitAsync(value, static (value, row) => row.Fill(value), answer);
    }

    private readonly struct Medium(MediumNoOpService.RunBatcher batcher) : IContender<Medium>
    {
        public static string Name => Contenders.FastBatch;

        public static Medium Start() => new(MediumNoOpService.CreateRunBatcher(new BatcherOptions { Capacity = Computation.MaxBatchSize, ZeroRows = false }));

        public static ValueTask SubmitProducedAsync(Medium contender, float value, Memory<float> row, Memory<float> answer) =>
            contender.SubmitInPlaceAsync(value, answer);

        public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row.Span, answer);

        public ValueTask StopAsync() => batcher.DisposeAsync();

        private ValueTask SubmitInPlaceAsync(float value, Memory<float> answer) =>
            batcher.SubmitAsync(value, static (value, row) => row.Fill(value), answer);
    }

    private readonly struct Large(LargeNoOpService.RunBatcher batcher) : IContender<Large>
    {
        public static string Name => Contenders.FastBatch;

        public static Large Start() => new(LargeNoOpService.CreateRunBatcher());

        public static ValueTask SubmitProducedAsync(Large contender, float value, Memory<float> row, Memory<float> answer) =>
            contender.SubmitInPlaceAsync(value, answer);

        public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row.Span, answer);

        public ValueTask StopAsync() => batcher.DisposeAsync();

        private ValueTask SubmitInPlaceAsync(float value, Memory<float> answer) =>
            batcher.SubmitAsync(value, static (value, row) => row.Fill(value), answer);
    }

    private readonly struct Torch(TorchNetworkService.RunBatcher batcher) : IContender<Torch>
    {
        public static string Name => Contenders.FastBatch;

        public static Torch Start() => new(TorchNetworkService.CreateRunBatcher(new BatcherOptions { Capacity = Capacity }));

        public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row.Span, answer);

        public ValueTask StopAsync() => batcher.DisposeAsync();
    }

    private readonly struct Device(SimulatedDeviceService.RunBatcher batcher) : IContender<Device>
    {
        public static string Name => Contenders.FastBatch;

        public static Device Start() => new(SimulatedDeviceService.CreateRunBatcher(new BatcherOptions { Capacity = Capacity }));

        public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row.Span, answer);

        public ValueTask StopAsync() => batcher.DisposeAsync();
    }
}
