using FastBatch.Simulation.Oracles;

namespace FastBatch.Simulation;

/// <summary>How near the shipping scheduler comes to what can be computed to be best.</summary>
internal static class OracleReport
{
    private const int Requests = 400_000;

    public static Dictionary<string, object> Make()
    {
        OracleResult[] results = [.. OracleGrid.All.AsParallel().AsOrdered().Select(test => OracleGrid.Judge(test, Requests))];
        OracleResult known = results.MaxBy(result => result.Known)!;
        OracleResult learned = results.MaxBy(result => result.Learned)!;
        double lateClose = Scenarios.LateCloseRatio(Requests);
        (double worst, double mean) = Scenarios.AgainstClairvoyance(cases: 2000);
        return new Dictionary<string, object>
        {
            ["cases"] = results.Length,
            ["meanCostRatioKnown"] = Math.Round(known.Known, 4),
            ["meanCostRatioLearned"] = Math.Round(learned.Learned, 4),
            ["meanCostRatioKnownMean"] = Math.Round(results.Average(result => result.Known), 4),
            ["meanCostRatioLearnedMean"] = Math.Round(results.Average(result => result.Learned), 4),
            ["worstKnown"] = known.Case.ToString(),
            ["worstLearned"] = learned.Case.ToString(),
            ["workConservingCostRatio"] = Math.Round(OracleGrid.WorstOfWorkConserving(), 4),
            ["optimumIsControlLimit"] = results.All(result => result.Optimum.IsControlLimit),
            ["simulationErrorMax"] = Math.Round(results.Max(result => Math.Abs(result.SimulatedOptimum - 1)), 4),
            ["goodputRatioOverload"] = Math.Round(Scenarios.GoodputRatioOverload(), 4),
            ["inDeadlineAt95"] = Math.Round(Scenarios.InDeadlineAt95(), 5),
            ["clairvoyantRatioWorst"] = Math.Round(worst, 3),
            ["clairvoyantRatioMean"] = Math.Round(mean, 3),
            ["lateCloseRatioWorst"] = Math.Round(lateClose, 4),
            ["lateCloseNeverWorse"] = lateClose <= 1,
            ["recoversFromSpike"] = Scenarios.RecoversFromSpike(Scenarios.Default, double.PositiveInfinity)
                && Scenarios.RecoversFromSpike(Scenarios.Default, Scenarios.Deadline),
        };
    }
}
