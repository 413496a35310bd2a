using Microsoft.CodeAnalysis;

namespace FastBatch.Generators.Parsing;

/// <summary>How types are written: fully qualified into generated source, short in messages.</summary>
internal static class TypeNames
{
    private static readonly SymbolDisplayFormat Qualified = SymbolDisplayFormat.FullyQualifiedFormat
        .AddMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier);

    public static string InSource(ITypeSymbol type) => type.ToDisplayString(Qualified);

    public static string InMessage(ISymbol symbol) => symbol.ToDisplayString(SymbolDisplayFormat.CSharpShortErrorMessageFormat);

    /// <summary>Whether the type is, or is made from, the named type of the named namespace.</summary>
    public static bool Is(this ITypeSymbol type, string @namespace, string metadataName) =>
        type.OriginalDefinition is INamedTypeSymbol { ContainingType: null } definition
        && definition.MetadataName == metadataName
        && definition.ContainingNamespace.ToDisplayString() == @namespace;
}
