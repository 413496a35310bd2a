using System.Collections.Immutable;
using System.Globalization;
using FastBatch.Generators.Diagnostics;
using FastBatch.Generators.Usage;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace FastBatch.Generators.Tests.Harness;

/// <summary>A user's project of a few files: compiled as strictly as any, with the generator and the analyzer in it.</summary>
internal static class UserProject
{
    private const string Usings = """
        using System;
        using System.Numerics.Tensors;
        using System.Threading;
        using System.Threading.Tasks;
        using FastBatch;
        using FastBatch.Native;

        """;

    private static readonly string[] ReferenceNames = ["FastBatch", "FastBatch.Native", "System.Numerics.Tensors", "System.", "netstandard", "mscorlib", "Microsoft.Win32"];

    private static readonly ImmutableArray<MetadataReference> References = ReferencesTo(ReferenceNames);

    /// <summary>FastBatch.Hosting, and what comes with it.</summary>
    private static IReadOnlyList<MetadataReference> HostingReferences { get; } = ReferencesTo("FastBatch.Hosting", "Microsoft.Extensions.");

    // What the documentation shows beside that.
    private static readonly Lazy<ImmutableArray<MetadataReference>> s_documentedReferences = new(static () =>
        ReferencesTo("FastBatch.Hosting", "FastBatch.Diagnostics", "Microsoft.Extensions.", "Microsoft.AspNetCore.", "xunit."));

    private static readonly Lazy<MetadataReference> s_torchSharp = new(CompileTorchSharpReference);

    /// <summary>Compiles files that start after the usual usings.</summary>
    public static CSharpCompilation Compile(params string[] files) => Compile(LanguageVersion.Default, files);

    /// <summary>Compiles files of a project that references TorchSharp; theirs is the name Tensor.</summary>
    public static CSharpCompilation CompileWithTorchSharp(params string[] files) => Compile(
        [.. files.Select(static file => "using TorchSharp;\nusing static TorchSharp.torch;\nusing Tensor = TorchSharp.torch.Tensor;\n" + file)])
        .AddReferences(s_torchSharp.Value);

    /// <summary>The same for one that does not reference FastBatch.Native.</summary>
    public static CSharpCompilation CompileWithTorchSharpAlone(params string[] files)
    {
        CSharpCompilation compilation = CompileWithTorchSharp(files);
        CSharpCompilation alone = compilation.RemoveReferences(
            References.Where(static reference => reference.Display!.EndsWith("FastBatch.Native.dll", StringComparison.Ordinal)));
        return alone.SyntaxTrees.Aggregate(alone, static (current, tree) => current.ReplaceSyntaxTree(
            tree, tree.WithChangedText(SourceText.From(tree.ToString().Replace("using FastBatch.Native;", "", StringComparison.Ordinal)))));
    }

    /// <summary>The same for one that references FastBatch.Hosting.</summary>
    public static CSharpCompilation CompileWithHosting(params string[] files) => Compile(files).AddReferences(HostingReferences);

    /// <summary>Compiles a block of a page, as a program if it has statements of its own; all that FastBatch consists of is referenced.</summary>
    public static CSharpCompilation CompileDocumented(DocumentedCode block, PageSetting setting)
    {
        (string usings, string source) = block.Files(setting);
        SyntaxTree tree = CSharpSyntaxTree.ParseText(source);
        bool isProgram = ((CompilationUnitSyntax)tree.GetRoot()).Members.Any(static member => member is GlobalStatementSyntax);
        return CSharpCompilation.Create(
            "Documented",
            [CSharpSyntaxTree.ParseText(usings), tree],
            [.. References, .. s_documentedReferences.Value, .. setting.OnTorchSharp ? [s_torchSharp.Value] : Array.Empty<MetadataReference>()],
            new CSharpCompilationOptions(
                isProgram ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
    }

    public static CSharpCompilation Compile(LanguageVersion language, params string[] files)
    {
        CSharpParseOptions parsing = new(language, DocumentationMode.Diagnose);
        CSharpCompilationOptions options = new(
            OutputKind.DynamicallyLinkedLibrary,
            generalDiagnosticOption: ReportDiagnostic.Error,
            nullableContextOptions: NullableContextOptions.Enable,
            allowUnsafe: false,

            // Not every file needs all the usings.
            specificDiagnosticOptions: new Dictionary<string, ReportDiagnostic> { ["CS8019"] = ReportDiagnostic.Suppress });
        return CSharpCompilation.Create(
            "User",
            files.Select((file, index) => CSharpSyntaxTree.ParseText(Usings + file, parsing, $"File{index}.cs")),
            References,
            options);
    }

    /// <summary>Runs the generator, with every step tracked.</summary>
    public static GeneratorDriver Generate(CSharpCompilation compilation, out Compilation output)
    {
        GeneratorDriver driver = CSharpGeneratorDriver.Create(
            [new BatchableGenerator().AsSourceGenerator()],
            parseOptions: (CSharpParseOptions)compilation.SyntaxTrees[0].Options,
            driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));
        driver = driver.RunGeneratorsAndUpdateCompilation(compilation, out output, out ImmutableArray<Diagnostic> diagnostics);
        Assert.Empty(diagnostics);
        return driver;
    }

    /// <summary>The generated files, by name.</summary>
    public static IReadOnlyDictionary<string, string> Sources(this GeneratorDriver driver) =>
        driver.GetRunResult().Results.Single().GeneratedSources.ToDictionary(
            static source => source.HintName,
            static source => source.SourceText.ToString());

    /// <summary>All analyzers.</summary>
    public static ImmutableArray<DiagnosticAnalyzer> Analyzers => [new BatchableAnalyzer(), new SubmitAnalyzer()];

    /// <summary>What the analyzers say of a compilation that the generator has added to, as in every build.</summary>
    public static async Task<ImmutableArray<Diagnostic>> AnalyzeAsync(Compilation output)
    {
        ImmutableArray<Diagnostic> diagnostics = await output.WithAnalyzers(Analyzers).GetAllDiagnosticsAsync();
        return [.. diagnostics.OrderBy(static diagnostic => diagnostic.Location.SourceSpan.Start).ThenBy(static diagnostic => diagnostic.Id)];
    }

    /// <summary>Generates, and requires that neither the compiler nor the analyzer has anything to say.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> RequireCleanAsync(CSharpCompilation compilation)
    {
        IReadOnlyDictionary<string, string> sources = Generate(compilation, out Compilation output).Sources();
        string[] said = [.. (await AnalyzeAsync(output)).Select(Describe)];
        Assert.True(said.Length == 0, string.Join("\n", [.. said, .. sources.Values]));
        return sources;
    }

    private static PortableExecutableReference CompileTorchSharpReference()
    {
        string source = File.ReadAllText(Path.Combine(Snapshot.Project, "Reference", "TorchSharp.cs"));
        using var assembly = new MemoryStream();
        var result = CSharpCompilation.Create(
            "TorchSharp", [CSharpSyntaxTree.ParseText(source)], References, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary)).Emit(assembly);
        Assert.Empty(result.Diagnostics.Where(static diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));
        return MetadataReference.CreateFromImage(assembly.ToArray());
    }

    private static ImmutableArray<MetadataReference> ReferencesTo(params string[] names) =>
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Where(path => names.Any(name => name.EndsWith('.')
                ? Path.GetFileName(path).StartsWith(name, StringComparison.Ordinal)
                : Path.GetFileNameWithoutExtension(path) == name))
            .Select(static path => MetadataReference.CreateFromFile(path)),
    ];

    public static string Describe(Diagnostic diagnostic)
    {
        SyntaxTree? tree = diagnostic.Location.SourceTree;
        string line = tree?.GetText().Lines[diagnostic.Location.GetLineSpan().StartLinePosition.Line].ToString().Trim() ?? "";
        return $"{diagnostic.Id} {diagnostic.GetMessage(CultureInfo.InvariantCulture)} | {Path.GetFileName(tree?.FilePath)}: {line}";
    }
}
