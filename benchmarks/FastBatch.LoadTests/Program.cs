using FastBatch.LoadTests.Gpu;
using FastBatch.LoadTests.Harness;
using FastBatch.LoadTests.Recording;
using FastBatch.LoadTests.Scenarios;
using FastBatch.LoadTests.Soak;

namespace FastBatch.LoadTests;

/// <summary>
/// Puts FastBatch and the batchers people write by hand under the same loads and checks every answer; or soaks FastBatch alone in faults.
/// Exit codes: 0 measured, 1 a wrong answer or a failed request, 2 a hang, 3 no libtorch or GPU, 64 usage.
/// </summary>
internal static class Program
{
    // Not async: the measuring thread sleeps and waits, and must not be one of the thread pool's.
    private static int Main(string[] args)
    {
        if (args is [SoakCommand.Name, ..])
        {
            return Soak(args.AsSpan(1));
        }

        if (args is [RecordCommand.Name, ..])
        {
            return Record(args.AsSpan(1));
        }

        if (args is [GpuCommand.Name, ..])
        {
            return Gpu(args.AsSpan(1));
        }

        if (Arguments.Parse(args, out string error) is not { } arguments)
        {
            Console.Error.WriteLine(error);
            Console.Error.WriteLine(Arguments.Usage);
            return Failure.UsageExitCode;
        }

        foreach (IScenario scenario in arguments.Scenarios)
        {
            scenario.Run(arguments.Settings, (load, results) => Report(load, results, arguments.Json));
        }

        return 0;
    }

    private static int Record(ReadOnlySpan<string> args)
    {
        if (RecordCommand.Parse(args) is { } command)
        {
            return command.Run();
        }

        Console.Error.WriteLine(RecordCommand.Usage);
        return Failure.UsageExitCode;
    }

    private static int Gpu(ReadOnlySpan<string> args)
    {
        if (GpuCommand.Parse(args) is { } command)
        {
            return command.Run();
        }

        Console.Error.WriteLine(GpuCommand.Usage);
        return Failure.UsageExitCode;
    }

    private static int Soak(ReadOnlySpan<string> args)
    {
        if (SoakCommand.Parse(args) is { } command)
        {
            return command.Run();
        }

        Console.Error.WriteLine(SoakCommand.Usage);
        return Failure.UsageExitCode;
    }

    private static void Report(LoadCase load, IReadOnlyList<Result> results, bool json)
    {
        if (!json)
        {
            Console.WriteLine(ResultTable.Format(load, results));
            return;
        }

        (Result? own, IReadOnlyList<Result> rivals) = ResultTable.FindSides(results);
        foreach (Result result in results)
        {
            bool isCompared = result == own && own.Load is null && rivals.Count > 0;
            Console.WriteLine((isCompared ? result with { ThroughputOverBestRival = Math.Round(rivals.Min(result.ThroughputOver), 3) } : result).ToJson());
        }
    }
}
