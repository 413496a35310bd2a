using System.Globalization;
using System.Text;
using FastBatch.Simulation.Oracles;

namespace FastBatch.Simulation;

/// <summary>Mean latency, requests in time and device time against load, one line per policy: an SVG that is readable on light and dark pages.</summary>
internal static class Plot
{
    private const int Width = 960;
    private const int PanelHeight = 250;
    private const int Left = 60;
    private const int Right = 240;
    private const int Gap = 62;

    private static readonly double[] Loads = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.35, 1.5];

    // Told apart on white and on black, by most eyes.
    private static readonly string[] Colours =
        ["#e8590c", "#c2255c", "#f08c00", "#868e96", "#1c7ed6", "#12b886", "#7048e8", "#a5691f", "#2b8a3e", "#5c7cfa", "#e64980", "#0b7285"];

    private static readonly (string Title, double Low, double High, bool IsLogarithmic, double[] Ticks, Func<Measurement, double> Value)[] Panels =
    [
        ("mean latency of what was answered, ms", 2, 100, true, [2, 5, 10, 20, 50, 100], run => run.MeanLatency),
        ("answered within 20 ms, % of all requests", 0, 100, false, [0, 25, 50, 75, 100], run => 100 * run.InDeadline(Scenarios.Deadline)),
        ("device busy, % of the time", 0, 100, false, [0, 25, 50, 75, 100], run => 100 * run.BusyShare),
    ];

    public static string Draw()
    {
        Contender[] contenders = [.. Contender.All];
        Measurement[][] runs = [.. contenders.AsParallel().AsOrdered().Select(contender => Loads.Select(
            load => contender.Run(Scenarios.AtLoad(load) with { Requests = 60_000 })).ToArray())];
        int height = (Panels.Length * (PanelHeight + Gap)) + 20;
        var svg = new StringBuilder();
        svg.AppendLine(CultureInfo.InvariantCulture, $$"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{Width}} {{height}}" font-family="system-ui, sans-serif" font-size="12">
            <style>
              .text { fill: #212529 } .grid { stroke: #ced4da; stroke-width: 0.6 } path { fill: none; stroke-width: 1.6; stroke-linejoin: round }
              @media (prefers-color-scheme: dark) { .text { fill: #e9ecef } .grid { stroke: #495057 } }
            </style>
            """);
        for (int i = 0; i < Panels.Length; i++)
        {
            DrawPanel(svg, i, contenders, runs);
        }

        svg.AppendLine("</svg>");
        return svg.ToString();
    }

    private static void DrawPanel(StringBuilder svg, int number, Contender[] contenders, Measurement[][] runs)
    {
        (string title, double low, double high, bool isLogarithmic, double[] ticks, Func<Measurement, double> value) = Panels[number];
        double top = 30 + number * (PanelHeight + Gap);
        svg.AppendLine(CultureInfo.InvariantCulture, $"""<text class="text" x="{Left}" y="{top - 10}" font-weight="600">{title}</text>""");
        foreach (double tick in ticks)
        {
            svg.AppendLine(CultureInfo.InvariantCulture, $"""
                <line class="grid" x1="{Left}" x2="{Width - Right}" y1="{Y(tick):0.#}" y2="{Y(tick):0.#}"/><text class="text" x="{Left - 8}" y="{Y(tick) + 4:0.#}" text-anchor="end">{tick}</text>
                """);
        }

        foreach (double tick in (double[])[0, 0.25, 0.5, 0.75, 1, 1.25, 1.5])
        {
            svg.AppendLine(CultureInfo.InvariantCulture, $"""
                <line class="grid" x1="{X(tick):0.#}" x2="{X(tick):0.#}" y1="{top}" y2="{top + PanelHeight}"/><text class="text" x="{X(tick):0.#}" y="{top + PanelHeight + 16}" text-anchor="middle">{tick}</text>
                """);
        }

        svg.AppendLine(CultureInfo.InvariantCulture, $"""<text class="text" x="{X(0.75)}" y="{top + PanelHeight + 31}" text-anchor="middle">load</text>""");

        // FastBatch last, on top of the others.
        for (int i = contenders.Length - 1; i >= 0; i--)
        {
            IEnumerable<string> points = Loads.Select((load, at) => string.Create(CultureInfo.InvariantCulture, $"{X(load):0.#},{Y(value(runs[i][at])):0.#}"));
            svg.AppendLine(CultureInfo.InvariantCulture, $"""<path d="M{string.Join(" L", points)}" {Style(i)}/>""");
        }

        for (int i = 0; number == 0 && i < contenders.Length; i++)
        {
            double y = top + 12 + (i * 19);
            svg.AppendLine(CultureInfo.InvariantCulture, $"""
                <path d="M{Width - Right + 14},{y} h18" {Style(i)}/><text class="text" x="{Width - Right + 38}" y="{y + 4}">{contenders[i].Name}</text>
                """);
        }

        // Other settings of FastBatch are dashed.
        static string Style(int contender) =>
            $"style=\"stroke:{Colours[contender % Colours.Length]}{(contender == 0 ? ";stroke-width:3" : "")}\""
            + (contender > 0 && contender <= Contender.OtherSettings.Length ? " stroke-dasharray=\"5 3\"" : "");

        static double X(double load) => Left + ((Width - Right - Left) * load / 1.5);

        double Y(double amount)
        {
            double clamped = Math.Clamp(amount, low, high);
            double share = isLogarithmic ? Math.Log(clamped / low) / Math.Log(high / low) : (clamped - low) / (high - low);
            return top + (PanelHeight * (1 - share));
        }
    }
}
