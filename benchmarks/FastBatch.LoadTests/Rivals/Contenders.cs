using FastBatch.LoadTests.Harness;
using FastBatch.LoadTests.Scenarios;

namespace FastBatch.LoadTests.Rivals;

/// <summary>Everybody who takes part.</summary>
internal static class Contenders
{
    public const string FastBatch = "fastbatch";

    public static string[] Names => [.. For<SmallNoOp>().Select(static contestant => contestant.Name)];

    public static IReadOnlyList<Contestant> For<TModel>()
        where TModel : struct, IModel =>
    [
        new Contestant<DirectLock<TModel>>(),
        new Contestant<ChannelTcs<TModel>>(),
        new Contestant<ChannelTcsInline<TModel>>(),
        new Contestant<ChannelPooled<TModel>>(),
        new Contestant<ChannelPooledInline<TModel>>(),
        new Contestant<BatchBlockTimer<TModel>>(),
        new Contestant<LockList<TModel>>(),
#if FASTBATCH
        FastBatchContenders.For<TModel>(),
#endif
    ];
}
