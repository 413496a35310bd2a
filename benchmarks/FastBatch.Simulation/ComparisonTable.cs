using System.Globalization;
using System.Text;
using FastBatch.Scheduling;
using FastBatch.Simulation.Oracles;
using FastBatch.Simulation.Rivals;

namespace FastBatch.Simulation;

/// <summary>FastBatch's policies and the rivals under the same arrivals, as Markdown.</summary>
internal static class ComparisonTable
{
    private const double Window = 5;

    private static readonly double[] Loads = [0.05, 0.3, 0.6, 0.8, 0.95, 1.1, 1.5];

    // Made anew for every run: some keep state.
    private static readonly (string Name, Func<IBatchPolicy> Create)[] Policies =
    [
        ("**FastBatch**, default", () => Scenarios.Default),
        ("**FastBatch**, device price 2", () => new AdaptivePolicy(2)),
        ("**FastBatch**, device price 10", () => new AdaptivePolicy(10)),
        ("no batching", () => new NoBatching()),
        ("window from enqueue", () => new SizeOrDelayPolicy(TimeSpan.FromMilliseconds(Window))),
        ("window from dequeue", () => new WindowFromDequeue(Window)),
        ("early close", () => new EarlyClose(Window, Scenarios.MaxBatchSize)),
        ("BentoML's rule", () => new BentoRule(Scenarios.Deadline)),
        ("Clipper's AIMD", () => new ClipperAimd(Scenarios.Deadline)),
    ];

    public static string Format()
    {
        (string Name, Scenario Scenario)[] columns =
            [.. Loads.Select(load => ($"load {load.ToString(CultureInfo.InvariantCulture)}", Scenarios.AtLoad(load))), ("bursts", Scenarios.Bursts)];
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"""
            Mean latency in ms of what was answered / % answered within {Scenarios.Deadline} ms / % of the time the device is busy. One device, t(n) =
            {Scenarios.Device.Fixed} + {Scenarios.Device.PerRow} n ms with {Scenarios.Device.Jitter:P0} jitter, at most {Scenarios.MaxBatchSize} rows, room for ten batches, Poisson arrivals; bursts: loads of 0.1 and
            1.3 take turns, 200 ms each on average. Windows are {Window} ms, latency bounds {Scenarios.Deadline} ms.

            """);
        text.AppendLine("| policy | " + string.Join(" | ", columns.Select(column => column.Name)) + " |");
        text.AppendLine("|---|" + string.Concat(columns.Select(_ => "---|")));
        foreach ((string name, Func<IBatchPolicy> create) in Policies)
        {
            IEnumerable<string> cells = columns.Select(column => Cell(SimulationRun.Run(column.Scenario, create())));
            text.AppendLine($"| {name} | {string.Join(" | ", cells)} |");
        }

        return text.ToString();
    }

    private static string Cell(Measurement run) => string.Create(
        CultureInfo.InvariantCulture,
        $"{run.MeanLatency:0.00} / {100 * run.InDeadline(Scenarios.Deadline):0.0} / {100 * run.BusyShare:0}");
}
