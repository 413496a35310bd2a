using Microsoft.CodeAnalysis;

namespace FastBatch.Generators.Parsing;

/// <summary>How types are written: fully qualified into generated source, short in messages.</summary>
internal static class TypeNames
{
    private static readonly SymbolDisplayFormat Qualified = SymbolDisplayFormat.FullyQualifiedFormat
        .AddMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier);

    // Names of tuple elements are not part of what an attribute can say.
    private static readonly SymbolDisplayFormat Expanded = SymbolDisplayFormat.FullyQualifiedFormat
        .AddMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.ExpandValueTuple);

    public static string InSource(ITypeSymbol type) => type.ToDisplayString(Qualified);

    public static string InMessage(ISymbol symbol) => symbol.ToDisplayString(SymbolDisplayFormat.CSharpShortErrorMessageFormat);

    /// <summary>Whether a type argument of an attribute means the type.</summary>
    public static bool AreSame(ITypeSymbol given, ITypeSymbol type) => given.ToDisplayString(Expanded) == type.ToDisplayString(Expanded);

    /// <summary>
    /// Whether rows can be made of the type. int? holds no reference either, but no type parameter constrained to unmanaged takes it.
    /// </summary>
    public static bool IsElement(this ITypeSymbol type) =>
        type.IsUnmanagedType && type.OriginalDefinition.SpecialType != SpecialType.System_Nullable_T;

    /// <summary>Whether the type is, or is made from, the named type of the named namespace.</summary>
    public static bool Is(this ITypeSymbol type, string @namespace, string metadataName) =>
        type.OriginalDefinition is INamedTypeSymbol { ContainingType: null } definition
        && definition.MetadataName == metadataName
        && definition.ContainingNamespace.ToDisplayString() == @namespace;
}
