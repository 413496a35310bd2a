using System.Reflection;
using System.Text.RegularExpressions;
using FastBatch.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;

namespace FastBatch.Generators.Tests.Behaviour;

/// <summary>
/// What the documentation shows is compiled as it stands there, or as a part of what its page leaves to the reader (<see cref="PageSetting"/>), and
/// gets the warnings that its comments announce, and no other. A program that is followed by a text block is run, and must print that; a test is run.
/// </summary>
[Collection(nameof(DocumentationTests))]
[CollectionDefinition(nameof(DocumentationTests), DisableParallelization = true)]
public partial class DocumentationTests
{
    private static readonly string[] OtherLanguages = ["bash", "text", "xml", "yaml"];

    public static TheoryData<string, int> CompiledBlocks
    {
        get
        {
            var blocks = new TheoryData<string, int>();
            foreach (DocumentedCode block in DocumentedCode.Blocks.Where(static block => block.IsCompiled))
            {
                blocks.Add(block.Page, block.Line);
            }

            return blocks;
        }
    }

    [Fact]
    public void Every_block_says_what_it_is_and_what_it_prints()
    {
        string[] wrong =
        [
            // A fence that is not at the start of its line would not be found.
            .. DocumentedCode.Pages.Where(static page =>
                DocumentedCode.TextOf(page).Split('\n').Count(static line => line.TrimStart().StartsWith("```", StringComparison.Ordinal))
                    != 2 * DocumentedCode.Blocks.Count(block => block.Page == page)),
            .. DocumentedCode.Blocks
                .Where(static block => block.IsCompiled
                    ? block.Code.Contains("Console.Write", StringComparison.Ordinal) != block.Output is not null
                    : !OtherLanguages.Contains(block.Language))
                .Select(static block => block.ToString()),
        ];
        Assert.True(wrong.Length == 0, string.Join("\n", wrong));
    }

    [Theory]
    [MemberData(nameof(CompiledBlocks))]
    public async Task A_block_compiles_and_does_what_its_page_says(string page, int line)
    {
        DocumentedCode block = DocumentedCode.Blocks.Single(block => (block.Page, block.Line) == (page, line));
        UserProject.Generate(UserProject.CompileDocumented(block, PageSetting.Of(page)), out Compilation output);
        Diagnostic[] said = [.. (await UserProject.AnalyzeAsync(output)).Where(static diagnostic =>
            diagnostic.Severity == DiagnosticSeverity.Error || diagnostic.Id.StartsWith("FB", StringComparison.Ordinal))];
        Assert.True(
            block.Announced.Order().SequenceEqual(said.Select(static diagnostic => (LineOf(diagnostic), diagnostic.Id)).Order()),
            string.Join("\n", [$"{block} is to have [{string.Join(", ", block.Announced)}], and has:", .. said.Select(static diagnostic => diagnostic.ToString())]));

        if (said.Length > 0)
        {
            return;
        }

        using var written = new MemoryStream();
        Assert.True(output.Emit(written).Success, block.ToString());
        Assembly assembly = Assembly.Load(written.ToArray());
        if (block.Output is { } expected)
        {
            string printed = Run(assembly);
            Assert.True(printed == expected, $"{block} prints:\n{printed}");
        }

        foreach (MethodInfo test in assembly.GetTypes().SelectMany(static type => type.GetMethods()))
        {
            foreach (InlineDataAttribute row in test.GetCustomAttributes<InlineDataAttribute>())
            {
                test.Invoke(Activator.CreateInstance(test.DeclaringType!), [.. row.GetData(test).Single()]);
            }
        }
    }

    [Fact]
    public void Every_link_to_a_file_leads_to_one()
    {
        var broken = new List<string>();
        foreach (string page in DocumentedCode.Pages.Select(static page => Path.Combine(Snapshot.Repository, page)))
        {
            foreach (Match link in Link().Matches(File.ReadAllText(page)))
            {
                string target = Path.Combine(Path.GetDirectoryName(page)!, link.Groups["target"].Value);
                if (!File.Exists(target) && !Directory.Exists(target))
                {
                    broken.Add($"{page}: {link.Value}");
                }
            }
        }

        Assert.Empty(broken);
    }

    private static int LineOf(Diagnostic diagnostic) => diagnostic.Location.GetMappedLineSpan().StartLinePosition.Line + 1;

    private static string Run(Assembly program)
    {
        TextWriter console = Console.Out;
        using var written = new StringWriter { NewLine = "\n" };
        try
        {
            Console.SetOut(written);
            MethodInfo main = program.EntryPoint!;
            main.Invoke(null, main.GetParameters().Length == 0 ? null : [Array.Empty<string>()]);
        }
        finally
        {
            Console.SetOut(console);
        }

        return written.ToString();
    }

    [GeneratedRegex(@"\]\((?!https?:|#)(?<target>[^)#\s]+)")]
    private static partial Regex Link();
}
