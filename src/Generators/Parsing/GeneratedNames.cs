using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using FastBatch.Generators.Diagnostics;
using Microsoft.CodeAnalysis;

namespace FastBatch.Generators.Parsing;

/// <summary>The names that a batcher brings into its type, and the name of its file: whether they are free.</summary>
internal static class GeneratedNames
{
    public static void Check(IMethodSymbol method, BatchableSettings settings, Refusals refusals)
    {
        INamedTypeSymbol type = method.ContainingType;
        string[] names = NamesOf(settings.Stem);
        if (EarlierBatchables(method).FirstOrDefault(other => NamesOf(StemOf(other)).Intersect(names).Any()) is { } rival)
        {
            refusals.Add(
                Descriptors.DuplicateName,
                settings.StemLocation,
                TypeNames.InMessage(rival),
                TypeNames.InMessage(method),
                settings.Stem + "2");
        }

        if (names.FirstOrDefault(name => IsTaken(type, name)) is { } taken)
        {
            refusals.Add(Descriptors.NameTaken, settings.StemLocation, TypeNames.InMessage(method), taken, type.Name);
        }
    }

    public static bool MayHideInherited(INamedTypeSymbol type, string stem)
    {
        string[] names = NamesOf(stem);
        return ContainingTypes.WithBases(type).Skip(1).Any(inherited =>
            names.Any(name => !inherited.GetMembers(name).IsEmpty)
            || Batchables(inherited).Any(method => NamesOf(StemOf(method)).Intersect(names).Any()));
    }

    /// <summary>
    /// The name of the file, unique among all of a compilation. The compiler compares such names without regard to case, so a method or
    /// type that differs from a sibling by case alone has a mark of its own.
    /// </summary>
    public static string Hint(IMethodSymbol method, string stem)
    {
        INamedTypeSymbol type = method.ContainingType;
        IEnumerable<string> parts = ContainingTypes.Of(type).Select(static outer => outer.MetadataName).Append(stem);
        if (!type.ContainingNamespace.IsGlobalNamespace)
        {
            parts = parts.Prepend(type.ContainingNamespace.ToDisplayString(SymbolDisplayFormat.CSharpErrorMessageFormat
                .RemoveMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.EscapeKeywordIdentifiers)));
        }

        string name = string.Join(".", parts);
        bool isAmbiguous = Batchables(type).Any(other => DifferByCase(StemOf(other), stem))
            || ContainingTypes.Of(type).Any(static outer => SiblingsOf(outer).Any(sibling => DifferByCase(sibling.Name, outer.Name)));
        return isAmbiguous ? $"{name}-{Mark(name)}.g.cs" : $"{name}.g.cs";
    }

    private static string[] NamesOf(string stem) => [$"Create{stem}Batcher", $"{stem}Batcher"];

    private static bool IsTaken(INamedTypeSymbol type, string name) =>
        type.Name == name
        || type.TypeParameters.Any(parameter => parameter.Name == name)
        || type.GetMembers(name).Any(static member => !IsOverload(member) && !IsGenerated(member));

    // A member that the generated one can stand beside: a type of another arity, or a method with other parameters.
    private static bool IsOverload(ISymbol member) => member switch
    {
        INamedTypeSymbol type => type.Arity > 0,
        IMethodSymbol method => method.Name.StartsWith("Create", StringComparison.Ordinal)
            && (method.IsGenericMethod || method.Parameters.Length != 1 || !method.Parameters[0].Type.Is("FastBatch", "BatcherOptions")),
        _ => false,
    };

    // The analyzer sees the compilation with the batchers in it.
    private static bool IsGenerated(ISymbol member) => member.GetAttributes().Any(static attribute =>
        attribute.AttributeClass?.Is("System.CodeDom.Compiler", "GeneratedCodeAttribute") == true
        && attribute.ConstructorArguments.FirstOrDefault().Value is "FastBatch.Generators");

    private static IEnumerable<IMethodSymbol> EarlierBatchables(IMethodSymbol method) =>
        Batchables(method.ContainingType).TakeWhile(other => !SymbolEqualityComparer.Default.Equals(other, method));

    private static IEnumerable<IMethodSymbol> Batchables(INamedTypeSymbol type) => type.GetMembers().OfType<IMethodSymbol>().Where(
        static method => method.MethodKind == MethodKind.Ordinary && AttributeOf(method) is not null);

    private static string StemOf(IMethodSymbol method) => BatchableSettings.Read(method, AttributeOf(method)!, new Refusals()).Stem;

    private static AttributeData? AttributeOf(IMethodSymbol method) => method.GetAttributes().FirstOrDefault(
        static attribute => attribute.AttributeClass?.Is("FastBatch", "BatchableAttribute") == true);

    private static IEnumerable<INamedTypeSymbol> SiblingsOf(INamedTypeSymbol type) =>
        type.ContainingType?.GetTypeMembers() ?? type.ContainingNamespace.GetTypeMembers();

    private static bool DifferByCase(string one, string other) =>
        one != other && string.Equals(one, other, StringComparison.OrdinalIgnoreCase);

    // FNV-1a: the same in every process, unlike string.GetHashCode.
    private static string Mark(string text)
    {
        uint hash = 2166136261;
        foreach (char character in text)
        {
            hash = unchecked((hash ^ character) * 16777619);
        }

        return hash.ToString("x8", CultureInfo.InvariantCulture);
    }
}
