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
        string wide = Show(row, 200);
        Assert.All((string[])["a \"name\"", "requests/s", "wait p99", "fill", "5.0"], text => Assert.Contains(text, wide, StringComparison.Ordinal));
    }

    [Fact]
    public void A_narrow_terminal_has_fewer_columns_and_whole_words()
    {
        var row = new EndpointRow("DigitModel.Classify", 1_234_567, 20_000, 61.5, 0.96, 1024, 0.00812, 0.0921, 0.05, 0.97, 0, 1_000_000);
        string shown = Show(row, 80, "Connection refused [::1]");
        Assert.All(
            (string[])["req/s", "1,234,567", "rows", "61.5", "queue", "1,024", "p50", "8.1 ms", "p99", "92.1 ms", "failed", "refused", "1,000,000", "Connection refused [::1]"],
            text => Assert.Contains(text, shown, StringComparison.Ordinal));
        Assert.DoesNotContain("…", shown, StringComparison.Ordinal);
        Assert.All(shown.Split('\n'), static line => Assert.InRange(line.TrimEnd().Length, 0, 80));
    }

    [Fact]
    public void A_service_that_was_started_again_has_done_nothing_rather_than_less()
    {
        const string Before = "fastbatch_requests_total{fastbatch_endpoint=\"a\"} 100\n"
            + "fastbatch_request_duration_seconds_bucket{fastbatch_endpoint=\"a\",le=\"1\"} 100\n"
            + "fastbatch_request_duration_seconds_bucket{fastbatch_endpoint=\"a\",le=\"+Inf\"} 100\n";
        EndpointRow row = EndpointRow.Between(
            MetricsText.Parse(Before, DateTimeOffset.UnixEpoch),
            MetricsText.Parse(Before.Replace(" 100", " 7", StringComparison.Ordinal), DateTimeOffset.UnixEpoch.AddSeconds(1))).Single();
        Assert.Equal((0, double.NaN, double.NaN), (row.Requests, row.LatencyP50, row.LatencyP99));
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

    private static string Show(EndpointRow row, int width, string? trouble = null)
    {
        var text = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = width;
        console.Write(View.Of([row], new Uri("http://host/metrics"), width, trouble));
        return text.ToString();
    }

    private static double Requests(MetricsText text) => text.Sum("fastbatch_requests_total");

    private static MetricsText Scrape(OpenMetricsWriter writer, int second)
    {
        var text = new StringWriter();
        writer.Write(text);
        return MetricsText.Parse(text.ToString(), DateTimeOffset.UnixEpoch.AddSeconds(second));
    }
}
