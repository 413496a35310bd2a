using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Digits;

/// <summary>What a run measured. The names are the keys of the JSON output.</summary>
public sealed record Report(
    string Engine,
    long Requests,
    int Clients,
    double Accuracy,
    double MaxAbsDifference,
    double RequestsPerSecond,
    double UnbatchedRequestsPerSecond,
    double P50Microseconds,
    double P99Microseconds,
    double P999Microseconds,
    double MeanBatchSize,
    double AllocatedBytesPerRequest)
{
    private const int ChartWidth = 50;

    /// <summary>One JSON object, on one line.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ReportJson.Default.Report);

    /// <summary>A table for people, with the histogram of batch sizes.</summary>
    /// <param name="description">What the engine is.</param>
    /// <param name="batchesBySize">How often a batch had n rows, at index n.</param>
    public string ToTable(string description, ReadOnlySpan<long> batchesBySize)
    {
        string table = string.Create(CultureInfo.InvariantCulture, $"""
            engine                    {Engine}: {description}
            requests                  {Requests:N0} by {Clients} clients
            accuracy                  {Accuracy:P2}
            largest difference        {MaxAbsDifference:G3} from the same image alone
            through the batcher       {RequestsPerSecond:N0} requests/s
            one by one, one thread    {UnbatchedRequestsPerSecond:N0} requests/s (the batcher is {RequestsPerSecond / UnbatchedRequestsPerSecond:0.0}x as fast)
            latency p50/p99/p99.9     {P50Microseconds:N0} / {P99Microseconds:N0} / {P999Microseconds:N0} us
            mean batch                {MeanBatchSize:0.0}
            allocated                 {AllocatedBytesPerRequest:0.000} bytes per request

            batch size  batches

            """);
        long most = Math.Max(1, Largest(batchesBySize));
        for (int size = 1; size < batchesBySize.Length; size++)
        {
            if (batchesBySize[size] > 0)
            {
                string bar = new('#', (int)Math.Ceiling((double)ChartWidth * batchesBySize[size] / most));
                table += string.Create(CultureInfo.InvariantCulture, $"{size,10}  {batchesBySize[size],9:N0} {bar}\n");
            }
        }

        return table;
    }

    private static long Largest(ReadOnlySpan<long> counts)
    {
        long largest = 0;
        foreach (long count in counts)
        {
            largest = Math.Max(largest, count);
        }

        return largest;
    }
}

[JsonSerializable(typeof(Report))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class ReportJson : JsonSerializerContext;
