using System.Globalization;
using System.Net;

namespace FastBatch.Diagnostics;

/// <summary>
/// The page that shows a profile. One file without scripts that loads nothing; light or dark as the reader's system is.
/// Whatever is drawn is also there in words or in a table.
/// </summary>
internal static class ProfileReport
{
    private const string Style = """
        :root{color-scheme:light dark;--text:#1b1f24;--soft:#57606a;--page:#fff;--card:#f4f6f8;--line:#d0d7de;
        --wait:#7d838c;--form:#b8860b;--h2d:#2a9d8f;--compute:#3b6fd4;--d2h:#8e5bd0;--scatter:#d1603d}
        @media(prefers-color-scheme:dark){:root{--text:#e6e9ed;--soft:#a3abb5;--page:#14171c;--card:#1e232a;--line:#39414c}}
        *{box-sizing:border-box}body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--text);background:var(--page)}
        main{max-width:70rem;margin:0 auto;padding:1rem}h1{font-size:1.5rem;margin:.5rem 0 0;overflow-wrap:anywhere}h2{font-size:1.15rem;margin:2rem 0 .5rem}
        p{margin:.3rem 0;color:var(--soft)}dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.6rem;margin:1rem 0}
        dl>div{background:var(--card);border-radius:.5rem;padding:.6rem .8rem}dt{color:var(--soft);font-size:.85rem}dd{margin:0;font-size:1.2rem;font-weight:600}
        .scroll{overflow-x:auto}.scroll:focus-visible{outline:2px solid var(--compute)}svg{display:block;width:100%;height:auto}
        svg text{fill:var(--text);font:16px system-ui,sans-serif;dominant-baseline:hanging}
        @media(max-width:40rem){svg text{font-size:30px}svg .minor{display:none}}@media(max-width:26rem){svg text{font-size:38px}}svg .axis{stroke:var(--line)}svg .edge{stroke:var(--page)}
        table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:right;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
        td{white-space:nowrap}th:first-child,td:first-child{text-align:left}caption{text-align:left;color:var(--soft)}.key{display:inline-block;width:.8rem;height:.8rem;border-radius:.2rem;margin-right:.5rem}
        """;

    public static void Write(ProfileResult result, TextWriter writer)
    {
        double each = result.Requests == 0 ? 0 : 1.0 / result.Requests;
        ReportPhase[] phases = ReportPhase.Of(result);
        long rows = result.BatchesBySize.Select(static (count, size) => count * size).Sum();
        double meanSize = result.Batches == 0 ? 0 : (double)rows / result.Batches;
        string name = WebUtility.HtmlEncode(result.Batcher);
        writer.Write(string.Create(CultureInfo.InvariantCulture, $"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <link rel="icon" href="data:,">
            <title>{name}: profile</title>
            <style>
            {Style}
            </style>
            </head>
            <body>
            <main>
            <h1>{name}</h1>
            <p>Profile of {Duration(result.Elapsed)}, {result.Batches:N0} batches of up to {result.MaxBatchSize} rows, on {Environment.ProcessorCount} processors.</p>
            <dl>
            {Tile("Requests measured", $"{result.Requests:N0}")}
            {Tile("Rows per second", $"{rows / Math.Max(1e-9, result.Elapsed.TotalSeconds):N0}")}
            {Tile("Rows per batch", $"{meanSize:0.0}")}
            {Tile("Latency, median", Duration(result.Latencies.P50))}
            {Tile("Latency, 99 %", Duration(result.Latencies.P99))}
            {Tile("Device busy", $"{100 * result.DeviceTime / (result.Elapsed == default ? TimeSpan.MaxValue : result.Elapsed):0} %")}
            {Tile("Without result", $"{result.Failed:N0}")}
            </dl>
            <section aria-labelledby="time">
            <h2 id="time">Where the time of a request goes</h2>
            <p>A request takes {Duration(result.Latency * each)} on average, from submission until its caller is resumed.</p>
            {ReportCharts.Breakdown(phases)}
            <div class="scroll" tabindex="0" role="region" aria-label="Times by phase">
            <table id="phases">
            <thead><tr><th scope="col">Phase</th><th scope="col">Per request</th><th scope="col">Share</th></tr></thead>
            <tbody>
            {string.Join('\n', phases.Select(Row))}
            </tbody>
            <tfoot><tr><th scope="row">Together</th><td>{Duration(result.Phases.Sum * each)}</td><td data-sum="{phases.Sum(static phase => phase.Share):0.##}">{phases.Sum(static phase => phase.Share):0.0} %</td></tr></tfoot>
            </table>
            </div>
            </section>
            <section aria-labelledby="line">
            <h2 id="line">Batches over time</h2>
            <p>The last of them, one bar each: as high as the batch was full, thin from when its oldest request was submitted until it was closed. Bars that overlap are drawn in rows.</p>
            {ReportCharts.Timeline(result)}
            </section>
            <section aria-labelledby="sizes">
            <h2 id="sizes">Rows in a batch</h2>
            <p>Closed because the device was free: {result.BatchesByReason[BatchCloseReason.Idle]:N0}; full: {result.BatchesByReason[BatchCloseReason.Full]:N0}; waited long enough: {result.BatchesByReason[BatchCloseReason.Delay]:N0}; the batcher closed: {result.BatchesByReason[BatchCloseReason.Drain]:N0}.{MostOften(result)}</p>
            {ReportCharts.Sizes(result)}
            </section>
            <section aria-labelledby="latency">
            <h2 id="latency">Latency of requests</h2>
            <p>Half take {Duration(result.Latencies.P50)} or less, 90 % {Duration(result.Latencies.P90)}, 99 % {Duration(result.Latencies.P99)}, 99.9 % {Duration(result.Latencies.P999)}; the longest took {Duration(result.Latencies.Max)}.</p>
            {ReportCharts.Latencies(result)}
            </section>
            </main>
            </body>
            </html>

            """));

        string Row(ReportPhase phase) => string.Create(
            CultureInfo.InvariantCulture,
            $"""<tr><th scope="row"><span class="key" style="background:var(--{phase.Colour})"></span>{phase.Name}</th><td>{Duration(phase.Time * each)}</td><td data-share="{phase.Share:0.####}">{phase.Share:0.0} %</td></tr>""");
    }

    // What the drawing says only to those who can hover over it.
    private static string MostOften(ProfileResult result)
    {
        long most = result.BatchesBySize.Max();
        int rows = result.BatchesBySize.Index().First(size => size.Item == most).Index;
        return most == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" Most often {rows} row{(rows == 1 ? "" : "s")}: {most:N0} times.");
    }

    /// <summary>A duration to three digits, in the unit that fits.</summary>
    internal static string Duration(TimeSpan duration)
    {
        double nanoseconds = duration.TotalNanoseconds;
        (double value, string unit) = nanoseconds switch
        {
            < 1e3 => (nanoseconds, "ns"),
            < 1e6 => (nanoseconds / 1e3, "µs"),
            < 1e9 => (nanoseconds / 1e6, "ms"),
            _ => (nanoseconds / 1e9, "s"),
        };
        string format = value < 9.995 ? "0.##" : value < 99.95 ? "0.#" : "0";
        return value.ToString(format, CultureInfo.InvariantCulture) + " " + unit;
    }

    private static string Tile(string name, string value) => $"<div><dt>{name}</dt><dd>{value}</dd></div>";
}

/// <summary>One phase as it is shown.</summary>
internal sealed record ReportPhase(string Name, string Colour, TimeSpan Time, double Share)
{
    public static ReportPhase[] Of(ProfileResult result)
    {
        ProfilePhases phases = result.Phases;

        // Of what requests took as a whole, which is measured apart: if a part were missing, it would show.
        ReportPhase Phase(string name, string colour, TimeSpan time) =>
            new(name, colour, time, result.Latency > TimeSpan.Zero ? 100 * (time / result.Latency) : 0);
        return
        [
            Phase("Waiting in the queue", "wait", phases.QueueWait),
            Phase("Forming the batch", "form", phases.Formation),
            Phase("Copying to the device", "h2d", phases.HostToDevice),
            Phase("Computing", "compute", phases.Compute),
            Phase("Copying back", "d2h", phases.DeviceToHost),
            Phase("Resuming callers", "scatter", phases.Distribution),
        ];
    }
}
