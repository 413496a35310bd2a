using System.Globalization;

namespace Digits;

/// <summary>The command line.</summary>
internal sealed record Arguments
{
    private const string Usage = """
        usage: dotnet run -c Release --project samples/Digits -- [--json] [--clients N] [--seconds S] [--engine cpu|libtorch|cuda]
          --json       print one JSON object instead of progress and a table
          --clients    concurrent clients, each with one request under way: 1 to 100,000 (default 256)
          --seconds    how long to serve: up to 3,600 (default 6)
          --engine     what computes: cpu, managed code (the default), libtorch, which bash eng/build-native.sh sets up, or cuda, libtorch on a GPU
        """;

    public bool Json { get; private init; }

    public int Clients { get; private init; } = 256;

    public double Seconds { get; private init; } = 6;

    public string Engine { get; private init; } = "cpu";

    public static bool TryParse(string[] args, out Arguments arguments, out string? error)
    {
        arguments = new Arguments();
        error = null;
        for (int i = 0; i < args.Length; i++)
        {
            string? value = i + 1 < args.Length ? args[i + 1] : null;
            switch (args[i])
            {
                case "--json":
                    arguments = arguments with { Json = true };
                    continue;
                case "--clients" when int.TryParse(value, CultureInfo.InvariantCulture, out int clients) && clients is >= 1 and <= 100_000:
                    arguments = arguments with { Clients = clients };
                    break;
                case "--seconds" when double.TryParse(value, CultureInfo.InvariantCulture, out double seconds) && seconds is > 0 and <= 3600:
                    arguments = arguments with { Seconds = seconds };
                    break;
                case "--engine" when value is "cpu" or "libtorch" or "cuda":
                    arguments = arguments with { Engine = value };
                    break;
                case "--help" or "-h":
                    error = Usage;
                    return false;
                default:
                    error = $"'{string.Join(' ', args[i..])}' is not understood, or out of range.\n{Usage}";
                    return false;
            }

            i++;
        }

        return true;
    }
}
