using System.Globalization;
using FastBatch.LoadTests.Harness;
using FastBatch.LoadTests.Rivals;

namespace FastBatch.LoadTests.Scenarios;

/// <summary>Requests that come at their own pace to a model that costs nothing: the latency batching adds.</summary>
internal sealed class OpenLoopScenario : IScenario
{
    private static readonly double[] s_requestsPerSecond = [10_000, 100_000, 500_000];

    public string Name => "openloop";

    public double DefaultSeconds => 0.25;

    public void Run(ScenarioSettings settings, Action<LoadCase, IReadOnlyList<Result>> report)
    {
        // A direct call would run on the generator's own thread and measure nothing but itself.
        IReadOnlyList<Contestant> contestants = settings.Filter([.. Contenders.For<SmallNoOp>().Where(static one => !one.IsReference)]);
        Rounds.WarmUp(Case(s_requestsPerSecond[^1]), contestants);
        foreach (LoadCase load in s_requestsPerSecond.Select(Case))
        {
            report(load, Rounds.Run(load, contestants, settings.Rounds, settings.Length(this)));
        }
    }

    private LoadCase Case(double requestsPerSecond) => new(
        Name,
        string.Create(CultureInfo.InvariantCulture, $"{requestsPerSecond:N0} requests/s"),
        InFlight: 0,
        Computation.SmallRow * sizeof(float),
        requestsPerSecond,
        (contestant, length) => contestant.OpenLoop(requestsPerSecond, length));
}
