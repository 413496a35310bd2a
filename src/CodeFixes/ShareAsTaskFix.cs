using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastBatch.CodeFixes;

/// <summary>
/// Adds <c>.AsTask()</c> to the requests in a call of <c>Task.WhenAll</c>, <c>WhenAny</c>, <c>WaitAll</c> or <c>WaitAny</c>, which the compiler
/// refuses as they are.
/// </summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(ShareAsTaskFix))]
public sealed class ShareAsTaskFix : SubmitFix
{
    private static readonly string[] Combinators = ["WhenAll", "WhenAny", "WhenEach", "WaitAll", "WaitAny"];

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds => ["CS0411", "CS1503", "CS9174"];

    /// <inheritdoc/>
    protected override string Title => "Submit(...).AsTask()";

    /// <inheritdoc/>
    protected override SyntaxNode? Rewrite(SyntaxNode root, SyntaxNode node, Diagnostic diagnostic)
    {
        InvocationExpressionSyntax? combined = node.AncestorsAndSelf().OfType<InvocationExpressionSyntax>().FirstOrDefault(IsCombinator);
        InvocationExpressionSyntax[] submits = [.. combined?.DescendantNodes().OfType<InvocationExpressionSyntax>().Where(IsBareSubmit) ?? []];
        return submits.Length > 0 ? root.ReplaceNodes(submits, static (_, call) => Syntax.Call(call, "AsTask")) : null;
    }

    private static bool IsCombinator(InvocationExpressionSyntax call) => call.Expression is MemberAccessExpressionSyntax
    {
        Expression: IdentifierNameSyntax { Identifier.ValueText: "Task" },
        Name.Identifier.ValueText: var name,
    } && Combinators.Contains(name);

    // As an argument, an element of a list, or what a lambda returns.
    private static bool IsBareSubmit(InvocationExpressionSyntax call) =>
        call.Expression is MemberAccessExpressionSyntax { Name.Identifier.ValueText: var name }
        && name.StartsWith("Submit", StringComparison.Ordinal)
        && call.Parent is ArgumentSyntax or LambdaExpressionSyntax or ExpressionElementSyntax or InitializerExpressionSyntax
        && !(call.Parent is LambdaExpressionSyntax lambda && lambda.AsyncKeyword.IsKind(SyntaxKind.AsyncKeyword));
}
