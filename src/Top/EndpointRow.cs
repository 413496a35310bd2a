namespace FastBatch.Top;

/// <summary>What one endpoint did between two scrapes. Durations in seconds; NaN where nothing happened.</summary>
internal sealed record EndpointRow(
    string Endpoint, double Requests, double Batches, double RowsPerBatch, double Fill, double Queue, double LatencyP50, double LatencyP99,
    double WaitP99, double DeviceShare, double Failures, double Rejections)
{
    private const string Label = "fastbatch_endpoint";

    public static IReadOnlyList<EndpointRow> Between(MetricsText before, MetricsText after) =>
        [.. after.Values(Label).Select(endpoint => Between(before, after, endpoint))];

    private static EndpointRow Between(MetricsText before, MetricsText after, string endpoint)
    {
        double seconds = Math.Max(1e-3, (after.At - before.At).TotalSeconds);
        double Rise(string name, params (string, string)[] labels)
        {
            (string, string)[] all = [(Label, endpoint), .. labels];
            return Math.Max(0, after.Sum(name, all) - before.Sum(name, all));
        }

        double Quantile(string name, double part)
        {
            var earlier = before.Buckets(name, (Label, endpoint)).ToDictionary(static bucket => bucket.Bound, static bucket => bucket.Count);
            return Interpolate(
                [.. after.Buckets(name, (Label, endpoint)).Select(bucket => (bucket.Bound, Math.Max(0, bucket.Count - earlier.GetValueOrDefault(bucket.Bound))))], part);
        }

        double batches = Rise("fastbatch_batch_size_count");
        return new EndpointRow(
            endpoint,
            Rise("fastbatch_requests_total") / seconds,
            batches / seconds,
            Rise("fastbatch_batch_size_sum") / batches,
            Rise("fastbatch_batch_fill_ratio_sum") / batches,
            after.Sum("fastbatch_queue_length", (Label, endpoint)),
            Quantile("fastbatch_request_duration_seconds", 0.5),
            Quantile("fastbatch_request_duration_seconds", 0.99),
            Quantile("fastbatch_queue_duration_seconds", 0.99),
            (Rise("fastbatch_batch_duration_seconds_sum", ("fastbatch_phase", "compute"))
                + Rise("fastbatch_batch_duration_seconds_sum", ("fastbatch_phase", "h2d"))
                + Rise("fastbatch_batch_duration_seconds_sum", ("fastbatch_phase", "d2h"))) / seconds,
            Rise("fastbatch_requests_total", ("fastbatch_outcome", "failed")) / seconds,
            Rise("fastbatch_rejections_total") / seconds);
    }

    /// <summary>As Prometheus' histogram_quantile: within the bucket, values are taken to be spread evenly.</summary>
    internal static double Interpolate(IReadOnlyList<(double Bound, double Count)> buckets, double part)
    {
        double rank = buckets.Count == 0 ? 0 : part * buckets[^1].Count;
        double low = 0;
        double below = 0;
        foreach ((double bound, double count) in buckets)
        {
            if (count >= rank && count > below)
            {
                return double.IsInfinity(bound) ? low : low + ((bound - low) * (rank - below) / (count - below));
            }

            (low, below) = (bound, count);
        }

        return double.NaN;
    }
}
