using System.Globalization;
using Spectre.Console;

namespace FastBatch.Top;

/// <summary>The table. What a narrow terminal has no room for it leaves out, the least important first.</summary>
internal static class View
{
    private const int Wide = 115;

    private static readonly (string Header, string Short, bool IsWide, Func<EndpointRow, string> Text)[] Columns =
    [
        ("requests/s", "req/s", false, static row => Number(row.Requests)),
        ("batches/s", "", true, static row => Number(row.Batches)),
        ("rows/batch", "rows", false, static row => Number(row.RowsPerBatch)),
        ("fill", "", true, static row => Percent(row.Fill)),
        ("queue", "queue", false, static row => Number(row.Queue)),
        ("p50", "p50", false, static row => Duration(row.LatencyP50)),
        ("p99", "p99", false, static row => Duration(row.LatencyP99)),
        ("wait p99", "", true, static row => Duration(row.WaitP99)),
        ("device", "", true, static row => Percent(row.DeviceShare)),
        ("failed/s", "failed", false, static row => Alarm(row.Failures)),
        ("refused/s", "refused", false, static row => Alarm(row.Rejections)),
    ];

    /// <param name="rows">What is shown.</param>
    /// <param name="url">Where it is from.</param>
    /// <param name="width">The terminal's columns.</param>
    /// <param name="trouble">Why it is not of now; null if it is.</param>
    public static Table Of(IReadOnlyList<EndpointRow> rows, Uri url, int width, string? trouble = null)
    {
        bool isWide = width >= Wide;
        var table = new Table { Title = new TableTitle(Markup.Escape(url.ToString())), Border = isWide ? TableBorder.Rounded : TableBorder.Horizontal };
        table.AddColumn("endpoint");
        foreach (var column in Columns.Where(column => isWide || !column.IsWide))
        {
            table.AddColumn(new TableColumn(isWide ? column.Header : column.Short).RightAligned().NoWrap());
        }

        foreach (EndpointRow row in rows)
        {
            table.AddRow([Markup.Escape(row.Endpoint), .. Columns.Where(column => isWide || !column.IsWide).Select(column => column.Text(row))]);
        }

        if (trouble is not null)
        {
            table.Caption = new TableTitle($"[red]{Markup.Escape(trouble)}[/]");
        }
        else if (rows.Count == 0)
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
