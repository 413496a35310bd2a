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
        CheckSignature(method, refusals);
        ContainingTypes.Check(method, refusals);
        BatchableSettings settings = BatchableSettings.Read(method, attribute, refusals);
        cancellationToken.ThrowIfCancellationRequested();
        List<ParameterSpec> parameters = ReadParameters(method, settings, refusals);
        GeneratedNames.Check(method, settings, refusals);
        return refusals.Any ? null : ToSpec(method, settings, parameters);
    }

    private static MethodSpec ToSpec(IMethodSymbol method, BatchableSettings settings, List<ParameterSpec> parameters)
    {
        INamedTypeSymbol type = method.ContainingType;
        return new MethodSpec(
            HintName: GeneratedNames.Hint(method, settings.Stem),
            Namespace: type.ContainingNamespace.IsGlobalNamespace ? null : type.ContainingNamespace.ToDisplayString(),
            Types: new EquatableArray<TypeSpec>([.. ContainingTypes.Of(type).Select(ContainingTypes.ToSpec)]),
            TargetType: TypeNames.InSource(type),
            BatcherName: string.Join(".", ContainingTypes.Of(type).Select(static outer => outer.Name)) + "." + settings.Stem,
            MethodName: method.Name,
            Stem: settings.Stem,
            Accessibility: ContainingTypes.AccessibilityOf(method),
            IsStatic: method.IsStatic,
            IsOverloaded: ContainingTypes.WithBases(type).SelectMany(declaring => declaring.GetMembers(method.Name)).Skip(1).Any(),
            MayHideInherited: GeneratedNames.MayHideInherited(type, settings.Stem),
            UsesObsolete: method.Parameters.Select(ElementOf).Prepend(method).Any(IsObsolete),
            MaxBatchSize: settings.MaxBatchSize,
            MaxQueueDelayMicroseconds: settings.MaxQueueDelayMicroseconds,
            Parameters: new EquatableArray<ParameterSpec>([.. parameters]));

        static ISymbol ElementOf(IParameterSymbol parameter) => ((INamedTypeSymbol)parameter.Type).TypeArguments[0];
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

    private static void CheckSignature(IMethodSymbol method, Refusals refusals)
    {
        if (method.IsAsync && method.ReturnsVoid)
        {
            refusals.Add(Descriptors.AsyncVoid, Locations.Modifier(method, SyntaxKind.AsyncKeyword), method.Name);
        }

        if (!method.ReturnsVoid && method.ReturnType.TypeKind == TypeKind.Error)
        {
            refusals.AddSilently();
        }
        else if (!method.ReturnsVoid)
        {
            string returned = TypeNames.InMessage(method.ReturnType);
            refusals.Add(Descriptors.ReturnsValue, Locations.ReturnType(method), method.Name, returned);
        }

        if (method.IsGenericMethod)
        {
            refusals.Add(Descriptors.GenericMethod, Locations.TypeParameters(method), method.Name);
        }
    }

    private static List<ParameterSpec> ReadParameters(IMethodSymbol method, BatchableSettings settings, Refusals refusals)
    {
        var parameters = new List<ParameterSpec>(method.Parameters.Length);
        foreach (IParameterSymbol parameter in method.Parameters)
        {
            if (ParameterParser.Parse(parameter, settings, refusals) is { } spec)
            {
                parameters.Add(spec);
            }
        }

        // With a parameter unread, what looks like nothing may have been meant as something.
        if (parameters.Count == method.Parameters.Length)
        {
            if (!parameters.Exists(static parameter => parameter.IsInput))
            {
                refusals.Add(Descriptors.NoInput, Locations.Identifier(method), method.Name);
            }

            if (parameters.TrueForAll(static parameter => parameter.IsInput))
            {
                refusals.Add(Descriptors.NoOutput, Locations.Identifier(method), method.Name);
            }
        }

        // Once for each argument: one attribute argument is at fault, however many parameters it does not fit.
        foreach (IGrouping<string, ParameterSpec> group in parameters.GroupBy(parameter => settings.DimensionArgument(parameter.IsInput)))
        {
            CheckBatchDim(group.Key, group, settings, refusals);
        }

        return parameters;
    }

    private static void CheckBatchDim(string argument, IEnumerable<ParameterSpec> parameters, BatchableSettings settings, Refusals refusals)
    {
        ParameterSpec smallest = parameters.OrderBy(static parameter => parameter.IsScalar ? int.MaxValue : parameter.Row.Count).First();
        if (!smallest.IsScalar && smallest.BatchDim > smallest.Row.Count)
        {
            string dimensions = smallest.Row.Count == 1 ? "1 dimension" : $"{smallest.Row.Count} dimensions";
            refusals.Add(
                Descriptors.BatchDimOutOfRange,
                settings.LocationOf(argument),
                argument,
                smallest.BatchDim,
                $"0 to {smallest.Row.Count}, since a row of parameter '{smallest.Name}' has {dimensions}");
        }
    }

    private static bool IsObsolete(ISymbol symbol) =>
        symbol.GetAttributes().Any(static attribute => attribute.AttributeClass?.Is("System", nameof(ObsoleteAttribute)) == true);
}
