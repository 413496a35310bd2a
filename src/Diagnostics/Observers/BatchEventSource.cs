using System.Diagnostics.Tracing;

namespace FastBatch.Diagnostics;

/// <summary>
/// Counters over all observed batchers, for <c>dotnet-counters monitor --counters FastBatch</c> and other listeners to event sources.
/// Counts only while somebody listens.
/// </summary>
[EventSource(Name = BatchTelemetry.Name)]
internal sealed class BatchEventSource : EventSource
{
    public static readonly BatchEventSource Log = new();

    private readonly Lock _gate = new();
    private readonly List<Batcher> _batchers = [];
    private readonly Observer _observer;
    private DiagnosticCounter[]? _counters;
    private long _requests;
    private long _batches;
    private long _rows;
    private long _failed;
    private long _refused;

    private BatchEventSource() => _observer = new Observer(this);

    public IDisposable Observe(Batcher batcher)
    {
        lock (_gate)
        {
            _batchers.Add(batcher);
        }

        return new Observation(this, batcher, batcher.Observe(_observer));
    }

    protected override void OnEventCommand(EventCommandEventArgs command)
    {
        if (command.Command == EventCommand.Enable && _counters is null)
        {
            _counters =
            [
                Rate("requests-per-second", "Requests answered", () => _requests),
                Rate("batches-per-second", "Batches", () => _batches),
                Rate("failures-per-second", "Requests failed", () => _failed),
                Rate("rejections-per-second", "Requests refused or dropped", () => _refused),
                new PollingCounter("batch-size", this, MeanBatchSize) { DisplayName = "Rows per batch, since the start" },
                new PollingCounter("queue-length", this, QueueLength) { DisplayName = "Requests waiting" },
            ];
        }
    }

    private IncrementingPollingCounter Rate(string name, string displayName, Func<double> total) =>
        new(name, this, total) { DisplayName = displayName, DisplayRateTimeScale = TimeSpan.FromSeconds(1) };

    private double MeanBatchSize() => _batches == 0 ? 0 : (double)_rows / _batches;

    private double QueueLength()
    {
        lock (_gate)
        {
            return _batchers.Sum(static batcher => batcher.QueueLength);
        }
    }

    private sealed class Observer(BatchEventSource source) : BatchObserver
    {
        public override void OnBatch(Batcher batcher, in BatchReport batch)
        {
            if (source.IsEnabled())
            {
                Interlocked.Add(ref source._requests, batch.Succeeded);
                Interlocked.Add(ref source._rows, batch.Rows);
                Interlocked.Increment(ref source._batches);
                Interlocked.Add(ref source._failed, batch.Failed);
                Interlocked.Add(ref source._refused, batch.Dropped);
            }
        }

        public override void OnEnded(Batcher batcher, RequestOutcome outcome, int count)
        {
            if (source.IsEnabled() && outcome is RequestOutcome.Rejected or RequestOutcome.Closed)
            {
                Interlocked.Add(ref source._refused, count);
            }
        }
    }

    private sealed class Observation(BatchEventSource source, Batcher batcher, IDisposable observation) : IDisposable
    {
        public void Dispose()
        {
            observation.Dispose();
            lock (source._gate)
            {
                source._batchers.Remove(batcher);
            }
        }
    }
}
