using System.Globalization;
using FastBatch.LoadTests.Rivals;
using FastBatch.LoadTests.Scenarios;

namespace FastBatch.LoadTests;

/// <summary>The command line; whatever it does not know it refuses.</summary>
internal sealed record Arguments(IReadOnlyList<IScenario> Scenarios, bool Json, ScenarioSettings Settings)
{
    private const int DefaultRounds = 7;

    private static readonly IScenario[] s_all =
    [
        new OverheadScenario("overhead", Contenders.For<SmallNoOp>),
        new OverheadScenario("inline", static () => Contenders.Inline),
        new RowsScenario(),
        new OpenLoopScenario(),
        new DeviceScenario(),
        new TorchScenario(),
        new ObservedScenario(),
    ];

    public static string Usage => $"""
        usage: FastBatch.LoadTests SCENARIO [--json] [--seconds S] [--rounds R] [--batcher NAME]

          overhead   closed loop, no-op model, 1 to 4096 requests in flight
          inline     the same, among batchers that run their callers' code in the batching loop
          rows       closed loop, rows of 512 B to 600 KB that each request makes first
          openloop   requests at a fixed rate, latency from the time they were due;
                     the generator spins and takes one processor (its time is in the CPU column)
          device     a model of 200 us a batch and 2 us a row, closed and open loop
          torch      a network on libtorch (bash eng/build-native.sh), closed loop, 1 to 128 requests in flight
          observed   the same batcher with nobody looking, with statistics, and with its metrics listened to
          all        everything

          gpu        models on a GPU; has options of its own (gpu --help)

          soak       FastBatch alone, in random loads and faults; has options of its own (soak --help)

          record     a recording of requests to the Digits sample, for the simulator to replay (record --help)

          --json     one JSON object per line instead of tables
          --seconds  measured time per contender, case and round
          --rounds   measured rounds (default {DefaultRounds}); one more goes before them and is thrown away
          --batcher  one of {string.Join(", ", Contenders.Names)}
        """;

    /// <returns>null, and what is wrong, if the command line is not understood.</returns>
    public static Arguments? Parse(string[] args, out string error)
    {
        error = "";
        var parsed = new Arguments([], Json: false, new ScenarioSettings(DefaultRounds, Seconds: null, Batcher: null, Json: false));
        for (int i = 0; i < args.Length && error.Length == 0; i++)
        {
            string argument = args[i];
            if (argument == "--json")
            {
                parsed = parsed with { Json = true, Settings = parsed.Settings with { Json = true } };
            }
            else if (argument is "--seconds" or "--rounds" or "--batcher")
            {
                string value = ++i < args.Length ? args[i] : "";
                ScenarioSettings? settings = With(parsed.Settings, argument, value);
                error = settings is null ? $"{argument} cannot be '{value}'" : "";
                parsed = parsed with { Settings = settings ?? parsed.Settings };
            }
            else if (i == 0)
            {
                parsed = parsed with { Scenarios = [.. s_all.Where(scenario => argument == "all" || argument == scenario.Name)] };
                error = parsed.Scenarios.Count == 0 ? $"unknown scenario '{argument}'" : "";
            }
            else
            {
                error = $"unknown argument '{argument}'";
            }
        }

        error = error.Length == 0 && parsed.Scenarios.Count == 0 ? "the first argument must be a scenario" : error;
        return error.Length == 0 ? parsed : null;
    }

    private static ScenarioSettings? With(ScenarioSettings settings, string option, string value) => option switch
    {
        "--seconds" when Number(value) is > 0 and <= 60 and double seconds => settings with { Seconds = seconds },
        "--rounds" when Number(value) is >= 1 and <= 1000 and double rounds && rounds == Math.Floor(rounds) =>
            settings with { Rounds = (int)rounds },
        "--batcher" when Contenders.Names.Contains(value) => settings with { Batcher = value },
        _ => null,
    };

    private static double Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : double.NaN;
}
