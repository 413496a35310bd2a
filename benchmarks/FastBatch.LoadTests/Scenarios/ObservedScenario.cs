using FastBatch.LoadTests.Harness;

namespace FastBatch.LoadTests.Scenarios;

/// <summary>
/// What being observed costs: the no-op model, where it is a part of all there is, and the model with a price, as any model has one. Closed loop.
/// </summary>
internal sealed class ObservedScenario : IScenario
{
    private const int WarmUpInFlight = 64;

    private static readonly int[] s_inFlight = [1, 64, 512];

    public string Name => "observed";

    public double DefaultSeconds => 0.15;

    public void Run(ScenarioSettings settings, Action<LoadCase, IReadOnlyList<Result>> report)
    {
        Client[] clients = Client.Create(s_inFlight.Max(), Computation.SmallRow);
        foreach ((string model, IReadOnlyList<Contestant> all) in
            ((string, IReadOnlyList<Contestant>)[])[("no-op model", ObservedContenders.NoOp), ("200 us a batch and 2 us a row", ObservedContenders.Device)])
        {
            IReadOnlyList<Contestant> contestants = settings.Filter(all);
            Rounds.WarmUp(Case(model, WarmUpInFlight, clients), contestants);
            foreach (LoadCase load in s_inFlight.Select(inFlight => Case(model, inFlight, clients)))
            {
                report(load, Rounds.Run(load, contestants, settings.Rounds, settings.Length(this)));
            }
        }
    }

    private LoadCase Case(string model, int inFlight, Client[] clients) => new(
        Name,
        $"{model}, {inFlight} in flight",
        inFlight,
        Computation.SmallRow * sizeof(float),
        OfferedPerSecond: null,
        (contestant, length) => contestant.ClosedLoop(clients.AsSpan(0, inFlight), producesRows: false, length));
}
