using System.Globalization;
using FastBatch.LoadTests.Harness;
using FastBatch.LoadTests.Rivals;
using FastBatch.Native;

namespace FastBatch.LoadTests.Scenarios;

/// <summary>
/// A network on libtorch. First what a batch costs beside the network itself, then closed loops. One thread for libtorch: the callers need
/// some, and a batch of this network is too little work for several.
/// </summary>
internal sealed class TorchScenario : IScenario
{
    private const int WarmUpInFlight = 64;

    private static readonly int[] s_inFlight = [1, 8, 32, 64, 128];

    public string Name => "torch";

    public double DefaultSeconds => 0.15;

    public void Run(ScenarioSettings settings, Action<LoadCase, IReadOnlyList<Result>> report)
    {
        if (!Torch.IsAvailable)
        {
            Failure.Unavailable(Torch.UnavailableReason!);
        }

        Torch.Threads = 1;
        string library = $"{Torch.Description}, {Torch.Threads} thread";
        foreach (TorchBatchCost cost in TorchBatchCost.Measure(s_inFlight, library))
        {
            Console.WriteLine(settings.Json ? cost.ToJson() : cost.ToString());
        }

        Client[] clients = Client.Create(s_inFlight.Max(), Computation.SmallRow);
        IReadOnlyList<Contestant> contestants = settings.Filter(Contenders.Torch);
        Rounds.WarmUp(Case(WarmUpInFlight, clients, library), contestants);
        foreach (LoadCase load in s_inFlight.Select(inFlight => Case(inFlight, clients, library)))
        {
            report(load, Rounds.Run(load, contestants, settings.Rounds, settings.Length(this)));
        }
    }

    private LoadCase Case(int inFlight, Client[] clients, string library) => new(
        Name,
        string.Create(CultureInfo.InvariantCulture, $"{inFlight} in flight; {library}"),
        inFlight,
        Computation.SmallRow * sizeof(float),
        OfferedPerSecond: null,
        (contestant, length) => contestant.ClosedLoop(clients.AsSpan(0, inFlight), producesRows: false, length),
        library);
}
