using System.Collections.Generic;
using System.Linq;
using FastBatch.Generators.Diagnostics;
using FastBatch.Generators.Specs;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastBatch.Generators.Parsing;

/// <summary>The types around a method: whether a batcher can be added to them, and how.</summary>
internal static class ContainingTypes
{
    /// <summary>The type and those it is nested in, outermost first.</summary>
    public static IEnumerable<INamedTypeSymbol> Of(INamedTypeSymbol type) =>
        type.ContainingType is { } outer ? Of(outer).Append(type) : [type];

    /// <summary>The type and those it derives from, but for object.</summary>
    public static IEnumerable<INamedTypeSymbol> WithBases(INamedTypeSymbol type)
    {
        for (INamedTypeSymbol? current = type; current is { SpecialType: not SpecialType.System_Object }; current = current.BaseType)
        {
            yield return current;
        }
    }

    public static TypeSpec ToSpec(INamedTypeSymbol type) => new(
        KeywordOf(type),
        type.Name,
        new EquatableArray<string>([.. type.TypeParameters.Select(static parameter => parameter.Name)]));

    /// <summary>
    /// The method's accessibility, less what its type does not let anybody use: the compiler warns of new protected members there.
    /// </summary>
    public static string AccessibilityOf(IMethodSymbol method)
    {
        bool hasHeirs = !method.ContainingType.IsSealed;
        return method.DeclaredAccessibility switch
        {
            Accessibility.Public => "public",
            Accessibility.Internal => "internal",
            Accessibility.ProtectedOrInternal => hasHeirs ? "protected internal" : "internal",
            Accessibility.Protected when hasHeirs => "protected",
            Accessibility.ProtectedAndInternal when hasHeirs => "private protected",
            _ => "private",
        };
    }

    public static void Check(IMethodSymbol method, Refusals refusals)
    {
        if (WhyUnsupported(method) is { } reason)
        {
            refusals.Add(Descriptors.UnsupportedContainer, Locations.Identifier(method), TypeNames.InMessage(method), reason);
            return;
        }

        foreach (INamedTypeSymbol type in Of(method.ContainingType).Where(static type => !IsPartial(type)))
        {
            refusals.Add(Descriptors.TypeNotPartial, Locations.Identifier(type), type.Name, TypeNames.InMessage(method), KeywordOf(type));
        }
    }

    private static string? WhyUnsupported(IMethodSymbol method)
    {
        INamedTypeSymbol type = method.ContainingType;
        if (Of(type).FirstOrDefault(static outer => outer.IsFileLocal) is { } local)
        {
            return $"'{local.Name}' is visible in its own file only, and the batcher is written to another";
        }

        return type.TypeKind switch
        {
            TypeKind.Class => null,
            TypeKind.Struct when method.IsStatic => null,
            TypeKind.Struct => $"'{type.Name}' is a struct, so the batcher would serve a copy of it",
            TypeKind.Interface => $"'{type.Name}' is an interface",
            _ => "it is declared in an extension block",
        };
    }

    private static bool IsPartial(INamedTypeSymbol type) => type.DeclaringSyntaxReferences.Any(static reference =>
        reference.GetSyntax() is TypeDeclarationSyntax declaration && declaration.Modifiers.Any(SyntaxKind.PartialKeyword));

    private static string KeywordOf(INamedTypeSymbol type) => type.TypeKind switch
    {
        TypeKind.Interface => "interface",
        TypeKind.Struct => type.IsRecord ? "record struct" : "struct",
        _ => type.IsRecord ? "record" : "class",
    };
}
