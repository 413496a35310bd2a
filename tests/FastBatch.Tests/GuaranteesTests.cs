using System.Text.RegularExpressions;

namespace FastBatch.Tests;

/// <summary>What docs/guarantees.md promises is shown by tests that exist.</summary>
public partial class GuaranteesTests
{
    [Fact]
    public void Every_promise_names_a_test_that_exists()
    {
        string root = RepositoryRoot();
        int named = 0;
        var wrong = new List<string>();
        foreach (string line in File.ReadLines(Path.Combine(root, "docs", "guarantees.md")).Where(static line => line.StartsWith("| ", StringComparison.Ordinal)))
        {
            string[] cells = [.. line.Split('|', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
            if (cells is ["promise", ..])
            {
                continue;
            }

            MatchCollection links = Link().Matches(cells[^1]);
            if (cells.Length != 2 || links.Count == 0)
            {
                wrong.Add($"No test: {line}");
            }

            foreach (Match link in links)
            {
                named++;
                string path = Path.GetFullPath(Path.Combine(root, "docs", link.Groups["path"].Value));
                string test = link.Groups["test"].Value;
                if (!File.Exists(path) || !IsTest(File.ReadAllText(path), test))
                {
                    wrong.Add($"Not a test: {test} in {path}");
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.InRange(named, 20, int.MaxValue);
    }

    [Fact]
    public void Nothing_rests_on_the_time_of_day()
    {
        // It may be set; what is measured must not change by that.
        string runtime = Path.Combine(RepositoryRoot(), "src", "Runtime");
        string[] sources = [.. Directory.EnumerateFiles(runtime, "*.cs", SearchOption.AllDirectories)
            .Where(static file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))];
        Assert.InRange(sources.Length, 50, int.MaxValue);
        Assert.DoesNotContain(sources, static file => Regex.IsMatch(File.ReadAllText(file), @"DateTime|GetUtcNow|GetLocalNow|TickCount"));
    }

    // A method of that name, and Fact or Theory (or NativeFact, SeveralProcessorsFact and so on) among the lines before it, up to the first that is empty.
    private static bool IsTest(string source, string name)
    {
        Match method = Regex.Match(source, $@"\n    public (async Task|Task|void) {name}\(");
        int start = method.Success ? source.LastIndexOf("\n\n", method.Index, StringComparison.Ordinal) : -1;
        return method.Success && Regex.IsMatch(source[Math.Max(start, 0)..method.Index], @"\[(Native|SeveralProcessors)?(Fact|Theory)");
    }

    // Not by the path of this file: a deterministic build does not tell it.
    private static string RepositoryRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "FastBatch.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new DirectoryNotFoundException($"No FastBatch.sln above '{AppContext.BaseDirectory}'.");
    }

    [GeneratedRegex(@"\[`(?<test>\w+)`\]\((?<path>[^)]+)\)")]
    private static partial Regex Link();
}
