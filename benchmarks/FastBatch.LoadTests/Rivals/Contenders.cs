using FastBatch.LoadTests.Harness;
using FastBatch.LoadTests.Scenarios;

namespace FastBatch.LoadTests.Rivals;

/// <summary>Everybody who takes part.</summary>
internal static class Contenders
{
    public const string FastBatch = "fastbatch";

    public const string FastBatchInline = "fastbatch-inline";

    public static string[] Names =>
        [.. For<SmallNoOp>().Concat(Inline).Concat(Torch).Concat(ObservedContenders.NoOp).Select(static contestant => contestant.Name).Distinct()];

    /// <summary>Those that are safe to embed: a caller that blocks stops neither the model nor the other callers.</summary>
    public static IReadOnlyList<Contestant> For<TModel>()
        where TModel : struct, IModel =>
    [
        new Contestant<DirectLock<TModel>>(),
        new Contestant<ChannelTcs<TModel>>(),
        new Contestant<ChannelPooled<TModel>>(),
        new Contestant<BatchBlockTimer<TModel>>(),
        new Contestant<LockList<TModel>>(),
        FastBatchContenders.For<TModel>(),
    ];

    /// <summary>Those that run their callers' code inside the batching loop: quicker, as long as no caller ever blocks.</summary>
    public static IReadOnlyList<Contestant> Inline =>
    [
        new Contestant<DirectLock<SmallNoOp>>(),
        new Contestant<ChannelTcsInline<SmallNoOp>>(),
        new Contestant<ChannelPooledInline<SmallNoOp>>(),
        new Contestant<LockListInline<SmallNoOp>>(),
        FastBatchContenders.Inline,
    ];

    /// <summary>No batching, on one thread or on all; batching as it is first written and as it is tuned; FastBatch.</summary>
    public static IReadOnlyList<Contestant> Torch =>
    [
        new Contestant<DirectLock<TorchNetwork>>(),
        new Contestant<OneByOne>(),
        new Contestant<ChannelNaive<TorchNetwork>>(),
        new Contestant<ChannelTcs<TorchNetwork>>(),
        FastBatchContenders.For<TorchNetwork>(),
    ];
}
