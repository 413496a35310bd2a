using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastBatch.Generators.Tests.Harness;

/// <summary>One fenced block of a page, with what is needed to compile it as it stands there.</summary>
/// <param name="Page">The page, from the root of the repository, with slashes.</param>
/// <param name="Line">The line of its fence.</param>
/// <param name="Language">What the fence says: <c>csharp</c>, or <c>cs</c> for a program of <c>dotnet new web</c>; other languages are not compiled.</param>
/// <param name="Code">What is in it.</param>
/// <param name="Output">What it prints: the <c>text</c> block that follows it, if one does.</param>
internal sealed partial record DocumentedCode(string Page, int Line, string Language, string Code, string? Output)
{
    // What `dotnet new console` has on by default, and `dotnet new web` beside it.
    private static readonly string[] ConsoleUsings =
        ["System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Threading", "System.Threading.Tasks"];

    private static readonly string[] WebUsings =
    [
        .. ConsoleUsings, "System.Net.Http.Json", "Microsoft.AspNetCore.Builder", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Http",
        "Microsoft.AspNetCore.Routing", "Microsoft.Extensions.Configuration", "Microsoft.Extensions.DependencyInjection",
        "Microsoft.Extensions.Hosting", "Microsoft.Extensions.Logging",
    ];

    // Where the compiler says that an error is which is not in the block itself. (Hidden lines would not be analyzed.)
    private const string Setting = "around the block";

    /// <summary>The pages of the repository, without those that builds have put there.</summary>
    public static IReadOnlyList<string> Pages { get; } =
    [
        .. Directory.EnumerateFiles(Snapshot.Repository, "*.md", SearchOption.AllDirectories)
            .Select(static file => Path.GetRelativePath(Snapshot.Repository, file).Replace(Path.DirectorySeparatorChar, '/'))
            .Where(static page => !page.Split('/').Any(static folder => folder is "bin" or "obj" or "artifacts" || folder.StartsWith('.')))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>The blocks of all pages, of every language.</summary>
    public static IReadOnlyList<DocumentedCode> Blocks { get; } = [.. Pages.SelectMany(Read)];

    /// <summary>Whether it is C#.</summary>
    public bool IsCompiled => Language is "csharp" or "cs";

    /// <summary>The warnings and errors that its comments announce: line of the page and id, as often as they are to be there.</summary>
    public IEnumerable<(int Line, string Id)> Announced =>
        from line in Code.Split('\n').Index()
        from said in Announcement().Matches(line.Item)
        from time in Enumerable.Range(0, said.Groups["twice"].Success ? 2 : 1)
        select (Line + 1 + line.Index, said.Groups["id"].Value);

    /// <summary>The files to compile: the usings that every file has, and the block in its setting, which has its lines under the page's name.</summary>
    public (string Usings, string Source) Files(PageSetting setting)
    {
        // C# has no "..." but in strings and comments; a page has it for what is of no interest there.
        string code = Code.Replace("...", "throw null!;", StringComparison.Ordinal);
        string own = LeadingUsings().Match(code).Value;
        string before = "", after = "";
        if (!IsOfTypes(code))
        {
            string[] around = setting.Around.Split(PageSetting.Here);
            (before, after) = (around[0], around[1]);
        }

        string source = $"{own}{setting.Usings}\n#line 1 \"{Setting}\"\n{before}\n#line {Line + 1 + own.Count('\n')} \"{Page}\"\n{code[own.Length..]}\n#line 1 \"{Setting}\"\n{after}\n";
        return (string.Concat((Language == "cs" ? WebUsings : ConsoleUsings).Select(static name => $"global using {name};\n")), source);
    }

    /// <summary>The text of a page, with line feeds.</summary>
    public static string TextOf(string page) => File.ReadAllText(Path.Combine(Snapshot.Repository, page)).ReplaceLineEndings("\n");

    public override string ToString() => $"{Page}, the block at line {Line}";

    // Types stand for themselves; anything else is a part of something.
    private static bool IsOfTypes(string code) =>
        SyntaxFactory.ParseCompilationUnit(code, options: new CSharpParseOptions(kind: Microsoft.CodeAnalysis.SourceCodeKind.Script)).Members
            .All(static member => member is BaseTypeDeclarationSyntax);

    private static IEnumerable<DocumentedCode> Read(string page)
    {
        string text = TextOf(page);
        foreach (Match block in Fenced().Matches(text))
        {
            Group output = block.Groups["output"];
            yield return new DocumentedCode(
                page, text.AsSpan(0, block.Index).Count('\n') + 1, block.Groups["language"].Value, block.Groups["code"].Value, output.Success ? output.Value : null);
        }
    }

    [GeneratedRegex(@"^```(?<language>[^\n]*)\n(?<code>.*?)^```$(\n\n(?=```text\n(?<output>.*?)^```$))?", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fenced();

    [GeneratedRegex(@"\A(using [\w.]+;\n|\n)*")]
    private static partial Regex LeadingUsings();

    [GeneratedRegex(@"(?<=//.*)\b(?<id>(FB|CS)\d{4})\b(?<twice>, twice)?")]
    private static partial Regex Announcement();
}
