using System.Collections.Generic;
using System.Linq;
using FastBatch.Generators.Emitting;
using FastBatch.Generators.Specs;
using Microsoft.CodeAnalysis;

namespace FastBatch.Generators.Parsing;

/// <summary>Whether a batcher can be added to a service, and how. By names alone: the generator references nothing that has them.</summary>
internal static class HostingFacts
{
    internal const string Assembly = "FastBatch.Hosting";

    /// <summary>Null unless the assembly references FastBatch.Hosting and an extension method could name the batcher.</summary>
    public static RegistrationSpec? RegistrationOf(IMethodSymbol method, string stem)
    {
        // The method has errors if it has no module; there is nothing to generate then.
        bool hasHosting = method.ContainingModule is { } module && module.ReferencedAssemblies.Any(static reference => reference.Name == Assembly);
        if (!hasHosting || AccessibilityOf(method) is not { } accessibility)
        {
            return null;
        }

        INamedTypeSymbol[] types = [.. ContainingTypes.Of(method.ContainingType)];
        ITypeParameterSymbol[] parameters = [.. types.SelectMany(static type => type.TypeParameters)];
        string[] names = [.. parameters.Select(static parameter => parameter.Name)];

        // One that hides another of the same name cannot stand beside it.
        return names.Distinct().Count() < names.Length
            ? null
            : new RegistrationSpec(
                string.Concat(types.Select(static type => Identifiers.Pascal(type.Name))) + Identifiers.Pascal(stem),
                accessibility,
                new EquatableArray<string>(names),
                new EquatableArray<string>([.. parameters.Select(ConstraintsOf).Where(static clause => clause.Length > 0)]));
    }

    private static string? AccessibilityOf(IMethodSymbol method)
    {
        Accessibility[] all =
        [
            .. ContainingTypes.Of(method.ContainingType).Select(static type => type.DeclaredAccessibility),
            method.DeclaredAccessibility,
        ];
        return all.All(static one => one == Accessibility.Public) ? "public"
            : all.All(static one => one is Accessibility.Public or Accessibility.Internal or Accessibility.ProtectedOrInternal) ? "internal"
            : null;
    }

    private static string ConstraintsOf(ITypeParameterSymbol parameter)
    {
        List<string> constraints = [];
        if (parameter.HasUnmanagedTypeConstraint)
        {
            constraints.Add("unmanaged");
        }
        else if (parameter.HasValueTypeConstraint)
        {
            constraints.Add("struct");
        }
        else if (parameter.HasReferenceTypeConstraint)
        {
            constraints.Add(parameter.ReferenceTypeConstraintNullableAnnotation == NullableAnnotation.Annotated ? "class?" : "class");
        }
        else if (parameter.HasNotNullConstraint)
        {
            constraints.Add("notnull");
        }

        constraints.AddRange(parameter.ConstraintTypes.Select(TypeNames.InSource));
        if (parameter.HasConstructorConstraint)
        {
            constraints.Add("new()");
        }

        if (parameter.AllowsRefLikeType)
        {
            constraints.Add("allows ref struct");
        }

        return constraints.Count == 0 ? "" : $"where {Identifiers.EscapeType(parameter.Name)} : {string.Join(", ", constraints)}";
    }
}
