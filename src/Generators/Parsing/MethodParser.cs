using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using FastBatch.Generators.Diagnostics;
using FastBatch.Generators.Specs;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastBatch.Generators.Parsing;

/// <summary>
/// Reads a <c>[Batchable]</c> method into its spec. Null for one that cannot be served; the refusals then hold every reason, not only
/// the first. Called by the generator for the spec and by the analyzer for the reasons.
/// </summary>
internal static class MethodParser
{
    public static MethodSpec? Parse(IMethodSymbol method, AttributeData attribute, Refusals refusals, CancellationToken cancellationToken)
    {
        // The part of a partial method that callers see.
        method = method.PartialDefinitionPart ?? method;

        if (!CheckKind(method, attribute, refusals))
        {
            return null;
        }

        CheckLanguage(method, attribute, refusals);
        TensorType? tensor = TensorType.Of(method);
        CheckSignature(method, tensor, refusals);
        ContainingTypes.Check(method, refusals);
        BatchableSettings settings = BatchableSettings.Read(method, attribute, refusals);
        cancellationToken.ThrowIfCancellationRequested();
        List<(RowOwner Owner, ParameterSpec Spec)> parameters = ReadParameters(method, tensor, settings, refusals);
        CheckBatchDims(parameters, settings, refusals);
        GeneratedNames.Check(method, settings, refusals);
        return refusals.Any ? null : ToSpec(method, tensor, settings, parameters.Select(static parameter => parameter.Spec));
    }

    private static MethodSpec ToSpec(
        IMethodSymbol method, TensorType? tensor, BatchableSettings settings, IEnumerable<ParameterSpec> parameters)
    {
        INamedTypeSymbol type = method.ContainingType;
        return new MethodSpec(
            HintName: GeneratedNames.Hint(method, settings.Stem),
            Namespace: type.ContainingNamespace.IsGlobalNamespace ? null : type.ContainingNamespace.ToDisplayString(),
            Types: new EquatableArray<TypeSpec>([.. ContainingTypes.Of(type).Select(ContainingTypes.ToSpec)]),
            TargetType: TypeNames.InSource(type),
            BatcherName: string.Join(".", ContainingTypes.Of(type).Select(static outer => outer.Name)) + "." + settings.Stem,
            MethodName: method.Name,
            Family: tensor?.Family ?? MethodFamily.Spans,
            Stem: settings.Stem,
            Accessibility: ContainingTypes.AccessibilityOf(method),
            IsStatic: method.IsStatic,
            IsOverloaded: ContainingTypes.WithBases(type).SelectMany(declaring => declaring.GetMembers(method.Name)).Skip(1).Any(),
            MayHideInherited: GeneratedNames.MayHideInherited(type, settings.Stem),
            UsesObsolete: IsObsolete(method) || ContainingTypes.Of(type).Any(IsObsolete) || method.Parameters.SelectMany(TypeArguments).Any(IsObsolete),
            MaxBatchSize: settings.MaxBatchSize,
            MaxQueueDelayMicroseconds: settings.MaxQueueDelayMicroseconds,
            DeadlineMicroseconds: settings.DeadlineMicroseconds,
            UseCudaGraphs: settings.UseCudaGraphs,
            IsModule: !method.IsStatic && TorchSharpFacts.IsModule(type),
            Glue: tensor == TensorType.TorchSharp ? TorchSharpFacts.GlueOf(method) : null,
            Registration: HostingFacts.RegistrationOf(method, settings.Stem),
            Parameters: new EquatableArray<ParameterSpec>([.. parameters]));

        static IEnumerable<ISymbol> TypeArguments(IParameterSymbol parameter) => ((INamedTypeSymbol)parameter.Type).TypeArguments;
    }

    private static bool CheckKind(IMethodSymbol method, AttributeData attribute, Refusals refusals)
    {
        if (method.MethodKind == MethodKind.Ordinary)
        {
            return true;
        }

        string kind = method.MethodKind switch
        {
            MethodKind.LocalFunction => "a local function",
            MethodKind.AnonymousFunction => "a lambda",
            MethodKind.ExplicitInterfaceImplementation => "an explicit interface implementation",
            MethodKind.UserDefinedOperator or MethodKind.Conversion => "an operator",
            MethodKind.Destructor => "a finalizer",
            _ => "an accessor",
        };
        refusals.Add(Descriptors.UnsupportedMethodKind, Locations.Attribute(attribute, method), kind);
        return false;
    }

    private static void CheckLanguage(IMethodSymbol method, AttributeData attribute, Refusals refusals)
    {
        // Writers take any state, ref structs included ("allows ref struct").
        var options = attribute.ApplicationSyntaxReference?.SyntaxTree.Options as CSharpParseOptions;
        if (options?.LanguageVersion < LanguageVersion.CSharp13)
        {
            string given = options.LanguageVersion.ToDisplayString();
            refusals.Add(Descriptors.LanguageTooOld, Locations.Attribute(attribute, method), TypeNames.InMessage(method), given);
        }
    }

    private static void CheckSignature(IMethodSymbol method, TensorType? tensor, Refusals refusals)
    {
        FamilyText accepted = tensor?.Text ?? FamilyText.Spans;
        if (method.IsAsync && method.ReturnsVoid)
        {
            refusals.Add(Descriptors.AsyncVoid, Locations.Modifier(method, SyntaxKind.AsyncKeyword), method.Name, accepted.Finished);
        }

        if (method.ReturnsVoid)
        {
            if (RowParser.OnReturn(method).FirstOrDefault() is { } row)
            {
                refusals.Add(Descriptors.RowOfNothing, Locations.Attribute(row, method), method.Name, accepted.ReturnRow);
            }
        }
        else if (tensor is null)
        {
            CheckReturnsVoid(method, refusals);
        }

        if (method.IsGenericMethod)
        {
            refusals.Add(Descriptors.GenericMethod, Locations.TypeParameters(method), method.Name);
        }
    }

    private static void CheckReturnsVoid(IMethodSymbol method, Refusals refusals)
    {
        if (method.ReturnType.TypeKind == TypeKind.Error)
        {
            refusals.AddSilently();
            return;
        }

        string returned = TypeNames.InMessage(method.ReturnType);
        refusals.Add(
            Descriptors.UnsupportedReturnType, Locations.ReturnType(method), method.Name, returned, FamilyText.Spans.Returns);
    }

    // The inputs and outputs, in the order of the method: first its parameters, then what it returns.
    private static List<(RowOwner Owner, ParameterSpec Spec)> ReadParameters(
        IMethodSymbol method, TensorType? tensor, BatchableSettings settings, Refusals refusals)
    {
        var parameters = new List<(RowOwner Owner, ParameterSpec Spec)>(method.Parameters.Length);
        foreach (IParameterSymbol parameter in method.Parameters)
        {
            ParameterSpec? spec = tensor is null
                ? ParameterParser.Parse(parameter, settings, refusals)
                : TensorParser.ParseParameter(parameter, tensor, settings, refusals);
            if (spec is not null)
            {
                parameters.Add((RowOwner.Of(parameter), spec));
            }
        }

        // With a parameter unread, what looks like nothing may have been meant as something.
        bool isComplete = parameters.Count == method.Parameters.Length;
        FamilyText accepted = tensor?.Text ?? FamilyText.Spans;
        if (isComplete && !parameters.Exists(static parameter => parameter.Spec.IsInput))
        {
            refusals.Add(Descriptors.NoInput, Locations.Identifier(method), method.Name, accepted.Input);
        }

        // That it should return something was said already of an async void method, and of one with [return: Row].
        bool isSaid = tensor is not null && (method.IsAsync || RowParser.OnReturn(method).Length > 0);
        if (tensor is not null && !method.ReturnsVoid)
        {
            parameters.AddRange(TensorParser.ParseResults(method, tensor, settings, refusals));
        }
        else if (isComplete && parameters.TrueForAll(static parameter => parameter.Spec.IsInput) && !isSaid)
        {
            refusals.Add(Descriptors.NoOutput, Locations.Identifier(method), method.Name, accepted.Output);
        }

        return parameters;
    }

    private static void CheckBatchDims(
        IEnumerable<(RowOwner Owner, ParameterSpec Spec)> parameters, BatchableSettings settings, Refusals refusals)
    {
        // Once for each argument: one attribute argument is at fault, however many parameters it does not fit.
        foreach (var group in parameters.GroupBy(parameter => settings.DimensionArgument(parameter.Spec.IsInput)))
        {
            (RowOwner owner, ParameterSpec smallest) =
                group.OrderBy(static parameter => parameter.Spec.IsScalar ? int.MaxValue : parameter.Spec.Row.Count).First();
            if (!smallest.IsScalar && smallest.BatchDim > smallest.Row.Count)
            {
                string dimensions = smallest.Row.Count == 1 ? "1 dimension" : $"{smallest.Row.Count} dimensions";
                refusals.Add(
                    Descriptors.BatchDimOutOfRange,
                    settings.LocationOf(group.Key),
                    group.Key,
                    smallest.BatchDim,
                    $"0 to {smallest.Row.Count}, since a row of {owner.Text} has {dimensions}");
            }
        }
    }

    private static bool IsObsolete(ISymbol symbol) =>
        symbol.GetAttributes().Any(static attribute => attribute.AttributeClass?.Is("System", nameof(ObsoleteAttribute)) == true);
}
