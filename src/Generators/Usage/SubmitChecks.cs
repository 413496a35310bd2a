using System;
using System.Linq;
using FastBatch.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastBatch.Generators.Usage;

/// <summary>What is wrong with one call by what is done with its task on the spot.</summary>
internal static class SubmitChecks
{
    /// <summary>Looks at one call. Its task, if it is stored in a local.</summary>
    public static StoredTask? Check(IInvocationOperation call, Action<Diagnostic> report)
    {
        IOperation task = Configured(call);
        switch (Used(task))
        {
            case IAwaitOperation awaited:
                LeaseChecks.Check(awaited, call, report);
                return null;

            // In an async method the compiler says so itself.
            case IExpressionStatementOperation statement when !IsInAsync(statement):
                Report(Descriptors.Forgotten, call.Syntax, report, NameOf(call));
                return null;
            case ISimpleAssignmentOperation { Target: IDiscardOperation }:
                Report(Descriptors.Forgotten, call.Syntax, report, NameOf(call));
                return null;
            case ISimpleAssignmentOperation { Target: IFieldReferenceOperation or IPropertyReferenceOperation } kept
                when kept.Target is IMemberReferenceOperation target && !IsArrayLike(target):
                Report(Descriptors.TaskKept, call.Syntax, report, NameOf(call), target.Member.Name);
                return null;
            case ISimpleAssignmentOperation { Target: ILocalReferenceOperation local }:
                return new StoredTask(call, local.Local);
            case IVariableInitializerOperation { Parent: IVariableDeclaratorOperation declarator }:
                return new StoredTask(call, declarator.Symbol);
            default:
                if (ResultOf(task) is { } result)
                {
                    Report(Descriptors.TakenTooEarly, result.Syntax, report, NameOf(call));
                }

                return null;
        }
    }

    /// <summary>Where the result of a task is asked for at once, <c>task.Result</c> or <c>task.GetAwaiter().GetResult()</c>; null if it is not.</summary>
    public static IOperation? ResultOf(IOperation task) => Used(Configured(task)) switch
    {
        IPropertyReferenceOperation { Property.Name: "Result" } property => property,
        IInvocationOperation { TargetMethod.Name: "GetAwaiter", Parent: IInvocationOperation { TargetMethod.Name: "GetResult" } result } => result,
        _ => null,
    };

    public static string NameOf(IInvocationOperation call) => $"{call.TargetMethod.ContainingType.Name}.{call.TargetMethod.Name}";

    /// <summary>The task with its ConfigureAwait, if it has one.</summary>
    public static IOperation Configured(IOperation task) =>
        Used(task) is IInvocationOperation { TargetMethod.Name: "ConfigureAwait" } configured && configured.Instance is not null ? configured : task;

    public static void Report(DiagnosticDescriptor descriptor, SyntaxNode syntax, Action<Diagnostic> report, params object[] arguments) =>
        report(Diagnostic.Create(descriptor, syntax.GetLocation(), arguments));

    // What the value is handed to, conversions between passed over.
    private static IOperation? Used(IOperation value)
    {
        IOperation? user = value.Parent;
        while (user is IConversionOperation or IParenthesizedOperation)
        {
            user = user.Parent;
        }

        return user;
    }

    private static bool IsArrayLike(IMemberReferenceOperation target) => target is IPropertyReferenceOperation { Arguments.Length: > 0 };

    private static bool IsInAsync(IOperation operation)
    {
        for (IOperation? current = operation.Parent; current is not null; current = current.Parent)
        {
            switch (current)
            {
                case IAnonymousFunctionOperation lambda:
                    return lambda.Symbol.IsAsync;
                case ILocalFunctionOperation local:
                    return local.Symbol.IsAsync;
            }
        }

        return operation.SemanticModel?.GetEnclosingSymbol(operation.Syntax.SpanStart) is IMethodSymbol { IsAsync: true };
    }
}
