using System.Diagnostics.Metrics;
using System.Globalization;
using KeyValue = System.Collections.Generic.KeyValuePair<string, object?>;

namespace FastBatch.Diagnostics;

/// <summary>One instrument's series, one for each combination of tags. Recorded by any thread, without locks; written by one at a time.</summary>
internal sealed class MetricFamily
{
    private readonly Lock _gate = new();
    private readonly string _type;
    private readonly string? _unit;
    private readonly string? _help;
    private readonly bool _adds;
    private readonly bool _isObserved;
    private readonly double[]? _bounds;

    // Replaced when a series is added; a list to go through, for there are few.
    private volatile MetricSeries[] _series = [];

    public MetricFamily(Instrument instrument)
    {
        string kind = instrument.GetType().Name;
        bool isCounter = kind.Contains("Counter", StringComparison.Ordinal) && !kind.Contains("UpDown", StringComparison.Ordinal);
        bool isHistogram = kind.StartsWith("Histogram", StringComparison.Ordinal);
        _type = isCounter ? "counter" : isHistogram ? "histogram" : "gauge";
        _unit = instrument.Unit switch { "s" => "seconds", "By" => "bytes", "1" => "ratio", _ => null };
        _help = instrument.Description;
        _isObserved = instrument.IsObservable;
        _adds = !_isObserved && !kind.StartsWith("Gauge", StringComparison.Ordinal);
        _bounds = isHistogram ? Bounds(instrument) : null;
        Name = Legal(instrument.Name) + (_unit is null ? "" : "_" + _unit);
    }

    public string Name { get; }

    public void Record(double value, ReadOnlySpan<KeyValue> tags)
    {
        MetricSeries series = Find(tags);
        if (_bounds is not null)
        {
            series.Count(value);
        }
        else if (_adds)
        {
            series.Add(value);
        }
        else
        {
            series.Set(value);
        }
    }

    /// <summary>What is observed is told anew each time; what is told no more is gone.</summary>
    public void ForgetObserved()
    {
        if (_isObserved)
        {
            _series = [];
        }
    }

    public void Write(TextWriter writer)
    {
        MetricSeries[] series = _series;
        if (series.Length == 0)
        {
            return;
        }

        writer.Write($"# TYPE {Name} {_type}\n");
        if (_unit is not null)
        {
            writer.Write($"# UNIT {Name} {_unit}\n");
        }

        if (_help is not null)
        {
            writer.Write($"# HELP {Name} {Escaped(_help)}\n");
        }

        foreach (MetricSeries one in series)
        {
            if (_bounds is not null)
            {
                WriteHistogram(writer, one);
            }
            else
            {
                writer.Write($"{Name}{(_type == "counter" ? "_total" : "")}{one.Labels} {Number(one.Value)}\n");
            }
        }
    }

    private void WriteHistogram(TextWriter writer, MetricSeries series)
    {
        long count = 0;
        string open = series.Labels.Length == 0 ? "{" : series.Labels[..^1] + ",";
        for (int i = 0; i <= _bounds!.Length; i++)
        {
            count += series.InBucket(i);
            string bound = i < _bounds.Length ? Number(_bounds[i]) : "+Inf";
            writer.Write($"{Name}_bucket{open}le=\"{bound}\"}} {count}\n");
        }

        writer.Write($"{Name}_count{series.Labels} {count}\n{Name}_sum{series.Labels} {Number(series.Value)}\n");
    }

    private MetricSeries Find(ReadOnlySpan<KeyValue> tags)
    {
        foreach (MetricSeries series in _series)
        {
            if (series.Has(tags))
            {
                return series;
            }
        }

        return Add(tags);
    }

    private MetricSeries Add(ReadOnlySpan<KeyValue> tags)
    {
        lock (_gate)
        {
            foreach (MetricSeries series in _series)
            {
                if (series.Has(tags))
                {
                    return series;
                }
            }

            var labels = new List<string>();
            foreach (KeyValue tag in tags)
            {
                labels.Add($"{Legal(tag.Key)}=\"{Escaped(Convert.ToString(tag.Value, CultureInfo.InvariantCulture) ?? "")}\"");
            }

            var added = new MetricSeries(tags.ToArray(), labels.Count == 0 ? "" : "{" + string.Join(",", labels) + "}", _bounds);
            _series = [.. _series, added];
            return added;
        }
    }

    private static double[] Bounds(Instrument instrument) => instrument switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds],
        Histogram<int> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(static bound => (double)bound)],
        Histogram<long> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(static bound => (double)bound)],
        _ => [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static string Legal(string name) => string.Create(name.Length, name, static (span, name) =>
    {
        for (int i = 0; i < span.Length; i++)
        {
            span[i] = char.IsAsciiLetterOrDigit(name[i]) ? name[i] : '_';
        }
    });

    private static string Escaped(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
