using System.Globalization;
using FastBatch.Top;
using Spectre.Console;

// What the batchers of a service do at the moment: reads the metrics it serves every second, and shows what changed in between.
const string Usage = "usage: fastbatch-top URL [--interval SECONDS] [--once]\n\n  URL  where the service has its metrics, such as http://localhost:5000/metrics";
double interval = 1;
bool once = false;
Uri? url = null;
for (int i = 0; i < args.Length; i++)
{
    if (args[i] == "--once")
    {
        once = true;
    }
    else if (args[i] == "--interval" && i + 1 < args.Length
        && double.TryParse(args[++i], NumberStyles.Float, CultureInfo.InvariantCulture, out interval) && interval is >= 0.1 and <= 3600)
    {
    }
    else if (url is null && Uri.TryCreate(args[i], UriKind.Absolute, out url) && url.Scheme is "http" or "https")
    {
    }
    else
    {
        Console.Error.WriteLine($"fastbatch-top: what is '{args[i]}'?\n{Usage}");
        return 64;
    }
}

if (url is null)
{
    Console.Error.WriteLine(Usage);
    return 64;
}

using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};
try
{
    MetricsText before = await ScrapeAsync();
    if (once)
    {
        await Task.Delay(TimeSpan.FromSeconds(interval), stop.Token);
        AnsiConsole.Write(View.Of(EndpointRow.Between(before, await ScrapeAsync()), url, AnsiConsole.Profile.Width));
        return 0;
    }

    IReadOnlyList<EndpointRow> rows = [];
    await AnsiConsole.Live(View.Of(rows, url, AnsiConsole.Profile.Width)).StartAsync(async live =>
    {
        while (true)
        {
            await Task.Delay(TimeSpan.FromSeconds(interval), stop.Token);
            string? trouble = null;
            try
            {
                MetricsText after = await ScrapeAsync();
                rows = EndpointRow.Between(before, after);
                before = after;
            }
            catch (Exception exception) when (!stop.IsCancellationRequested && exception is HttpRequestException or TaskCanceledException)
            {
                // Services restart: it goes on when this one is back.
                trouble = exception.Message;
            }

            live.UpdateTarget(View.Of(rows, url, AnsiConsole.Profile.Width, trouble));
        }
    });
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
}
catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
{
    Console.Error.WriteLine($"fastbatch-top: {url}: {exception.Message}");
    return 1;
}

return 0;

async Task<MetricsText> ScrapeAsync() => MetricsText.Parse(await client.GetStringAsync(url, stop.Token), DateTimeOffset.UtcNow);
