using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastBatch.CodeFixes;

/// <summary>Adds <c>.Preserve()</c> where the request is submitted: what it returns may be kept, and awaited any number of times.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(PreserveTaskFix))]
public sealed class PreserveTaskFix : SubmitFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds => ["FB0040", "FB0043"];

    /// <inheritdoc/>
    protected override string Title => "Submit(...).Preserve()";

    /// <inheritdoc/>
    protected override SyntaxNode? Rewrite(SyntaxNode root, SyntaxNode node, Diagnostic diagnostic)
    {
        IEnumerable<SyntaxNode> calls = diagnostic.Id == "FB0043"
            ? [node]
            : diagnostic.AdditionalLocations.Select(location => root.FindNode(location.SourceSpan, getInnermostNodeForTie: true));
        return root.ReplaceNodes(calls.OfType<InvocationExpressionSyntax>(), static (_, call) => Syntax.Call(call, "Preserve"));
    }
}
