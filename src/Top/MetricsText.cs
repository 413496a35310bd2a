using System.Globalization;

namespace FastBatch.Top;

/// <summary>The samples of one scrape, by name and labels. Reads what OpenMetrics and Prometheus write; what it does not know it leaves out.</summary>
internal sealed class MetricsText
{
    private readonly List<Sample> _samples = [];

    private MetricsText(DateTimeOffset at) => At = at;

    /// <summary>When it was taken.</summary>
    public DateTimeOffset At { get; }

    public static MetricsText Parse(string text, DateTimeOffset at)
    {
        var parsed = new MetricsText(at);
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!line.StartsWith('#') && TryParse(line) is { } sample)
            {
                parsed._samples.Add(sample);
            }
        }

        return parsed;
    }

    /// <summary>The values of a label, in order.</summary>
    public IReadOnlyList<string> Values(string label) =>
        [.. _samples.Select(sample => sample.Labels.GetValueOrDefault(label)).OfType<string>().Distinct().Order(StringComparer.Ordinal)];

    /// <summary>The sum of all samples of that name that have these labels.</summary>
    public double Sum(string name, params (string Label, string Value)[] labels) =>
        Matching(name, labels).Sum(static sample => sample.Value);

    /// <summary>The buckets of a histogram: upper bounds in order, and how many values did not exceed each.</summary>
    public IReadOnlyList<(double Bound, double Count)> Buckets(string name, params (string Label, string Value)[] labels) =>
        [.. Matching(name + "_bucket", labels)
            .GroupBy(static sample => Number(sample.Labels["le"]))
            .Select(static group => (group.Key, group.Sum(static sample => sample.Value)))
            .OrderBy(static bucket => bucket.Key)];

    private IEnumerable<Sample> Matching(string name, (string Label, string Value)[] labels) => _samples.Where(
        sample => sample.Name == name && labels.All(wanted => sample.Labels.GetValueOrDefault(wanted.Label) == wanted.Value));

    private static Sample? TryParse(string line)
    {
        int brace = line.IndexOf('{', StringComparison.Ordinal);
        int space = line.IndexOf(' ', StringComparison.Ordinal);
        if (brace < 0 || (space >= 0 && space < brace))
        {
            return space < 0 ? null : new Sample(line[..space], [], Number(FirstWord(line[space..])));
        }

        var labels = new Dictionary<string, string>();
        int at = brace + 1;
        while (at < line.Length && line[at] != '}')
        {
            int equals = line.IndexOf("=\"", at, StringComparison.Ordinal);
            if (equals < 0)
            {
                return null;
            }

            string key = line[at..equals].Trim(',', ' ');
            string value = Quoted(line, equals + 2, out at);
            labels[key] = value;
        }

        return at >= line.Length ? null : new Sample(line[..brace], labels, Number(FirstWord(line[(at + 1)..])));
    }

    private static string Quoted(string line, int start, out int end)
    {
        var text = new System.Text.StringBuilder();
        for (end = start; end < line.Length && line[end] != '"'; end++)
        {
            bool escape = line[end] == '\\' && end + 1 < line.Length;
            end += escape ? 1 : 0;
            text.Append(escape && line[end] == 'n' ? '\n' : line[end]);
        }

        end++;
        return text.ToString();
    }

    private static string FirstWord(string text) => text.TrimStart().Split(' ')[0];

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        _ => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : double.NaN,
    };

    private sealed record Sample(string Name, Dictionary<string, string> Labels, double Value);
}
