using FastBatch.LoadTests.Harness;
using FastBatch.LoadTests.Rivals;

namespace FastBatch.LoadTests.Scenarios;

/// <summary>A model that costs nothing, so all that is left is what batching itself costs.</summary>
internal sealed class OverheadScenario(string name, Func<IReadOnlyList<Contestant>> takePart) : IScenario
{
    private const int WarmUpInFlight = 64;

    private static readonly int[] s_inFlight = [1, 8, 64, 512, 4096];

    public string Name => name;

    public double DefaultSeconds => 0.12;

    public void Run(ScenarioSettings settings, Action<LoadCase, IReadOnlyList<Result>> report)
    {
        Client[] clients = Client.Create(s_inFlight.Max(), Computation.SmallRow);
        IReadOnlyList<Contestant> contestants = settings.Filter(takePart());
        Rounds.WarmUp(Case(WarmUpInFlight, clients), contestants);
        foreach (LoadCase load in s_inFlight.Select(inFlight => Case(inFlight, clients)))
        {
            report(load, Rounds.Run(load, contestants, settings.Rounds, settings.Length(this)));
        }
    }

    private LoadCase Case(int inFlight, Client[] clients) => new(
        Name,
        $"{inFlight} in flight",
        inFlight,
        Computation.SmallRow * sizeof(float),
        OfferedPerSecond: null,
        (contestant, length) => contestant.ClosedLoop(clients.AsSpan(0, inFlight), producesRows: false, length));
}
