using System.Text.Json;

namespace FastBatch.Simulation;

/// <summary>Judges the policies in virtual time. Exit codes: 0, or 64 for usage.</summary>
internal static class Program
{
    private const string Usage = """
        usage: oracle [--json]   against the computed optimum, as text or as one JSON object
               table             against rivals, as Markdown
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

            default:
                Console.Error.WriteLine(Usage);
                return 64;
        }
    }
}
