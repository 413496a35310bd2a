using System.Text.Json;
using System.Text.Json.Serialization;

namespace FastBatch.LoadTests.Harness;

/// <summary>One line of the report: one contender in one case, medians over the rounds. The order is that of the JSON keys.</summary>
/// <param name="InFlight">Requests in flight in a closed loop; 0 in an open loop, where nothing bounds them.</param>
/// <param name="Load">Requests offered per second in an open loop; absent in a closed one.</param>
/// <param name="SpreadPercent">Fastest less slowest round, in percent of the median.</param>
/// <param name="RequestsPerSecondByRound">In the order of the rounds, each of which all contenders went through one after the other.</param>
/// <param name="Library">What a native model runs on; absent where the model is managed code.</param>
internal sealed record Result(
    string Scenario,
    string Batcher,
    int InFlight,
    double RequestsPerSecond,
    double P50Microseconds,
    double P99Microseconds,
    double BytesPerRequest,
    double CpuSecondsPerMillion,
    double MeanBatch,
    int RowBytes,
    double? Load,
    int Rounds,
    double SpreadPercent,
    IReadOnlyList<double> RequestsPerSecondByRound,
    string? Library,
    [property: JsonIgnore] bool IsReference)
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>Of FastBatch in a closed loop: see <see cref="ThroughputOver"/>.</summary>
    public double? ThroughputOverBestRival { get; init; }

    public static Result Of(LoadCase load, Contestant contestant, IReadOnlyList<Measurement> rounds)
    {
        double rate = Median(rounds, static round => round.RequestsPerSecond);
        double spread = rounds.Max(static round => round.RequestsPerSecond) - rounds.Min(static round => round.RequestsPerSecond);
        return new Result(
            load.Scenario,
            contestant.Name,
            load.InFlight,
            Math.Round(rate, 1),
            Median(rounds, static round => round.P50Microseconds),
            Median(rounds, static round => round.P99Microseconds),
            Median(rounds, static round => round.BytesPerRequest),
            Median(rounds, static round => round.CpuSecondsPerMillion),
            Median(rounds, static round => round.MeanBatch),
            load.RowBytes,
            load.OfferedPerSecond,
            rounds.Count,
            Math.Round(100 * spread / rate, 1),
            [.. rounds.Select(static round => Math.Round(round.RequestsPerSecond, 1))],
            load.Library,
            contestant.IsReference);
    }

    /// <summary>
    /// The requests per second of this contender for each of the other's: in the median over the rounds, so that what the machine does during some of
    /// them, to both, does not pass for a difference.
    /// </summary>
    public double ThroughputOver(Result other) =>
        Median([.. RequestsPerSecondByRound.Zip(other.RequestsPerSecondByRound, static (own, others) => own / others)], static ratio => ratio);

    public string ToJson() => JsonSerializer.Serialize(this, s_json);

    private static double Median<T>(IReadOnlyList<T> rounds, Func<T, double> of)
    {
        double[] sorted = [.. rounds.Select(of).Order()];
        int middle = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return Math.Round(median, 3);
    }
}
