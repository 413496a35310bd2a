using System.Diagnostics.Metrics;
using KeyValue = System.Collections.Generic.KeyValuePair<string, object?>;

namespace FastBatch.Diagnostics;

/// <summary>Turns what one batcher reports into measurements. Its tags are made once; an instrument nobody listens to costs a look.</summary>
internal sealed class MetricsObserver : BatchObserver
{
    private static readonly KeyValue[] Outcomes = All<RequestOutcome>(static outcome => Tags.Of(Tags.Outcome, Tags.Value(outcome)));
    private static readonly KeyValue[] Errors = All<RequestOutcome>(static outcome => Tags.Of(Tags.ErrorType, Tags.Error(outcome)));
    private static readonly KeyValue[] Reasons = All<RequestOutcome>(static outcome => Tags.Of(Tags.Reason, Tags.Error(outcome)));
    private static readonly KeyValue[] CloseReasons = All<BatchCloseReason>(static reason => Tags.Of(Tags.CloseReason, Tags.Value(reason)));
    private static readonly KeyValue[] Priorities = All<RequestPriority>(static priority => Tags.Of(Tags.Priority, Tags.Value(priority)));
    private static readonly KeyValue Form = Tags.Of(Tags.Phase, "form");
    private static readonly KeyValue HostToDevice = Tags.Of(Tags.Phase, "h2d");
    private static readonly KeyValue Compute = Tags.Of(Tags.Phase, "compute");
    private static readonly KeyValue DeviceToHost = Tags.Of(Tags.Phase, "d2h");
    private static readonly KeyValue Scatter = Tags.Of(Tags.Phase, "scatter");

    private readonly BatchMetrics _metrics;
    private readonly KeyValue _endpoint;
    private readonly double _second;

    public MetricsObserver(BatchMetrics metrics, Batcher batcher, string endpoint)
    {
        _metrics = metrics;
        Batcher = batcher;
        _endpoint = Tags.Of(Tags.Endpoint, endpoint);
        _second = 1.0 / batcher.Options.TimeProvider.TimestampFrequency;
        Endpoint = [_endpoint];
        InputPool = [_endpoint, Tags.Of("fastbatch.pool", "input")];
    }

    public Batcher Batcher { get; }

    public KeyValue[] Endpoint { get; }

    public KeyValue[] InputPool { get; }

    public override RequestDetails Details => _metrics.RequestDuration.Enabled || _metrics.QueueDuration.Enabled
        ? RequestDetails.Times
        : RequestDetails.None;

    public override void OnBatch(Batcher batcher, in BatchReport batch)
    {
        RecordRequests(batch);
        Count(RequestOutcome.Succeeded, batch.Succeeded);
        Count(RequestOutcome.Failed, batch.Failed);
        Count(RequestOutcome.Cancelled, batch.Cancelled);
        Count(RequestOutcome.Dropped, batch.Dropped);
        _metrics.Batches.Add(1, _endpoint, Outcomes[(int)Outcome(batch)]);
        if (!batch.Ran)
        {
            return;
        }

        KeyValue reason = CloseReasons[(int)batch.CloseReason];
        _metrics.Items.Add(batch.Rows, _endpoint);
        _metrics.BatchSize.Record(batch.Rows, _endpoint, reason);
        _metrics.BatchFill.Record((double)batch.Rows / batch.MaxRows, _endpoint, reason);
        if (_metrics.BatchDuration.Enabled)
        {
            RecordPhases(batch);
        }
    }

    public override void OnEnded(Batcher batcher, RequestOutcome outcome, int count) => Count(outcome, count);

    private void RecordRequests(in BatchReport batch)
    {
        ReadOnlySpan<long> enqueued = batch.Enqueued;
        bool allSucceeded = batch.Succeeded == batch.Rows;
        for (int i = 0; i < enqueued.Length; i++)
        {
            if (enqueued[i] == 0)
            {
                continue;
            }

            RequestPriority priority = batch.Priority(i);
            Record(_metrics.QueueDuration, (batch.Closed - enqueued[i]) * _second, priority, RequestOutcome.Succeeded);
            double duration = (batch.Resumed(i) - enqueued[i]) * _second;
            if (batch.Gone > 0 && batch.Outcome(i) is RequestOutcome.Succeeded)
            {
                // Some of these ended before the batch did, and it is not known which.
                continue;
            }

            Record(_metrics.RequestDuration, duration, priority, allSucceeded ? RequestOutcome.Succeeded : batch.Outcome(i));
        }
    }

    // What is usual has no tag: it would cost every request some nanoseconds.
    private void Record(Histogram<double> histogram, double value, RequestPriority priority, RequestOutcome outcome)
    {
        bool hasPriority = priority != RequestPriority.Normal;
        bool hasError = outcome != RequestOutcome.Succeeded;
        if (hasPriority && hasError)
        {
            histogram.Record(value, _endpoint, Priorities[IndexOf(priority)], Errors[(int)outcome]);
        }
        else if (hasPriority || hasError)
        {
            histogram.Record(value, _endpoint, hasPriority ? Priorities[IndexOf(priority)] : Errors[(int)outcome]);
        }
        else
        {
            histogram.Record(value, _endpoint);
        }
    }

    private void RecordPhases(in BatchReport batch)
    {
        Record(batch.Started - batch.Closed, Form);
        Record(batch.Ended - batch.Started - batch.HostToDevice - batch.DeviceToHost, Compute);
        Record(batch.Delivered - batch.Ended, Scatter);
        if (batch.HostToDevice > 0)
        {
            Record(batch.HostToDevice, HostToDevice);
        }

        if (batch.DeviceToHost > 0)
        {
            Record(batch.DeviceToHost, DeviceToHost);
        }
    }

    private void Record(long duration, KeyValue phase) => _metrics.BatchDuration.Record(duration * _second, _endpoint, phase);

    private void Count(RequestOutcome outcome, int count)
    {
        if (count == 0)
        {
            return;
        }

        _metrics.Requests.Add(count, _endpoint, Outcomes[(int)outcome]);
        if (outcome is RequestOutcome.Rejected or RequestOutcome.Closed or RequestOutcome.Dropped or RequestOutcome.Expired)
        {
            _metrics.Rejections.Add(count, _endpoint, Reasons[(int)outcome]);
        }
    }

    // Enum.GetValues has negative values last.
    private static int IndexOf(RequestPriority priority) => (int)priority & (Priorities.Length - 1);

    private static RequestOutcome Outcome(in BatchReport batch) =>
        batch.Dropped > 0 ? RequestOutcome.Dropped : batch.Failed > 0 ? RequestOutcome.Failed : RequestOutcome.Succeeded;

    private static KeyValue[] All<T>(Func<T, KeyValue> tag)
        where T : struct, Enum => [.. Enum.GetValues<T>().Select(tag)];
}
