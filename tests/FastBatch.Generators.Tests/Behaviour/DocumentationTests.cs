using System.Reflection;
using System.Text.RegularExpressions;
using FastBatch.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastBatch.Generators.Tests.Behaviour;

/// <summary>What the documentation shows is compiled and run as it stands there: each program must print the text block that follows it.</summary>
[Collection(nameof(ReadmeTests))]
[CollectionDefinition(nameof(ReadmeTests), DisableParallelization = true)]
public partial class ReadmeTests
{
    // What `dotnet new console` has on by default.
    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    private static readonly string[] Pages = ["README.md", "docs/hosting.md"];

    public static TheoryData<string, int> Programs
    {
        get
        {
            var programs = new TheoryData<string, int>();
            foreach (string page in Pages)
            {
                for (int i = 0; i < ProgramWithOutput().Count(Text(page)); i++)
                {
                    programs.Add(page, i);
                }
            }

            return programs;
        }
    }

    [Fact]
    public void Every_program_is_followed_by_what_it_prints() => Assert.All(
        Pages,
        static page => Assert.Equal(Text(page).Split("```csharp\n").Length - 1, ProgramWithOutput().Count(Text(page))));

    [Theory]
    [MemberData(nameof(Programs))]
    public void A_program_prints_what_its_page_says(string page, int index)
    {
        Match match = ProgramWithOutput().Matches(Text(page))[index];
        CSharpParseOptions parsing = new(LanguageVersion.Default);
        CSharpCompilation compilation = CSharpCompilation.Create(
            $"Program{index}",
            [CSharpSyntaxTree.ParseText(ImplicitUsings, parsing), CSharpSyntaxTree.ParseText(match.Groups["program"].Value, parsing)],
            [.. UserProject.AllReferences, .. UserProject.HostingReferences],
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable));
        UserProject.Generate(compilation, out Compilation output);

        using var assembly = new MemoryStream();
        var emitted = output.Emit(assembly);
        Assert.True(emitted.Success, string.Join("\n", emitted.Diagnostics));
        Assert.Equal(match.Groups["output"].Value, Run(Assembly.Load(assembly.ToArray())));
    }

    [Fact]
    public void Every_link_to_a_file_leads_to_one()
    {
        var broken = new List<string>();
        IEnumerable<string> pages = Directory.EnumerateFiles(Snapshot.Repository, "*.md", SearchOption.AllDirectories)
            .Where(static page => !page.Contains($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}", StringComparison.Ordinal));
        foreach (string page in pages)
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

    private static string Text(string page) => File.ReadAllText(Path.Combine(Snapshot.Repository, page)).ReplaceLineEndings("\n");

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

    [GeneratedRegex(@"```csharp\n(?<program>.*?)```\n\n```text\n(?<output>.*?)```", RegexOptions.Singleline)]
    private static partial Regex ProgramWithOutput();

    [GeneratedRegex(@"\]\((?!https?:|#)(?<target>[^)#\s]+)")]
    private static partial Regex Link();
}
