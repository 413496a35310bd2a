using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace FastBatch.Generators.Tests.Harness;

/// <summary>Applies code fixes to a user's file as an editor does: to one diagnostic, or to all of a document.</summary>
internal static class Fixer
{
    /// <summary>The file after the first diagnostic that the fix knows is fixed; null if it offers nothing.</summary>
    public static async Task<string?> FixOneAsync(CodeFixProvider fix, string file)
    {
        (Document document, ImmutableArray<Diagnostic> diagnostics) = await OpenAsync(fix, file);
        CodeAction? action = await OfferAsync(fix, document, diagnostics[0]);
        return action is null ? null : await ApplyAsync(action, document);
    }

    /// <summary>The file after all diagnostics that the fix knows are fixed at once.</summary>
    public static async Task<string> FixAllAsync(CodeFixProvider fix, string file)
    {
        (Document document, ImmutableArray<Diagnostic> diagnostics) = await OpenAsync(fix, file);
        string key = (await OfferAsync(fix, document, diagnostics[0]))!.EquivalenceKey!;
        var context = new FixAllContext(
            document, fix, FixAllScope.Document, key, diagnostics.Select(static diagnostic => diagnostic.Id), new Known(diagnostics), CancellationToken.None);
        return await ApplyAsync((await fix.GetFixAllProvider()!.GetFixAsync(context))!, document);
    }

    private static async Task<(Document Document, ImmutableArray<Diagnostic> Diagnostics)> OpenAsync(CodeFixProvider fix, string file)
    {
        CSharpCompilation compilation = UserProject.Compile(file);
        IReadOnlyDictionary<string, string> generated = UserProject.Generate(compilation, out _).Sources();
        Project project = new AdhocWorkspace()
            .AddProject("User", LanguageNames.CSharp)
            .WithParseOptions(compilation.SyntaxTrees[0].Options)
            .WithCompilationOptions(compilation.Options)
            .WithMetadataReferences(compilation.References);
        foreach ((string name, string text) in generated)
        {
            project = project.AddDocument(name, text).Project;
        }

        Document document = project.AddDocument("File0.cs", SourceText.From(compilation.SyntaxTrees[0].ToString()));
        SyntaxTree tree = (await document.GetSyntaxTreeAsync())!;
        ImmutableArray<Diagnostic> said = await UserProject.AnalyzeAsync((await document.Project.GetCompilationAsync())!);
        ImmutableArray<Diagnostic> fixable = [.. said.Where(diagnostic => fix.FixableDiagnosticIds.Contains(diagnostic.Id) && diagnostic.Location.SourceTree == tree)];
        Assert.True(fixable.Length > 0, string.Join("\n", said.Select(UserProject.Describe)));
        return (document, fixable);
    }

    private static async Task<CodeAction?> OfferAsync(CodeFixProvider fix, Document document, Diagnostic diagnostic)
    {
        CodeAction? offered = null;
        await fix.RegisterCodeFixesAsync(new CodeFixContext(document, diagnostic, (action, _) => offered = action, CancellationToken.None));
        return offered;
    }

    private static async Task<string> ApplyAsync(CodeAction action, Document document)
    {
        ApplyChangesOperation changes = (await action.GetOperationsAsync(CancellationToken.None)).OfType<ApplyChangesOperation>().Single();
        return (await changes.ChangedSolution.GetDocument(document.Id)!.GetTextAsync()).ToString();
    }

    private sealed class Known(ImmutableArray<Diagnostic> diagnostics) : FixAllContext.DiagnosticProvider
    {
        public override Task<IEnumerable<Diagnostic>> GetAllDiagnosticsAsync(Project project, CancellationToken cancellationToken) =>
            Task.FromResult<IEnumerable<Diagnostic>>(diagnostics);

        public override Task<IEnumerable<Diagnostic>> GetDocumentDiagnosticsAsync(Document document, CancellationToken cancellationToken) =>
            Task.FromResult<IEnumerable<Diagnostic>>(diagnostics);

        public override Task<IEnumerable<Diagnostic>> GetProjectDiagnosticsAsync(Project project, CancellationToken cancellationToken) =>
            Task.FromResult<IEnumerable<Diagnostic>>([]);
    }
}
