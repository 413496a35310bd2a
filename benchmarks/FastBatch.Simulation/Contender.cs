using FastBatch.Scheduling;
using FastBatch.Simulation.Oracles;
using FastBatch.Simulation.Rivals;

namespace FastBatch.Simulation;

/// <summary>Whom the table and the plot compare. Policies are made anew for every run: some keep state.</summary>
/// <param name="Name">As printed.</param>
/// <param name="Create">The policy.</param>
/// <param name="Deadline">What requests say, in ms; infinite where only the measurement knows.</param>
internal sealed record Contender(string Name, Func<IBatchPolicy> Create, double Deadline = double.PositiveInfinity)
{
    private const double Window = 5;

    /// <summary>The default policy, and requests that say when they want their answers.</summary>
    public static readonly Contender FastBatch = new("FastBatch", () => Scenarios.Default, Scenarios.Deadline);

    /// <summary>The same with other settings: they say what they pay for what.</summary>
    public static readonly Contender[] OtherSettings =
    [
        new("FastBatch without deadlines", () => Scenarios.Default),
        new("FastBatch, device price 2", () => new AdaptivePolicy(2), Scenarios.Deadline),
        new("FastBatch, device price 10", () => new AdaptivePolicy(10), Scenarios.Deadline),
    ];

    public static readonly Contender[] Rivals =
    [
        new("no batching", () => new NoBatching()),
        new("greedy", () => ImmediatePolicy.Instance),
        new("window from enqueue", () => new SizeOrDelayPolicy(TimeSpan.FromMilliseconds(Window))),
        new("window from dequeue", () => new WindowFromDequeue(Window)),
        new("early close", () => new EarlyClose(Window, Scenarios.MaxBatchSize)),
        new("BentoML's rule", () => new BentoRule(Scenarios.Deadline)),
        new("Clipper's AIMD", () => new ClipperAimd(Scenarios.Deadline)),
        new("deferred", () => new Deferred(Scenarios.Deadline)),
    ];

    public static IEnumerable<Contender> All => [FastBatch, .. OtherSettings, .. Rivals];

    public Measurement Run(Scenario scenario) => SimulationRun.Run(scenario with { Deadline = Deadline }, Create());
}
