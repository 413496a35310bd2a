using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;

namespace FastBatch.Diagnostics;

/// <summary>
/// Keeps the current values of meters and writes them as OpenMetrics text, for Prometheus to scrape: for services that have no
/// OpenTelemetry exporter. Measurements are taken up without allocating or locking.
/// </summary>
/// <example><code>
/// app.MapGet("/metrics", (HttpContext context) =>
/// {
///     context.Response.ContentType = OpenMetricsWriter.ContentType;
///     return metrics.WriteAsync(context.Response.Body, context.RequestAborted);
/// });
/// </code></example>
public sealed class OpenMetricsWriter : IDisposable
{
    /// <summary>What the text is.</summary>
    public const string ContentType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    private readonly Lock _gate = new();
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, MetricFamily> _families = new();

    /// <summary>Listens to meters from now on, those made later included.</summary>
    /// <param name="meters">Their names; none for <see cref="BatchTelemetry.Name"/>.</param>
    public OpenMetricsWriter(params string[] meters)
    {
        ArgumentNullException.ThrowIfNull(meters);
        string[] names = meters.Length > 0 ? meters : [BatchTelemetry.Name];
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (names.Contains(instrument.Meter.Name))
            {
                listener.EnableMeasurementEvents(instrument, _families.GetOrAdd(instrument.Name, static (_, made) => new MetricFamily(made), instrument));
            }
        };
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<float>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.Start();
    }

    /// <summary>Writes all current values.</summary>
    /// <param name="writer">Where to; lines end in a line feed.</param>
    public void Write(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        lock (_gate)
        {
            foreach (MetricFamily family in _families.Values)
            {
                family.ForgetObserved();
            }

            _listener.RecordObservableInstruments();
            foreach (MetricFamily family in _families.Values.OrderBy(static family => family.Name, StringComparer.Ordinal))
            {
                family.Write(writer);
            }
        }

        writer.Write("# EOF\n");
    }

    /// <summary>Writes all current values, in UTF-8.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="cancellationToken">Ends the writing early.</param>
    public async Task WriteAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var text = new StringWriter();
        Write(text);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text.ToString()), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Listens no longer.</summary>
    public void Dispose() => _listener.Dispose();
}
