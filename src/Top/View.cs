using System.Globalization;
using Spectre.Console;

namespace FastBatch.Top;

/// <summary>The table.</summary>
internal static class View
{
    public static Table Of(IReadOnlyList<EndpointRow> rows, Uri url)
    {
        var table = new Table { Title = new TableTitle(Markup.Escape(url.ToString())), Border = TableBorder.Rounded };
        table.AddColumn("endpoint");
        foreach (string column in (string[])["requests/s", "batches/s", "rows/batch", "fill", "queue", "p50", "p99", "wait p99", "device", "failed/s", "refused/s"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        foreach (EndpointRow row in rows)
        {
            table.AddRow(
                Markup.Escape(row.Endpoint), Number(row.Requests), Number(row.Batches), Number(row.RowsPerBatch), Percent(row.Fill), Number(row.Queue),
                Duration(row.LatencyP50), Duration(row.LatencyP99), Duration(row.WaitP99), Percent(row.DeviceShare), Alarm(row.Failures), Alarm(row.Rejections));
        }

        if (rows.Count == 0)
        {
            table.Caption = new TableTitle("no batchers in these metrics yet");
        }

        return table;
    }

    internal static string Duration(double seconds) => seconds switch
    {
        double.NaN => "-",
        < 1e-3 => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1e6:0} us"),
        < 1 => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1e3:0.0} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.00} s"),
    };

    private static string Number(double value) =>
        double.IsNaN(value) ? "-" : value.ToString(value < 100 ? "0.0" : "#,0", CultureInfo.InvariantCulture);

    private static string Percent(double value) => double.IsNaN(value) ? "-" : string.Create(CultureInfo.InvariantCulture, $"{100 * value:0} %");

    private static string Alarm(double value) => value > 0 ? $"[red]{Number(value)}[/]" : Number(value);
}
