using System.Diagnostics.Metrics;
using System.Text;

namespace FastBatch.Diagnostics.Tests;

/// <summary>The text, to the letter.</summary>
public class OpenMetricsTests
{
    [Fact]
    public async Task Counters_gauges_and_histograms_are_written()
    {
        using var meter = new Meter("test");
        using var writer = new OpenMetricsWriter("test");
        Counter<long> counter = meter.CreateCounter<long>("a.things", "{thing}", "Things\nseen.");
        UpDownCounter<int> level = meter.CreateUpDownCounter<int>("b.level", "By");
        Histogram<double> histogram = meter.CreateHistogram(
            "c.time", "s", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] });
        var observed = new List<Measurement<double>> { new(0.5, new KeyValuePair<string, object?>("k", "gone")) };
        meter.CreateObservableGauge("d.share", () => observed, "1");
        meter.CreateCounter<long>("e.unused");
        counter.Add(2, new KeyValuePair<string, object?>("k.k", "x\"y\\z"));
        counter.Add(3, new KeyValuePair<string, object?>("k.k", "x\"y\\z"));
        counter.Add(1);
        level.Add(5);
        level.Add(-2);
        histogram.Record(0.1);
        histogram.Record(0.5);
        histogram.Record(7);
        Text(writer);
        observed[0] = new(0.25, new KeyValuePair<string, object?>("k", "v"));
        Assert.Equal(
            """
            # TYPE a_things counter
            # HELP a_things Things\nseen.
            a_things_total{k_k="x\"y\\z"} 5
            a_things_total 1
            # TYPE b_level_bytes gauge
            # UNIT b_level_bytes bytes
            b_level_bytes 3
            # TYPE c_time_seconds histogram
            # UNIT c_time_seconds seconds
            c_time_seconds_bucket{le="0.1"} 1
            c_time_seconds_bucket{le="1"} 2
            c_time_seconds_bucket{le="+Inf"} 3
            c_time_seconds_count 3
            c_time_seconds_sum 7.6
            # TYPE d_share_ratio gauge
            # UNIT d_share_ratio ratio
            d_share_ratio{k="v"} 0.25
            # EOF

            """,
            Text(writer));
        var stream = new MemoryStream();
        await writer.WriteAsync(stream);
        Assert.Equal(Text(writer), Encoding.UTF8.GetString(stream.ToArray()));
    }

    [Fact]
    public void Nothing_recorded_by_many_threads_is_lost()
    {
        using var meter = new Meter("threads");
        using var writer = new OpenMetricsWriter("threads");
        Counter<double> counter = meter.CreateCounter<double>("n");
        Histogram<double> histogram = meter.CreateHistogram<double>("h");
        Parallel.For(0, 20_000, i =>
        {
            counter.Add(1, new KeyValuePair<string, object?>("k", i % 2 == 0 ? "even" : "odd"));
            histogram.Record(1);
        });
        string text = Text(writer);
        Assert.Contains("n_total{k=\"even\"} 10000\n", text, StringComparison.Ordinal);
        Assert.Contains("n_total{k=\"odd\"} 10000\n", text, StringComparison.Ordinal);
        Assert.Contains("h_count 20000\nh_sum 20000\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_meters_are_left_out()
    {
        using var meter = new Meter("other");
        using var writer = new OpenMetricsWriter();
        meter.CreateCounter<long>("n").Add(1);
        Assert.DoesNotContain("n_total", Text(writer), StringComparison.Ordinal);
    }

    private static string Text(OpenMetricsWriter writer)
    {
        var text = new StringWriter();
        writer.Write(text);
        return text.ToString();
    }
}
