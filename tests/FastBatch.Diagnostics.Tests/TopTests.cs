using FastBatch.Top;
using Spectre.Console;

namespace FastBatch.Diagnostics.Tests;

/// <summary>The terminal view reads what the writer writes.</summary>
public class TopTests
{
    [Fact]
    public async Task What_changed_between_two_scrapes_is_shown()
    {
        using var telemetry = new BatchTelemetry();
        using var writer = new OpenMetricsWriter();
        await using var batcher = new Squares().CreateSquareBatcher();
        using IDisposable observation = telemetry.Observe(batcher, "a \"name\"");
        await batcher.SubmitAsync(1);
        await Until.TrueAsync(() => Requests(Scrape(writer, 0)) == 1);
        MetricsText before = Scrape(writer, 0);
        for (int i = 0; i < 10; i++)
        {
            await batcher.SubmitAsync(i);
        }

        await Until.TrueAsync(() => Requests(Scrape(writer, 2)) == 11);
        EndpointRow row = EndpointRow.Between(before, Scrape(writer, 2)).Single();
        Assert.Equal("a \"name\"", row.Endpoint);
        Assert.Equal((5, 5, 1, 0.125), (row.Requests, row.Batches, row.RowsPerBatch, Math.Round(row.Fill, 6)));
        Assert.InRange(row.LatencyP50, 1e-9, 10);
        Assert.True(row.LatencyP99 >= row.LatencyP50);
        Assert.Equal((0, 0, 0), (row.Queue, row.Failures, row.Rejections));
        var text = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = 200;
        console.Write(View.Of([row], new Uri("http://host/metrics")));
        Assert.Contains("a \"name\"", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("5.0", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Quantiles_are_those_of_Prometheus()
    {
        (double, double)[] buckets = [(1, 10), (2, 30), (double.PositiveInfinity, 40)];
        Assert.Equal(1.5, EndpointRow.Interpolate(buckets, 0.5));
        Assert.Equal(0.5, EndpointRow.Interpolate(buckets, 0.125));
        Assert.Equal(2, EndpointRow.Interpolate(buckets, 0.99));
        Assert.Equal(double.NaN, EndpointRow.Interpolate([], 0.5));
        Assert.Equal(double.NaN, EndpointRow.Interpolate([(1, 0), (double.PositiveInfinity, 0)], 0.5));
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("a{b")]
    [InlineData("a{b=\"c")]
    [InlineData("# a 1")]
    public void What_is_not_understood_is_left_out(string line) => Assert.Equal(0, MetricsText.Parse(line, default).Sum("a"));

    private static double Requests(MetricsText text) => text.Sum("fastbatch_requests_total");

    private static MetricsText Scrape(OpenMetricsWriter writer, int second)
    {
        var text = new StringWriter();
        writer.Write(text);
        return MetricsText.Parse(text.ToString(), DateTimeOffset.UnixEpoch.AddSeconds(second));
    }
}
