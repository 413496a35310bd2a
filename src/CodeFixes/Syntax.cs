using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastBatch.CodeFixes;

/// <summary>The pieces that fixes are made of.</summary>
internal static class Syntax
{
    /// <summary>Whether an await may stand there.</summary>
    public static bool MayAwait(SyntaxNode node)
    {
        for (SyntaxNode? current = node.Parent; current is not null; current = current.Parent)
        {
            switch (current)
            {
                case AnonymousFunctionExpressionSyntax lambda:
                    return lambda.AsyncKeyword.IsKind(SyntaxKind.AsyncKeyword);
                case LocalFunctionStatementSyntax function:
                    return function.Modifiers.Any(SyntaxKind.AsyncKeyword);
                case MethodDeclarationSyntax method:
                    return method.Modifiers.Any(SyntaxKind.AsyncKeyword);
                case GlobalStatementSyntax:
                    return true;
                case LockStatementSyntax or MemberDeclarationSyntax:
                    return false;
            }
        }

        return false;
    }

    /// <summary><c>expression.name()</c>.</summary>
    public static InvocationExpressionSyntax Call(ExpressionSyntax expression, string name) =>
        SyntaxFactory.InvocationExpression(Member(expression.WithoutTrivia(), name)).WithTriviaFrom(expression);

    /// <summary><c>await expression</c>, in parentheses where something is asked of it.</summary>
    public static ExpressionSyntax Await(ExpressionSyntax expression, SyntaxNode place)
    {
        ExpressionSyntax awaited = SyntaxFactory.AwaitExpression(
            SyntaxFactory.Token(SyntaxKind.AwaitKeyword).WithTrailingTrivia(SyntaxFactory.Space), expression.WithoutTrivia());
        bool isReceiver = place.Parent is MemberAccessExpressionSyntax or ElementAccessExpressionSyntax or ConditionalAccessExpressionSyntax
            or PostfixUnaryExpressionSyntax or InvocationExpressionSyntax;
        return (isReceiver ? SyntaxFactory.ParenthesizedExpression(awaited) : awaited).WithTriviaFrom(place);
    }

    private static MemberAccessExpressionSyntax Member(ExpressionSyntax expression, string name) => SyntaxFactory.MemberAccessExpression(
        SyntaxKind.SimpleMemberAccessExpression, expression, SyntaxFactory.IdentifierName(name));
}
