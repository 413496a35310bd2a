using System;
using System.Collections.Generic;
using System.Linq;
using FastBatch.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastBatch.Generators.Diagnostics;

/// <summary>Known mistakes in the body of a <c>[Batchable]</c> method over TorchSharp's tensors. It is served all the same.</summary>
internal static class TorchSharpChecks
{
    private static readonly string[] Synchronizing =
    [
        "item", "cpu", "data", "tolist", "ToScalar", "ToHalf", "ToBFloat16", "ToSingle", "ToDouble", "ToSByte", "ToByte", "ToInt16", "ToInt32",
        "ToInt64", "ToBoolean", "ToComplexFloat32", "ToComplexFloat64", "ToComplex32", "ToComplex64",
    ];

    private static readonly string[] Training =
        ["backward", "requires_grad_", "enable_grad", "set_grad_enabled", "train", "retain_grad", "zero_grad"];

    // Other names of the same memory.
    private static readonly string[] Views = ["alias", "detach", "view", "narrow", "unsqueeze", "squeeze", "transpose", "t"];

    /// <summary>Looks at the bodies of one method.</summary>
    public static void Check(IMethodSymbol method, IEnumerable<IOperation> bodies, Action<Diagnostic> report)
    {
        if (TensorType.Of(method) != TensorType.TorchSharp)
        {
            return;
        }

        foreach (IOperation operation in bodies.SelectMany(static body => body.DescendantsAndSelf()))
        {
            switch (operation)
            {
                case IInvocationOperation invocation when IsOfTorchSharp(invocation.TargetMethod.ContainingType):
                    CheckCall(method, invocation, report);
                    break;
                case IConversionOperation { OperatorMethod: { } conversion, Operand.Type: { } type, IsImplicit: false }
                    when IsOfTorchSharp(conversion.ContainingType) && TensorType.TorchSharp.Is(type):
                    Report(Descriptors.Synchronizes, operation.Syntax, report, $"({conversion.ReturnType.ToDisplayString()})", method.Name);
                    break;
                case ISimpleAssignmentOperation { Target: IFieldReferenceOperation or IPropertyReferenceOperation } kept
                    when InputOf(method, kept.Value) is { } input:
                    Report(Descriptors.InputKept, operation.Syntax, report, ((IMemberReferenceOperation)kept.Target).Member.Name, input, method.Name);
                    break;
                case ISimpleAssignmentOperation { Target: IPropertyReferenceOperation { Property.Name: "requires_grad" } property }
                    when IsOfTorch(property.Property.ContainingType):
                    Report(Descriptors.TrainingCall, operation.Syntax, report, property.Property.Name, method.Name);
                    break;
                case IReturnOperation { ReturnedValue: { } value } when !IsNested(operation):
                    CheckResult(method, value, report);
                    break;
            }
        }
    }

    private static void CheckCall(IMethodSymbol method, IInvocationOperation call, Action<Diagnostic> report)
    {
        string name = call.TargetMethod.Name;
        if (Synchronizing.Contains(name))
        {
            Report(Descriptors.Synchronizes, call.Syntax, report, name, method.Name);
        }
        else if (Training.Contains(name))
        {
            Report(Descriptors.TrainingCall, call.Syntax, report, name, method.Name);
        }
        else if (name == "NewDisposeScope" && !IsUsed(call))
        {
            Report(Descriptors.ScopeKept, call.Syntax, report, method.Name);
        }
    }

    // Whether it ends with a using, be it a statement or a declaration.
    private static bool IsUsed(IOperation operation)
    {
        for (IOperation? current = operation.Parent; current is not null; current = current.Parent)
        {
            switch (current)
            {
                case IUsingOperation or IUsingDeclarationOperation:
                    return true;
                case IBlockOperation or IAnonymousFunctionOperation:
                    return false;
            }
        }

        return false;
    }

    // What is returned is disposed: a tensor that the instance keeps would be gone with the first batch.
    private static void CheckResult(IMethodSymbol method, IOperation value, Action<Diagnostic> report)
    {
        switch (value)
        {
            case IConversionOperation conversion:
                CheckResult(method, conversion.Operand, report);
                break;
            case IConditionalOperation { WhenFalse: { } otherwise } conditional:
                CheckResult(method, conditional.WhenTrue, report);
                CheckResult(method, otherwise, report);
                break;
            case ITupleOperation tuple:
                foreach (IOperation element in tuple.Elements)
                {
                    CheckResult(method, element, report);
                }

                break;
            case IFieldReferenceOperation { Field.ContainingType.IsTupleType: false } or IPropertyReferenceOperation
                when value.Type is { } type && TensorType.TorchSharp.Is(type) && !IsOfTorch(((IMemberReferenceOperation)value).Member.ContainingType):
                Report(Descriptors.KeptTensorReturned, value.Syntax, report, value.Syntax.ToString(), method.Name);
                break;
        }
    }

    // The input that a value is, or is a view of; null if it is none.
    private static string? InputOf(IMethodSymbol method, IOperation value) => value switch
    {
        IConversionOperation conversion => InputOf(method, conversion.Operand),
        IParameterReferenceOperation { Parameter: { } parameter }
            when TensorType.TorchSharp.Is(parameter.Type) && SymbolEqualityComparer.Default.Equals(parameter.ContainingSymbol, method) => parameter.Name,
        IInvocationOperation { Instance: { } instance } call
            when Views.Contains(call.TargetMethod.Name) && IsOfTorch(call.TargetMethod.ContainingType) => InputOf(method, instance),
        _ => null,
    };

    private static bool IsNested(IOperation operation)
    {
        for (IOperation? current = operation.Parent; current is not null; current = current.Parent)
        {
            if (current is IAnonymousFunctionOperation or ILocalFunctionOperation)
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsOfTorch(INamedTypeSymbol? type)
    {
        for (; type is not null; type = type.ContainingType)
        {
            if (type.Is("TorchSharp", "torch"))
            {
                return true;
            }
        }

        return false;
    }

    // Some of what tensors have are extensions, and modules have a namespace of their own.
    private static bool IsOfTorchSharp(INamedTypeSymbol? type)
    {
        INamespaceSymbol? outermost = type?.ContainingNamespace;
        while (outermost?.ContainingNamespace is { IsGlobalNamespace: false } outer)
        {
            outermost = outer;
        }

        return outermost?.Name == "TorchSharp";
    }

    private static void Report(DiagnosticDescriptor descriptor, SyntaxNode syntax, Action<Diagnostic> report, params object[] arguments) =>
        report(Diagnostic.Create(descriptor, syntax.GetLocation(), arguments));
}
