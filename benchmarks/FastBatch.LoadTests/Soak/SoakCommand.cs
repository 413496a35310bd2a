using System.Diagnostics;
using System.Globalization;
using FastBatch.LoadTests.Harness;

namespace FastBatch.LoadTests.Soak;

/// <summary>
/// <c>soak</c>: batchers live and die under random loads and faults, two or more at a time, until the time is over. Exit code 0 only if every
/// request ended once with its own answer and the process holds no more than before.
/// </summary>
internal sealed record SoakCommand(double Minutes, FaultKind Fault, int Seed, bool Json)
{
    public const string Name = "soak";

    private static readonly TimeSpan ProgressPeriod = TimeSpan.FromSeconds(10);

    public static string Usage => $"""
        usage: FastBatch.LoadTests soak [--minutes M] [--fault KIND] [--seed N] [--json]

          Submits in every form to batchers of every kind, checks each answer by content, and prints a verdict.

          --minutes  how long (default 1)
          --fault    what goes wrong throughout (default mixed): {string.Join(", ", Enum.GetNames<FaultKind>()).ToLowerInvariant()}
          --seed     another run of the dice (default 1)
          --json     the verdict as one JSON object
        """;

    /// <returns>null if the arguments are not understood.</returns>
    public static SoakCommand? Parse(ReadOnlySpan<string> args)
    {
        var parsed = new SoakCommand(Minutes: 1, FaultKind.Mixed, Seed: 1, Json: false);
        for (int i = 0; i < args.Length; i++)
        {
            string value = args[i] != "--json" && i + 1 < args.Length ? args[i + 1] : "";
            SoakCommand? next = args[i] switch
            {
                "--json" => parsed with { Json = true },
                "--minutes" when double.TryParse(value, CultureInfo.InvariantCulture, out double minutes) && minutes is > 0 and <= 10_000 =>
                    parsed with { Minutes = minutes },
                "--fault" when Enum.TryParse(value, ignoreCase: true, out FaultKind kind) && Enum.IsDefined(kind) => parsed with { Fault = kind },
                "--seed" when int.TryParse(value, CultureInfo.InvariantCulture, out int seed) => parsed with { Seed = seed },
                _ => null,
            };
            if (next is null)
            {
                return null;
            }

            i += args[i] == "--json" ? 0 : 1;
            parsed = next;
        }

        return parsed;
    }

    /// <returns>The exit code.</returns>
    public int Run()
    {
        Verdict verdict = RunAsync().GetAwaiter().GetResult();
        Console.WriteLine(Json ? verdict.ToJson() : verdict.ToString());
        return verdict.Clean ? 0 : Failure.WrongAnswerExitCode;
    }

    private async Task<Verdict> RunAsync()
    {
        var ledger = new Ledger();
        var random = new Random(Seed);
        var footprints = new List<Footprint>();
        var length = TimeSpan.FromMinutes(Minutes);
        long start = Stopwatch.GetTimestamp();
        TimeSpan reported = TimeSpan.Zero;
        int episodes = 0;
        bool ended = true;
        while (ended && Stopwatch.GetElapsedTime(start) < length)
        {
            // Mostly short lives; some long ones.
            var life = TimeSpan.FromMilliseconds(random.Next(6) == 0 ? random.Next(2_000, 5_000) : random.Next(20, 800));
            int count = random.Next(1, 4);
            Task<bool>[] running = new Task<bool>[count];
            for (int i = 0; i < count; i++)
            {
                running[i] = new Episode(++episodes, Fault, random.Next(), ledger).RunAsync(life);
            }

            foreach (Task<bool> episode in running)
            {
                ended &= await episode.ConfigureAwait(false);
            }

            footprints.Add(Footprint.Take(Stopwatch.GetElapsedTime(start), ledger.Totals.Sent));
            if (!Json && Stopwatch.GetElapsedTime(start) - reported > ProgressPeriod)
            {
                reported = Stopwatch.GetElapsedTime(start);
                Console.WriteLine(footprints[^1]);
            }
        }

        return Verdict.Of(Fault, Stopwatch.GetElapsedTime(start), episodes, ledger, footprints);
    }
}
