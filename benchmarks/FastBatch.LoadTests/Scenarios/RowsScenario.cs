using FastBatch.LoadTests.Harness;
using FastBatch.LoadTests.Rivals;

namespace FastBatch.LoadTests.Scenarios;

/// <summary>Every request makes its row first, so the number of times a row is written and copied shows.</summary>
internal sealed class RowsScenario : IScenario
{
    private const int InFlight = 16;

    public string Name => "rows";

    public double DefaultSeconds => 0.2;

    public void Run(ScenarioSettings settings, Action<LoadCase, IReadOnlyList<Result>> report)
    {
        Run<SmallNoOp>("rows of 512 B", settings, report);
        Run<MediumNoOp>("rows of 12 KB", settings, report);
        Run<LargeNoOp>("rows of 600 KB", settings, report);
    }

    private void Run<TModel>(string title, ScenarioSettings settings, Action<LoadCase, IReadOnlyList<Result>> report)
        where TModel : struct, IModel
    {
        Client[] clients = Client.Create(InFlight, TModel.RowLength);
        IReadOnlyList<Contestant> contestants = settings.Filter(Contenders.For<TModel>());
        var load = new LoadCase(
            Name,
            $"{title}, {InFlight} in flight",
            InFlight,
            TModel.RowLength * sizeof(float),
            OfferedPerSecond: null,
            (contestant, length) => contestant.ClosedLoop(clients, producesRows: true, length));
        Rounds.WarmUp(load, contestants);
        report(load, Rounds.Run(load, contestants, settings.Rounds, settings.Length(this)));
    }
}
