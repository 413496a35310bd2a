using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastBatch.CodeFixes;

/// <summary>Awaits what was dropped, or asked for its result. In a method that is not async a result is blocked for, on a task.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(AwaitFix))]
public sealed class AwaitFix : SubmitFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds => ["FB0041", "FB0042"];

    /// <inheritdoc/>
    protected override string Title => "Await the request";

    /// <inheritdoc/>
    protected override SyntaxNode? Rewrite(SyntaxNode root, SyntaxNode node, Diagnostic diagnostic)
    {
        if (diagnostic.Id == "FB0041")
        {
            return TaskOf(node) is { } task
                ? root.ReplaceNode(node, Syntax.MayAwait(node) ? Syntax.Await(task, node) : Blocked(task).WithTriviaFrom(node))
                : null;
        }

        ExpressionStatementSyntax? statement = node.FirstAncestorOrSelf<ExpressionStatementSyntax>();
        ExpressionSyntax? dropped = statement?.Expression is AssignmentExpressionSyntax discard ? discard.Right : statement?.Expression;
        return dropped is not null && Syntax.MayAwait(node)
            ? root.ReplaceNode(statement!.Expression, Syntax.Await(dropped, statement.Expression))
            : null;
    }

    // The task in task.Result and task.GetAwaiter().GetResult().
    private static ExpressionSyntax? TaskOf(SyntaxNode node) => node switch
    {
        MemberAccessExpressionSyntax result => result.Expression,
        InvocationExpressionSyntax
        {
            Expression: MemberAccessExpressionSyntax { Expression: InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax awaiter } },
        } => awaiter.Expression,
        _ => null,
    };

    private static ExpressionSyntax Blocked(ExpressionSyntax task)
    {
        if (task is InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax { Name.Identifier.ValueText: "ConfigureAwait" } configured })
        {
            task = configured.Expression;
        }

        return Syntax.Call(Syntax.Call(Syntax.Call(task.WithoutTrivia(), "AsTask"), "GetAwaiter"), "GetResult");
    }
}
