using System.Globalization;
using FastBatch.LoadTests.Harness;
using FastBatch.LoadTests.Rivals;

namespace FastBatch.LoadTests.Scenarios;

/// <summary>A device with a price per batch: what counts is how full the batches are and how late the answers.</summary>
internal sealed class DeviceScenario : IScenario
{
    private const int WarmUpInFlight = 64;
    private const double WarmUpLoad = 0.5;

    private static readonly int[] s_inFlight = [8, 64, 512];
    private static readonly double[] s_loads = [0.1, 0.5, 0.9];

    public string Name => "device";

    public double DefaultSeconds => 0.15;

    public void Run(ScenarioSettings settings, Action<LoadCase, IReadOnlyList<Result>> report)
    {
        Client[] clients = Client.Create(s_inFlight.Max(), Computation.SmallRow);
        IReadOnlyList<Contestant> contestants = settings.Filter(Contenders.For<SimulatedDevice>());
        Rounds.WarmUp(Closed(WarmUpInFlight, clients), contestants);
        foreach (LoadCase load in s_inFlight.Select(inFlight => Closed(inFlight, clients)))
        {
            report(load, Rounds.Run(load, contestants, settings.Rounds, settings.Length(this)));
        }

        // One row at a time the device could not keep up with even the lowest load.
        IReadOnlyList<Contestant> batching = [.. contestants.Where(static contestant => !contestant.IsReference)];
        Rounds.WarmUp(Open(WarmUpLoad), batching);
        foreach (LoadCase load in s_loads.Select(Open))
        {
            report(load, Rounds.Run(load, batching, settings.Rounds, settings.Length(this)));
        }
    }

    private LoadCase Closed(int inFlight, Client[] clients) => new(
        Name,
        $"{inFlight} in flight",
        inFlight,
        Computation.SmallRow * sizeof(float),
        OfferedPerSecond: null,
        (contestant, length) => contestant.ClosedLoop(clients.AsSpan(0, inFlight), producesRows: false, length));

    private LoadCase Open(double loadOfCapacity)
    {
        double rate = Math.Round(loadOfCapacity * Computation.DeviceCapacity);
        return new LoadCase(
            Name,
            string.Create(CultureInfo.InvariantCulture, $"{loadOfCapacity:0 %} of the device's capacity, {rate:N0} requests/s"),
            InFlight: 0,
            Computation.SmallRow * sizeof(float),
            rate,
            (contestant, length) => contestant.OpenLoop(rate, length));
    }
}
