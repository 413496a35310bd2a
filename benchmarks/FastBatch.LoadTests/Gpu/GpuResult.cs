using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FastBatch.LoadTests.Gpu;

/// <summary>One contender in one case: medians over the rounds. The order is that of the JSON keys; TorchModels/gpu_naive.py prints the same.</summary>
/// <param name="Batch">The most rows at once.</param>
/// <param name="BatchMicroseconds">From the launch of a batch until its results were there, median; absent where that is not known.</param>
/// <param name="ShareOfBound">Of the requests per second that the longest stage alone allows, the part that was reached.</param>
/// <param name="OfBare">The median latency over that of the bare synchronous round trip; for one request in flight.</param>
/// <param name="MaxDifference">From the model's own answers, one by one, the largest in parts of the largest answer.</param>
/// <param name="Tolerance">What it may be.</param>
internal sealed record GpuResult(
    string Scenario,
    string Device,
    string Model,
    string Batcher,
    int Batch,
    int InFlight,
    double RequestsPerSecond,
    double SpreadPercent,
    double P50Microseconds,
    double P99Microseconds,
    double? BatchMicroseconds,
    double MeanBatchSize,
    double? BytesPerRequest,
    double CpuSecondsPerMillion,
    double? ShareOfBound,
    double? OfBare,
    double MaxDifference,
    double Tolerance,
    int Rounds,
    string Library)
{
    public const string Header =
        "  batcher            in flight   requests/s  spread      p50 us      p99 us    batch us   rows  B/request  of bound  of bare";

    internal static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"  {Batcher,-18}{InFlight,10}{RequestsPerSecond,13:N0}{SpreadPercent,7:0}%{P50Microseconds,12:N1}{P99Microseconds,12:N1}")
        + string.Create(
            CultureInfo.InvariantCulture,
            $"{BatchMicroseconds,12:N1}{MeanBatchSize,7:0.0}{BytesPerRequest,11:0.00}{ShareOfBound,10:0.000}{OfBare,9:0.00}");
}

/// <summary>What a model's results are held against.</summary>
internal sealed record GpuBound(
    string Scenario,
    string Device,
    string Model,
    int Batch,
    double HostToDeviceMicroseconds,
    double ComputeMicroseconds,
    double DeviceToHostMicroseconds,
    double RequestsPerSecond,
    double BareP50Microseconds,
    double DifferenceFromPytorch,
    double Tolerance,
    double DistinctRows,
    string Library)
{
    public string ToJson() => JsonSerializer.Serialize(this, GpuResult.Json);

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Model} on {Device}, {Batch} rows: {HostToDeviceMicroseconds:N1} us in, {ComputeMicroseconds:N1} us to compute, {DeviceToHostMicroseconds:N1} us out, ")
        + string.Create(
            CultureInfo.InvariantCulture,
            $"at most {RequestsPerSecond:N0} requests/s; one row alone {BareP50Microseconds:N1} us; {DifferenceFromPytorch:0.0e0} from PyTorch's answers ({Tolerance} allowed)");
}
