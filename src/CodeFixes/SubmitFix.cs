using System.Collections.Immutable;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;

namespace FastBatch.CodeFixes;

/// <summary>A fix of one diagnostic that replaces nodes of its document. Offered where <see cref="Rewrite"/> knows how.</summary>
public abstract class SubmitFix : CodeFixProvider
{
    /// <summary>What the editor calls it.</summary>
    protected abstract string Title { get; }

    /// <inheritdoc/>
    public sealed override FixAllProvider GetFixAllProvider() => WellKnownFixAllProviders.BatchFixer;

    /// <inheritdoc/>
    public sealed override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        if (await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false) is not { } root)
        {
            return;
        }

        foreach (Diagnostic diagnostic in context.Diagnostics)
        {
            SyntaxNode node = root.FindNode(diagnostic.Location.SourceSpan, getInnermostNodeForTie: true);
            if (Rewrite(root, node, diagnostic) is { } rewritten)
            {
                Document fixedDocument = context.Document.WithSyntaxRoot(rewritten);
                context.RegisterCodeFix(CodeAction.Create(Title, _ => Task.FromResult(fixedDocument), equivalenceKey: GetType().Name), diagnostic);
            }
        }
    }

    /// <summary>The document with the mistake put right, or null.</summary>
    /// <param name="root">The document.</param>
    /// <param name="node">What the diagnostic points at.</param>
    /// <param name="diagnostic">The diagnostic.</param>
    protected abstract SyntaxNode? Rewrite(SyntaxNode root, SyntaxNode node, Diagnostic diagnostic);
}
