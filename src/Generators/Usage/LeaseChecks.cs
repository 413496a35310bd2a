using System;
using System.Collections.Generic;
using System.Linq;
using FastBatch.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastBatch.Generators.Usage;

/// <summary>Whether a lease is disposed by the method that takes it, or handed to somebody who may.</summary>
internal static class LeaseChecks
{
    /// <summary>Looks at what one await gives.</summary>
    public static void Check(IAwaitOperation awaited, IInvocationOperation call, Action<Diagnostic> report)
    {
        if (awaited.Type is { IsValueType: true } type && IsDisposable(type) && !IsDisposed(awaited))
        {
            SubmitChecks.Report(Descriptors.LeaseKept, awaited.Syntax, report, SubmitChecks.NameOf(call));
        }
    }

    private static bool IsDisposable(ITypeSymbol type) =>
        type.AllInterfaces.Any(static candidate => candidate.SpecialType == SpecialType.System_IDisposable);

    private static bool IsDisposed(IAwaitOperation awaited) => Parent(awaited) switch
    {
        IExpressionStatementOperation or ISimpleAssignmentOperation { Target: IDiscardOperation } => false,

        // (await ...).Span: nobody has the lease. Its Dispose is the one thing to ask of it.
        IPropertyReferenceOperation => false,
        IVariableInitializerOperation { Parent: IVariableDeclaratorOperation declarator } =>
            IsInUsing(declarator) || IsLetGo(declarator.Symbol, awaited),
        ISimpleAssignmentOperation { Target: ILocalReferenceOperation local } => IsLetGo(local.Local, awaited),
        _ => true,
    };

    private static bool IsInUsing(IOperation operation)
    {
        for (IOperation? current = operation.Parent; current is not null and not IBlockOperation; current = current.Parent)
        {
            if (current is IUsingOperation or IUsingDeclarationOperation)
            {
                return true;
            }
        }

        return false;
    }

    // Disposed somewhere, or handed on: to a method, a field, a caller, a using statement. Reading its rows is neither.
    private static bool IsLetGo(ILocalSymbol local, IOperation within) => References(local, within).Any(static reference => Parent(reference) switch
    {
        IPropertyReferenceOperation => false,
        ISimpleAssignmentOperation assignment => !ReferenceEquals(assignment.Target, reference),
        IInvocationOperation { Instance: { } instance } call when ReferenceEquals(instance, reference) => call.TargetMethod.Name == "Dispose",
        _ => true,
    });

    private static IEnumerable<ILocalReferenceOperation> References(ILocalSymbol local, IOperation within)
    {
        IOperation root = within;
        while (root.Parent is not null)
        {
            root = root.Parent;
        }

        return root.Descendants().OfType<ILocalReferenceOperation>()
            .Where(reference => SymbolEqualityComparer.Default.Equals(reference.Local, local));
    }

    private static IOperation? Parent(IOperation value)
    {
        IOperation? parent = value.Parent;
        while (parent is IConversionOperation { IsImplicit: false } or IParenthesizedOperation)
        {
            parent = parent.Parent;
        }

        return parent;
    }
}
