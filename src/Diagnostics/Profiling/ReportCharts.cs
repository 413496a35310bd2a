using System.Globalization;
using System.Text;

namespace FastBatch.Diagnostics;

/// <summary>The drawings of <see cref="ProfileReport"/>: SVG, with a title each that says in words what is to be seen.</summary>
internal static class ReportCharts
{
    private const double Width = 1000;

    // Below a drawing: labels hang there, larger on a phone, where all of it is drawn smaller.
    private const double LabelRoom = 46;
    private const double LabelGap = 7;

    // More bars than this cannot be told apart.
    private const int DrawnBatches = 60;
    private const int MostLanes = 4;

    public static string Breakdown(IReadOnlyList<ReportPhase> phases)
    {
        var svg = new Svg("Shares of the phases: " + string.Join(", ", phases.Select(static phase => Text($"{phase.Name} {phase.Share:0.0} %"))), 56);
        double x = 0;
        foreach (ReportPhase phase in phases)
        {
            double width = Width * phase.Share / 100;
            svg.Bar(x, 0, width, 56, phase.Colour);
            x += width;
        }

        return svg.ToString();
    }

    public static string Timeline(ProfileResult result)
    {
        const double Lane = 56;
        const double Bar = 44;
        ProfiledBatch[] batches = [.. result.Timeline.TakeLast(DrawnBatches).OrderBy(static batch => batch.Closed)];
        if (batches.Length == 0)
        {
            return "<p>No batches.</p>";
        }

        // Where the oldest request waited long, its beginning is left out: batches are what is to be seen.
        TimeSpan from = batches[0].Closed;
        TimeSpan span = batches.Max(static batch => batch.Delivered) - from;
        int[] lanes = Lanes(batches);
        double bottom = (lanes.Max() + 1) * Lane;
        var svg = new Svg(Text($"The last {batches.Length} batches, over {ProfileReport.Duration(span)}"), bottom + LabelRoom);
        for (int i = 0; i < batches.Length; i++)
        {
            ProfiledBatch batch = batches[i];
            double low = ((lanes[i] + 1) * Lane) - 6;
            double height = Math.Max(3, Bar * batch.Rows / result.MaxBatchSize);
            svg.Open(Text($"{batch.Rows} rows, {Tags.Value(batch.CloseReason)}, computed in {ProfileReport.Duration(batch.Computed - batch.OnDevice)}{(batch.HasFailures ? ", with failures" : "")}"));
            Part(batch.Oldest, batch.Closed, 3, "wait");
            Part(batch.Closed, batch.Started, height, "form");
            Part(batch.Started, batch.OnDevice, height, "h2d");
            Part(batch.OnDevice, batch.Computed, height, "compute");
            Part(batch.Computed, batch.Ended, height, "d2h");
            Part(batch.Ended, batch.Delivered, height, "scatter");
            svg.Close();

            void Part(TimeSpan start, TimeSpan end, double tall, string colour)
            {
                double x = Math.Max(0, X(start));
                svg.Bar(x, low - tall, X(end) - x, tall, colour);
            }
        }

        svg.Line(0, bottom, Width, bottom);
        for (int tick = 0; tick <= 4; tick++)
        {
            svg.Label(
                Width * tick / 4, bottom + LabelGap, ProfileReport.Duration(span * (tick / 4.0)), tick == 0 ? "start" : tick == 4 ? "end" : "middle",
                isMinor: tick % 2 == 1);
        }

        return svg.ToString();

        double X(TimeSpan time) => Width * ((time - from) / (span == default ? TimeSpan.MaxValue : span));
    }

    public static string Sizes(ProfileResult result)
    {
        // Up to 64 columns; where batches may be larger, several sizes share one.
        int each = (result.MaxBatchSize + 63) / 64;
        long[] counts = [.. result.BatchesBySize.Skip(1).Chunk(each).Select(static sizes => sizes.Sum())];
        string[] labels = [.. counts.Select((_, i) => each == 1 ? Text($"{i + 1}") : Text($"{(i * each) + 1} to {(i + 1) * each}"))];
        return Columns("Batches by rows", counts, labels, "compute", "rows");
    }

    public static string Latencies(ProfileResult result)
    {
        // Columns of a quarter of a power of two.
        var byQuarter = result.Latencies.Counts
            .GroupBy(static pair => (int)Math.Floor(4 * Math.Log2(Math.Max(1, pair.Key.TotalNanoseconds))))
            .ToDictionary(static group => group.Key, static group => group.Sum(static pair => pair.Value));
        if (byQuarter.Count == 0)
        {
            return "<p>No requests.</p>";
        }

        int first = byQuarter.Keys.Min();
        int[] quarters = [.. Enumerable.Range(first, byQuarter.Keys.Max() - first + 1)];
        return Columns(
            "Requests by latency",
            [.. quarters.Select(quarter => byQuarter.GetValueOrDefault(quarter))],
            [.. quarters.Select(static quarter => "about " + ProfileReport.Duration(TimeSpan.FromMicroseconds(Math.Pow(2, (quarter + 0.5) / 4) / 1000)))],
            "wait",
            "");
    }

    private static string Columns(string title, long[] counts, string[] labels, string colour, string unit)
    {
        const double Height = 160;
        double top = Math.Max(1, counts.Max());
        double width = Math.Min(60, Width / counts.Length);
        var svg = new Svg(Text($"{title}; most often {labels[Array.IndexOf(counts, counts.Max())]} {unit}"), Height + LabelRoom);
        for (int i = 0; i < counts.Length; i++)
        {
            svg.Open(Text($"{labels[i]} {unit}: {counts[i]:N0}"));
            svg.Bar((i * width) + 1, Height - (Height * counts[i] / top), width - 2, Height * counts[i] / top, colour);
            svg.Close();
        }

        svg.Line(0, Height, Width, Height);
        svg.Label(0, Height + LabelGap, labels[0], "start");
        if (labels.Length > 2)
        {
            svg.Label(width * labels.Length / 2, Height + LabelGap, labels[labels.Length / 2], "middle");
        }

        svg.Label(width * labels.Length, Height + LabelGap, labels[^1], labels.Length > 8 ? "end" : "start");
        return svg.ToString();
    }

    // Each batch in the first row that is free when it is closed.
    private static int[] Lanes(ProfiledBatch[] batches)
    {
        var free = new TimeSpan[MostLanes];
        return [.. batches.Select(batch =>
        {
            int lane = Math.Max(0, Array.FindIndex(free, time => time <= batch.Closed));
            free[lane] = batch.Delivered;
            return lane;
        })];
    }

    private static string Text(FormattableString text) => FormattableString.Invariant(text);

    private sealed class Svg(string title, double height)
    {
        private readonly StringBuilder _body = new();

        public void Bar(double x, double y, double width, double tall, string colour)
        {
            if (width > 0 && tall > 0)
            {
                _body.Append(CultureInfo.InvariantCulture, $"""<rect x="{x:0.##}" y="{y:0.##}" width="{Math.Max(0.5, width):0.##}" height="{tall:0.##}" fill="var(--{colour})"/>""");
            }
        }

        public void Line(double x1, double y1, double x2, double y2) =>
            _body.Append(CultureInfo.InvariantCulture, $"""<line class="axis" x1="{x1:0.##}" y1="{y1:0.##}" x2="{x2:0.##}" y2="{y2:0.##}"/>""");

        public void Label(double x, double y, string text, string anchor, bool isMinor = false) =>
            _body.Append(CultureInfo.InvariantCulture, $"""<text{(isMinor ? " class=\"minor\"" : "")} x="{x:0.##}" y="{y:0.##}" text-anchor="{anchor}">{text}</text>""");

        public void Open(string text) => _body.Append(CultureInfo.InvariantCulture, $"<g><title>{text}</title>");

        public void Close() => _body.Append("</g>\n");

        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture, $"""<svg viewBox="0 0 {Width:0} {height:0}" role="img" aria-label="{title}"><title>{title}</title>{_body}</svg>""");
    }
}
