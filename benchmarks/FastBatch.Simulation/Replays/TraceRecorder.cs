using FastBatch.Diagnostics;

namespace FastBatch.Simulation.Replays;

/// <summary>
/// Records what comes to a running batcher: <c>using (batcher.Observe(recorder)) { ... }</c>, then <see cref="ToTrace"/>. Requests that never
/// got into a batch are not in it. Keeps everything in memory: some 60 bytes a request.
/// </summary>
internal sealed class TraceRecorder(int maxBatchSize, TimeSpan? deadline = null) : BatchObserver
{
    private readonly Lock _gate = new();
    private readonly List<TraceRequest> _requests = [];
    private readonly List<TraceBatch> _batches = [];

    public override RequestDetails Details => RequestDetails.Times;

    public override void OnBatch(Batcher batcher, in BatchReport batch)
    {
        // Those submitted before anybody asked have no time.
        if (batch.Ran && batch.Enqueued.Length == batch.Rows && !batch.Enqueued.Contains(0))
        {
            double unit = 1e9 / batch.TimestampFrequency;
            lock (_gate)
            {
                for (int i = 0; i < batch.Rows; i++)
                {
                    _requests.Add(new TraceRequest(
                        Nanoseconds(batch.Enqueued[i]), Rows: 1, (long)(deadline?.TotalNanoseconds ?? 0), Nanoseconds(batch.Resumed(i) - batch.Enqueued[i])));
                }

                _batches.Add(new TraceBatch(
                    Nanoseconds(batch.OldestEnqueued), Nanoseconds(batch.Closed), batch.Rows, Nanoseconds(batch.Ended), Nanoseconds(batch.Delivered)));
            }

            long Nanoseconds(long timestamp) => (long)(timestamp * unit);
        }
    }

    /// <summary>All of it, in order of time; time starts with the first request.</summary>
    public Trace ToTrace()
    {
        lock (_gate)
        {
            long start = _requests.Count > 0 ? _requests.Min(request => request.Submitted) : 0;
            return new Trace(
                maxBatchSize,
                [.. _requests.OrderBy(request => request.Submitted).Select(request => request with { Submitted = request.Submitted - start })],
                [.. _batches.OrderBy(batch => batch.Closed).Select(batch => new TraceBatch(
                    batch.Oldest - start, batch.Closed - start, batch.Rows, batch.Ended - start, batch.Delivered - start))]);
        }
    }
}
