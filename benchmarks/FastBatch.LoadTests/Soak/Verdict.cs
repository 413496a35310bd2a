using System.Globalization;
using System.Text.Json;

namespace FastBatch.LoadTests.Soak;

/// <summary>What a soak found. The order is that of the JSON keys.</summary>
internal sealed record Verdict(
    bool Clean,
    string Fault,
    double Seconds,
    int Processors,
    int Episodes,
    long Requests,
    long Answered,
    long Cancelled,
    long Faulted,
    long Innocent,
    long Refused,
    long Closed,
    long Forgotten,
    long Lost,
    long Crossed,
    long Duplicated,
    long Unexpected,
    double? ResidentGrowthPercent,
    int? HandleGrowth,
    IReadOnlyList<string> Seen,
    IReadOnlyList<Footprint> Footprints)
{
    private const double MostGrowthPercent = 2;

    // A runtime's own pools and caches come and go by a few.
    private const int MostHandles = 8;

    // Before that, the runtime is still compiling and its pools filling.
    private const int JudgedFrom = 120; // seconds

    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static Verdict Of(FaultKind fault, TimeSpan elapsed, int episodes, Ledger ledger, IReadOnlyList<Footprint> footprints)
    {
        Outcomes totals = ledger.Totals;
        long missing = totals.Sent - totals.Ended - ledger.Lost;
        bool judged = elapsed.TotalSeconds >= JudgedFrom - 1 && footprints.Count >= 8;
        double? growth = judged ? Growth(footprints) : null;
        int? handles = judged ? (int)(Median(footprints, 3, print => print.Handles) - Median(footprints, 2, print => print.Handles)) : null;
        bool balanced = missing == 0 || ledger.Lost > 0;
        return new Verdict(
            ledger.IsClean && balanced && totals.Answered > 0 && growth is not > MostGrowthPercent && handles is not > MostHandles,
            fault.ToString().ToLowerInvariant(),
            Math.Round(elapsed.TotalSeconds, 1),
            Environment.ProcessorCount,
            episodes,
            totals.Sent,
            totals.Answered,
            totals.Cancelled,
            totals.Faulted,
            totals.Innocent,
            totals.Refused,
            totals.Closed,
            totals.Forgotten,
            ledger.Lost + (balanced ? 0 : missing),
            ledger.CrossedCount,
            ledger.DuplicatedCount,
            ledger.UnexpectedCount,
            growth,
            handles,
            [.. ledger.Shown],
            footprints);
    }

    public string ToJson() => JsonSerializer.Serialize(this, s_json);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"""

        {(Clean ? "CLEAN" : "NOT CLEAN")}: faults {Fault}, {Seconds:0} s on {Processors} processor(s), {Episodes} batchers
          requests     {Requests,15:N0}
          = answered   {Answered,15:N0}
          + cancelled  {Cancelled,15:N0}
          + faulted    {Faulted,15:N0}   as planned; {Innocent:N0} of them for a bad row beside them
          + refused    {Refused,15:N0}
          + closed     {Closed,15:N0}
          + forgotten  {Forgotten,15:N0}
          + lost       {Lost,15:N0}
          crossed      {Crossed,15:N0}
          duplicated   {Duplicated,15:N0}
          unexpected   {Unexpected,15:N0}
          RSS growth, last half      {(ResidentGrowthPercent is { } growth ? $"{growth:0.0} % (at most {MostGrowthPercent} %)" : $"not judged before {JudgedFrom} s")}
          handle growth, last half   {(HandleGrowth is { } handles ? $"{handles} (at most {MostHandles})" : "not judged")}
        {string.Join('\n', Seen)}
        """);

    // The medians of the last two quarters: one odd moment decides nothing.
    private static double Growth(IReadOnlyList<Footprint> footprints)
    {
        double before = Median(footprints, 2, print => print.ResidentMegabytes);
        return Math.Round(100 * (Median(footprints, 3, print => print.ResidentMegabytes) - before) / before, 2);
    }

    private static double Median(IReadOnlyList<Footprint> footprints, int quarter, Func<Footprint, double> of)
    {
        int length = footprints.Count / 4;
        double[] sorted = [.. footprints.Skip(footprints.Count - ((4 - quarter) * length)).Take(length).Select(of).Order()];
        return sorted[length / 2];
    }
}
