using System.Text.Json;
using FastBatch.Simulation.Replays;

namespace FastBatch.Simulation;

/// <summary>Judges the policies in virtual time. Exit codes: 0, or 64 for usage.</summary>
internal static class Program
{
    private const string Usage = $"""
        usage: oracle [--json]   against the computed optimum, as text or as one JSON object
               table             against rivals, as Markdown
               plot FILE         the same over load, as SVG
               {ReplayCommand.Usage}
                                 a recording (benchmarks/FastBatch.LoadTests -- record) as it was, or with other settings
        """;

    private static int Main(string[] args)
    {
        switch (args)
        {
            case ["oracle"]:
                foreach ((string key, object value) in OracleReport.Make())
                {
                    Console.WriteLine($"{key}: {value}");
                }

                return 0;

            case ["oracle", "--json"]:
                Console.WriteLine(JsonSerializer.Serialize(OracleReport.Make()));
                return 0;

            case ["table"]:
                Console.Write(ComparisonTable.Format());
                return 0;

            case ["plot", var file]:
                File.WriteAllText(file, Plot.Draw());
                return 0;

            case ["replay", ..] when ReplayCommand.TryRun(args.AsSpan(1), Console.Out):
                return 0;

            default:
                Console.Error.WriteLine(Usage);
                return 64;
        }
    }
}
