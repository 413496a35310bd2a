using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace FastBatch.Diagnostics;

/// <summary>
/// Metrics, traces, logs and event counters of batchers, for whoever listens: a <c>Meter</c>, an <c>ActivitySource</c> and an
/// <c>EventSource</c> named <see cref="Name"/>, and loggers under that category. What nobody listens to costs a look per batch. One for all
/// batchers of a process, or of a service provider.
/// </summary>
public sealed class BatchTelemetry : IDisposable
{
    /// <summary>The name of the meter, of the activity source, of the event source, and of the category of logs.</summary>
    public const string Name = "FastBatch";

    private readonly Meter _meter;
    private readonly BatchMetrics _metrics;
    private readonly ILogger? _logger;

    /// <summary>Creates the instruments.</summary>
    /// <param name="meters">Who makes meters, and disposes of them; null for a meter of its own.</param>
    /// <param name="loggers">Who makes loggers; null for no logs.</param>
    public BatchTelemetry(IMeterFactory? meters = null, ILoggerFactory? loggers = null)
    {
        _meter = meters?.Create(Name) ?? new Meter(Name);
        _metrics = new BatchMetrics(_meter);
        _logger = loggers?.CreateLogger(Name);
    }

    /// <summary>Has a batcher seen by all of them, until what is returned is disposed.</summary>
    /// <param name="batcher">The batcher.</param>
    /// <param name="endpoint">
    /// What it is called in the tag <c>fastbatch.endpoint</c>; null for <see cref="Batcher.Name"/>. Of a few, known in advance.
    /// </param>
    public IDisposable Observe(Batcher batcher, string? endpoint = null)
    {
        ArgumentNullException.ThrowIfNull(batcher);
        endpoint ??= batcher.Name;
        var observations = new List<IDisposable>
        {
            _metrics.Observe(batcher, endpoint),
            batcher.Observe(new TraceObserver(endpoint)),
            BatchEventSource.Log.Observe(batcher),
        };
        if (_logger is not null)
        {
            observations.Add(batcher.Observe(new LogObserver(_logger, endpoint, batcher.Options.TimeProvider)));
            BatcherLog.Observed(_logger, endpoint, batcher.MaxBatchSize, batcher.Capacity);
        }

        return new Observations(observations);
    }

    /// <summary>Ends the instruments.</summary>
    public void Dispose() => _meter.Dispose();

    private sealed class Observations(List<IDisposable> all) : IDisposable
    {
        public void Dispose() => all.ForEach(static one => one.Dispose());
    }
}
