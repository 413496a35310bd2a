using System.Globalization;
using System.Text;
using FastBatch.LoadTests.Harness;
using FastBatch.LoadTests.Rivals;

namespace FastBatch.LoadTests;

/// <summary>The report for people: one table per case and, under it, FastBatch against the best rival in each column.</summary>
internal static class ResultTable
{
    // Less than this of the offered rate and the latencies are those of an overload.
    private const double RateReached = 0.95;

    public static string Format(LoadCase load, IReadOnlyList<Result> results)
    {
        var table = new StringBuilder();
        table.AppendLine(Invariant($"{load.Scenario}: {load.Title}"));
        table.AppendLine("  batcher                 requests/s  spread      p50 us      p99 us   B/request   CPU s/M   batch");
        foreach (Result result in results)
        {
            table.AppendLine(Row(result));
        }

        if (FindSides(results) is ({ } own, var rivals))
        {
            Compare(table, own, rivals);
        }

        return table.ToString();
    }

    /// <summary>FastBatch, if it took part, and those it is compared with.</summary>
    public static (Result? Own, IReadOnlyList<Result> Rivals) FindSides(IReadOnlyList<Result> results)
    {
        Result? own = results.FirstOrDefault(static result => result.Batcher is Contenders.FastBatch or Contenders.FastBatchInline);
        return (own, [.. results.Where(result => result != own && !result.IsReference && ReachesRate(result))]);
    }

    private static string Row(Result result)
    {
        string latencies = Invariant($"{result.P50Microseconds,12:N1}{result.P99Microseconds,12:N1}");
        string costs = Invariant($"{result.BytesPerRequest,12:N1}{result.CpuSecondsPerMillion,10:N3}{result.MeanBatch,8:N1}");
        string remark = ReachesRate(result) ? "" : "  rate not reached";
        return Invariant($"  {result.Batcher,-22}{result.RequestsPerSecond,12:N0}{result.SpreadPercent,7:0}%") + latencies + costs + remark;
    }

    private static void Compare(StringBuilder table, Result own, IReadOnlyList<Result> rivals)
    {
        if (rivals.Count == 0)
        {
            return;
        }

        Result fastest = rivals.MinBy(own.ThroughputOver)!;
        string throughput = own.Load is null ? Invariant($"throughput {own.ThroughputOver(fastest):0.00}x ({fastest.Batcher}), ") : "";
        table.AppendLine(
            $"  {own.Batcher} / best rival: {throughput}" +
            $"{Against(rivals, own, "p50", static result => result.P50Microseconds)}, " +
            $"{Against(rivals, own, "p99", static result => result.P99Microseconds)}, " +
            $"{Against(rivals, own, "CPU", static result => result.CpuSecondsPerMillion)}");
    }

    /// <summary>For columns where less is better.</summary>
    private static string Against(IReadOnlyList<Result> rivals, Result own, string column, Func<Result, double> of)
    {
        Result best = rivals.MinBy(of)!;
        return Invariant($"{column} {of(own) / of(best):0.00}x ({best.Batcher})");
    }

    private static bool ReachesRate(Result result) => result.Load is not { } offered || result.RequestsPerSecond >= RateReached * offered;

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
