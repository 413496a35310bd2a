using System.Globalization;
using System.Text;
using FastBatch.Simulation.Oracles;

namespace FastBatch.Simulation;

/// <summary>FastBatch and the rivals under the same arrivals, as Markdown.</summary>
internal static class ComparisonTable
{
    private static readonly double[] Loads = [0.02, 0.05, 0.3, 0.6, 0.8, 0.95, 1.1, 1.5];

    public static string Format()
    {
        (string Name, Scenario Scenario)[] steady = [.. Loads.Select(load => ($"load {Text(load)}", Scenarios.AtLoad(load)))];
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"""
            Mean latency in ms of what was answered / % answered within {Scenarios.Deadline} ms / % of the time the device is busy. One device, t(n) =
            {Scenarios.Device.Fixed} + {Scenarios.Device.PerRow} n ms with {Scenarios.Device.Jitter:P0} jitter, at most {Scenarios.MaxBatchSize} rows, room for ten batches, Poisson arrivals. Windows are 5 ms, deadlines and latency
            bounds {Scenarios.Deadline} ms.

            """);
        Measurement[][] results = Append(text, steady);
        text.AppendLine(Verdict(results)).AppendLine();
        text.AppendLine("""
            Other arrivals and devices. Bursts: loads of 0.1 and 1.3 take turns, 200 ms each on average. Day and night: load 0.06 to 1.14 in 5 s. 40 clients that
            think for 2 ms. Cost and rate that step up for good. Scatter: 30 % jitter, one batch in 200 takes ten times as long. Costs that are no line: steps
            of 16 rows; convex, 2 + n²/800 ms.

            """);
        Append(text, Scenarios.Others);
        return text.ToString();
    }

    private static Measurement[][] Append(StringBuilder text, (string Name, Scenario Scenario)[] columns)
    {
        Contender[] contenders = [.. Contender.All];
        Measurement[][] results = [.. contenders.AsParallel().AsOrdered().Select(
            contender => columns.Select(column => contender.Run(column.Scenario)).ToArray())];
        text.AppendLine("| policy | " + string.Join(" | ", columns.Select(column => column.Name)) + " |");
        text.AppendLine("|---|" + string.Concat(columns.Select(_ => "---|")));
        for (int i = 0; i < contenders.Length; i++)
        {
            string name = i == 0 ? $"**{contenders[i].Name}**" : contenders[i].Name;
            text.AppendLine($"| {name} | {string.Join(" | ", results[i].Select(Cell))} |");
        }

        text.AppendLine();
        return results;
    }

    // Against rivals that keep up: one that answers next to nothing in time has no latency to speak of, but would win nothing by it either.
    private static string Verdict(Measurement[][] results)
    {
        Measurement[][] rivals = results[(1 + Contender.OtherSettings.Length)..];
        (double latency, double latencyLoad) = Loads.Select((load, i) =>
            (results[0][i].MeanLatency / rivals.Min(rival => rival[i].MeanLatency), load)).Where(item => item.load <= 0.95).Max();
        (double goodput, double goodputLoad) = Loads.Select((load, i) =>
            (results[0][i].InDeadline(Scenarios.Deadline) / rivals.Max(rival => rival[i].InDeadline(Scenarios.Deadline)), load))
            .Where(item => item.load > 1).Min();
        return string.Create(CultureInfo.InvariantCulture, $"""
            Against the best rival of each column: mean latency up to load 0.95 at worst {latency:0.0000} times (load {latencyLoad}); answered in time above load 1
            at worst {goodput:0.0000} times (load {goodputLoad}).
            """);
    }

    private static string Cell(Measurement run) => string.Create(
        CultureInfo.InvariantCulture,
        $"{run.MeanLatency:0.00} / {100 * run.InDeadline(Scenarios.Deadline):0.0} / {100 * run.BusyShare:0}");

    private static string Text(double number) => number.ToString(CultureInfo.InvariantCulture);
}
