using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace FastBatch.Diagnostics.Tests;

/// <summary>The parts of a profile add up, and the page shows them without a network.</summary>
public partial class ProfileTests
{
    [Fact]
    public async Task Phases_add_up_to_the_latency_measured_apart()
    {
        ProfileResult result = await ProfileAsync();
        Assert.InRange(result.Phases.Sum / result.Latency, 0.99, 1.01);
        Assert.True(result.Phases.QueueWait > TimeSpan.Zero && result.Phases.Compute > TimeSpan.Zero && result.Phases.Distribution > TimeSpan.Zero);
        Assert.Equal((TimeSpan.Zero, TimeSpan.Zero), (result.Phases.HostToDevice, result.Phases.DeviceToHost));
        Assert.Equal(400, result.Requests);
        Assert.Equal(400, result.BatchesBySize.Select(static (count, size) => (int)count * size).Sum());
        Assert.Equal(result.Batches, result.BatchesBySize.Sum());
        Assert.Equal(result.Batches, result.BatchesByReason.Values.Sum());
        Assert.Equal(result.Batches, result.Timeline.Count);
        Assert.Equal(400, result.Latencies.Counts.Sum(static pair => pair.Value));
        Assert.Equal(0, result.Failed);
        Assert.All(result.Timeline, batch =>
        {
            TimeSpan[] times = [batch.Oldest, batch.Closed, batch.Started, batch.OnDevice, batch.Computed, batch.Ended, batch.Delivered];
            Assert.Equal(times.Order(), times);
            Assert.InRange(batch.Delivered, TimeSpan.Zero, result.Elapsed);
        });
    }

    [Fact]
    public async Task A_profile_ends_when_it_is_disposed()
    {
        await using var batcher = new Squares().CreateSquareBatcher();
        BatchProfile profile = batcher.Profile();
        await batcher.SubmitAsync(1);
        await Until.TrueAsync(() => profile.Result.Requests == 1);
        profile.Dispose();
        profile.Dispose();
        TimeSpan elapsed = profile.Result.Elapsed;
        await batcher.SubmitAsync(1);
        Assert.Equal((1, elapsed), (profile.Result.Requests, profile.Result.Elapsed));
    }

    [Fact]
    public async Task The_page_stands_alone_and_is_well_formed()
    {
        ProfileResult result = await ProfileAsync();
        string page = Page(result with { Batcher = "<b>&\"" });
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("http", page.Replace("http-equiv", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("url(", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<b>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);

        // What browsers forgive is not relied on: with its void elements closed it is XML.
        XDocument document = XDocument.Parse(Void().Replace(page.Replace("<!DOCTYPE html>", "", StringComparison.Ordinal), "<$1/>"));
        Assert.Equal(6, document.Descendants("td").Count(static cell => cell.Attribute("data-share") is not null));
        double sum = document.Descendants("td").Sum(static cell => (double?)cell.Attribute("data-share") ?? 0);
        Assert.InRange(sum, 99, 101);
        Assert.All(document.Descendants().Where(static element => element.Name.LocalName == "svg"), static svg =>
        {
            Assert.Equal("img", (string?)svg.Attribute("role"));
            Assert.False(string.IsNullOrEmpty((string?)svg.Attribute("aria-label")));
        });
        string[] ids = [.. document.Descendants().Select(static element => (string?)element.Attribute("id")).OfType<string>()];
        Assert.Equal(ids.Length, ids.Distinct().Count());
        Assert.All(
            document.Descendants("section"),
            section => Assert.Contains((string?)section.Attribute("aria-labelledby"), ids));
    }

    [Fact]
    public async Task A_page_of_nothing_can_be_written()
    {
        await using var batcher = new Squares().CreateSquareBatcher();
        using BatchProfile profile = batcher.Profile();
        string page = Page(profile.Result);
        Assert.Contains("No batches.", page, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.5, "500 ns")]
    [InlineData(12.34, "12.3 µs")]
    [InlineData(999.96, "1000 µs")]
    [InlineData(1234.5, "1.23 ms")]
    [InlineData(2e6, "2 s")]
    public void Durations_are_written_to_three_digits(double microseconds, string expected) =>
        Assert.Equal(expected, ProfileReport.Duration(TimeSpan.FromTicks((long)(microseconds * 10))));

    private static string Page(ProfileResult result)
    {
        var text = new StringWriter(CultureInfo.GetCultureInfo("de-DE"));
        ProfileReport.Write(result, text);
        return text.ToString();
    }

    private static async Task<ProfileResult> ProfileAsync()
    {
        await using var batcher = new Squares(static () => Thread.SpinWait(2000)).CreateSquareBatcher();
        using BatchProfile profile = batcher.Profile();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < 20; i++)
            {
                await batcher.SubmitAsync(i);
            }
        })));
        await Until.TrueAsync(() => profile.Result.Requests == 400);
        return profile.Result;
    }

    [GeneratedRegex("<((?:meta|link|rect|line)[^>]*?)/?>")]
    private static partial Regex Void();
}
