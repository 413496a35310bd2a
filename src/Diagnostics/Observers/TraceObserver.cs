using System.Diagnostics;

namespace FastBatch.Diagnostics;

/// <summary>
/// One span per batch, with links to the spans its requests belong to. A root: a batch has many callers, and is no part of one's trace.
/// Nothing is noted, made or allocated while nobody listens.
/// </summary>
/// <param name="endpoint">The tag.</param>
internal sealed class TraceObserver(string endpoint) : BatchObserver
{
    // What OpenTelemetry keeps of a span's links, by default.
    private const int MostLinks = 128;

    private static readonly ActivitySource Source = new(BatchTelemetry.Name);

    private readonly string _name = $"batch {endpoint}";

    public override RequestDetails Details => Source.HasListeners() ? RequestDetails.Origins : RequestDetails.None;

    public override void OnBatch(Batcher batcher, in BatchReport batch)
    {
        if (!Source.HasListeners())
        {
            return;
        }

        TimeProvider time = batcher.Options.TimeProvider;
        DateTimeOffset delivered = time.GetUtcNow() - time.GetElapsedTime(batch.Delivered);
        Activity? current = Activity.Current;
        Activity.Current = null;
        try
        {
            using Activity? activity = Source.StartActivity(
                ActivityKind.Internal, default, Attributes(batch), Links(batch.Origins), delivered - time.GetElapsedTime(batch.Closed, batch.Delivered), _name);
            if (batch.Failed > 0)
            {
                activity?.SetStatus(ActivityStatusCode.Error, batch.Error?.Message);
                activity?.SetTag(Tags.ErrorType, batch.Error?.GetType().FullName);
            }

            activity?.SetEndTime(delivered.UtcDateTime);
        }
        finally
        {
            Activity.Current = current;
        }
    }

    private TagList Attributes(in BatchReport batch) =>
    [
        Tags.Of(Tags.Endpoint, endpoint),
        Tags.Of(Tags.CloseReason, Tags.Value(batch.CloseReason)),
        new("fastbatch.batch.size", batch.Rows),
        new("fastbatch.batch.max_size", batch.MaxRows),
        new("fastbatch.batch.compute_us", (long)((batch.Ended - batch.Started) * 1e6 / batch.TimestampFrequency)),
    ];

    private static List<ActivityLink> Links(ReadOnlySpan<ActivityContext> origins)
    {
        var links = new List<ActivityLink>();
        foreach (ActivityContext origin in origins)
        {
            if (origin != default && links.Count < MostLinks)
            {
                links.Add(new ActivityLink(origin));
            }
        }

        return links;
    }
}
