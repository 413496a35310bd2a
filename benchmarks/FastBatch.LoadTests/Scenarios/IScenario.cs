using FastBatch.LoadTests.Harness;

namespace FastBatch.LoadTests.Scenarios;

/// <summary>A family of loads with a model; the defaults keep each scenario well under a minute and a half.</summary>
internal interface IScenario
{
    string Name { get; }

    double DefaultSeconds { get; }

    /// <summary>Runs case by case and reports each as soon as its rounds are done.</summary>
    void Run(ScenarioSettings settings, Action<LoadCase, IReadOnlyList<Result>> report);
}

/// <summary>What the command line says about every scenario.</summary>
internal sealed record ScenarioSettings(int Rounds, double? Seconds, string? Batcher, bool Json)
{
    public IReadOnlyList<Contestant> Filter(IReadOnlyList<Contestant> contestants) =>
        [.. contestants.Where(contestant => Batcher is null || contestant.Name == Batcher)];

    public WindowLength Length(IScenario scenario) => WindowLength.OfSeconds(Seconds ?? scenario.DefaultSeconds);
}
