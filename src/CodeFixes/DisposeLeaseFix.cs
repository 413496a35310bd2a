using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastBatch.CodeFixes;

/// <summary>Declares the lease with <c>using</c>, or disposes one that is dropped.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(DisposeLeaseFix))]
public sealed class DisposeLeaseFix : SubmitFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds => ["FB0044"];

    /// <inheritdoc/>
    protected override string Title => "Dispose the lease";

    /// <inheritdoc/>
    protected override SyntaxNode? Rewrite(SyntaxNode root, SyntaxNode node, Diagnostic diagnostic)
    {
        switch (node.FirstAncestorOrSelf<StatementSyntax>())
        {
            // A using declaration is no part of a switch section, and has one variable as a rule.
            case LocalDeclarationStatementSyntax { Declaration.Variables.Count: 1, Parent: not SwitchSectionSyntax } declaration
                when declaration.Declaration.Variables[0].Initializer?.Value == node:
                SyntaxToken keyword = SyntaxFactory.Token(SyntaxKind.UsingKeyword)
                    .WithLeadingTrivia(declaration.GetLeadingTrivia())
                    .WithTrailingTrivia(SyntaxFactory.Space);
                return root.ReplaceNode(declaration, declaration.WithoutLeadingTrivia().WithUsingKeyword(keyword));

            case ExpressionStatementSyntax statement when statement.Expression == node
                || statement.Expression is AssignmentExpressionSyntax { Left: IdentifierNameSyntax { Identifier.ValueText: "_" } } discard && discard.Right == node:
                ExpressionSyntax lease = SyntaxFactory.ParenthesizedExpression(((ExpressionSyntax)node).WithoutTrivia());
                return root.ReplaceNode(statement.Expression, Syntax.Call(lease, "Dispose").WithTriviaFrom(statement.Expression));

            default:
                return null;
        }
    }
}
