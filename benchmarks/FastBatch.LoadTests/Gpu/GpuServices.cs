using FastBatch.Native;

namespace FastBatch.LoadTests.Gpu;

// The models as a user of FastBatch serves them. What they are is in TorchModels/gpu_models.py; the shapes of rows and answers are the same in
// small and in full. The batch size is an option: it differs.

internal sealed partial class PerceptronService(TorchScriptModule module)
{
    [Batchable]
    [return: Row(10)]
    public TorchTensor Run([Row(128)] TorchTensor features) => module.Forward(features);
}

internal sealed partial class RankingService(TorchScriptModule module)
{
    [Batchable]
    [return: Row(1)]
    public TorchTensor Run([Row(512)] TorchTensor features) => module.Forward(features);
}

internal sealed partial class ConvService(TorchScriptModule module)
{
    [Batchable]
    [return: Row<Half>(1000)]
    public TorchTensor Run([Row<byte>(3, 224, 224)] TorchTensor images) => module.Forward(images);
}

internal sealed partial class EncoderService(TorchScriptModule module)
{
    [Batchable]
    [return: Row(256)]
    public TorchTensor Run([Row<long>(128)] TorchTensor tokens) => module.Forward(tokens);
}

/// <summary>A batcher of one of them, behind one signature.</summary>
internal sealed record Served<TRow, TAnswer>(Batcher Batcher, Func<ReadOnlyMemory<TRow>, Memory<TAnswer>, ValueTask> Submit);

/// <summary>All of them.</summary>
internal static class GpuServices
{
    public static IReadOnlyList<IGpuCase> Cases { get; } =
    [
        new GpuCase<float, float>("mlp", [128], [10], static (module, options) =>
        {
            PerceptronService.RunBatcher batcher = new PerceptronService(module).CreateRunBatcher(options);
            return new Served<float, float>(batcher, (row, answer) => batcher.SubmitAsync(row.Span, answer));
        }),
        new GpuCase<float, float>("ranking", [512], [1], static (module, options) =>
        {
            RankingService.RunBatcher batcher = new RankingService(module).CreateRunBatcher(options);
            return new Served<float, float>(batcher, (row, answer) => batcher.SubmitAsync(row.Span, answer));
        }),
        new GpuCase<byte, Half>("conv", [3, 224, 224], [1000], static (module, options) =>
        {
            ConvService.RunBatcher batcher = new ConvService(module).CreateRunBatcher(options);
            return new Served<byte, Half>(batcher, (row, answer) => batcher.SubmitAsync(row.Span, answer));
        }),
        new GpuCase<long, float>("encoder", [128], [256], static (module, options) =>
        {
            EncoderService.RunBatcher batcher = new EncoderService(module).CreateRunBatcher(options);
            return new Served<long, float>(batcher, (row, answer) => batcher.SubmitAsync(row.Span, answer));
        }),
    ];
}
