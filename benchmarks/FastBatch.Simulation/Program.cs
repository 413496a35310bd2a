using System.Text.Json;
using FastBatch.Simulation.Oracles;

namespace FastBatch.Simulation;

/// <summary>
/// Judges the policies in virtual time. <c>oracle</c>: against the computed optimum, as text or with <c>--json</c> as one object;
/// <c>table</c>: against rivals, as Markdown. Exit codes: 0, or 64 for usage.
/// </summary>
internal static class Program
{
    private const int OracleRequests = 400_000;

    private static int Main(string[] args)
    {
        switch (args)
        {
            case ["oracle"]:
            case ["oracle", "--json"]:
                Oracle(isJson: args.Length == 2);
                return 0;

            case ["table"]:
                Console.Write(ComparisonTable.Format());
                return 0;

            default:
                Console.Error.WriteLine("usage: oracle [--json] | table");
                return 64;
        }
    }

    private static void Oracle(bool isJson)
    {
        OracleResult[] results = [.. OracleGrid.All.Select(test => OracleGrid.Judge(test, OracleRequests))];
        OracleResult known = results.MaxBy(result => result.Known)!;
        OracleResult learned = results.MaxBy(result => result.Learned)!;
        var report = new Dictionary<string, object>
        {
            ["cases"] = results.Length,
            ["meanCostRatioKnown"] = Math.Round(known.Known, 4),
            ["meanCostRatioLearned"] = Math.Round(learned.Learned, 4),
            ["meanCostRatioKnownMean"] = Math.Round(results.Average(result => result.Known), 4),
            ["meanCostRatioLearnedMean"] = Math.Round(results.Average(result => result.Learned), 4),
            ["workConservingCostRatio"] = Math.Round(OracleGrid.WorstOfWorkConserving(), 4),
            ["optimumIsControlLimit"] = results.All(result => result.Optimum.IsControlLimit),
            ["simulationErrorMax"] = Math.Round(results.Max(result => Math.Abs(result.SimulatedOptimum - 1)), 4),
            ["inDeadlineAt95"] = Math.Round(Scenarios.InDeadlineAt95(() => Scenarios.Default), 5),
            ["recoversFromSpike"] = Scenarios.RecoversFromSpike(Scenarios.Default),
        };
        if (isJson)
        {
            Console.WriteLine(JsonSerializer.Serialize(report));
            return;
        }

        foreach ((string key, object value) in report)
        {
            Console.WriteLine($"{key}: {value}");
        }

        Console.WriteLine($"worst known: {known.Case}");
        Console.WriteLine($"worst learned: {learned.Case}");
    }
}
