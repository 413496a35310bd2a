using Microsoft.CodeAnalysis;

namespace FastBatch.Generators.Parsing;

/// <summary>What a <c>[Row]</c> is for: a parameter, or a tensor that is returned.</summary>
/// <param name="Symbol">What the attribute stands on.</param>
/// <param name="Text">What it is called in messages.</param>
internal sealed record RowOwner(ISymbol Symbol, string Text)
{
    public static RowOwner Of(IParameterSymbol parameter) => new(parameter, $"parameter '{parameter.Name}'");

    /// <summary>The only thing that a method returns.</summary>
    public static RowOwner OfResult(IMethodSymbol method) => new(method, "the result");

    /// <summary>An element of the tuple that a method returns.</summary>
    public static RowOwner OfResult(IMethodSymbol method, IFieldSymbol element, int index) =>
        new(method, element.IsExplicitlyNamedTupleElement ? $"result '{element.Name}'" : $"result {index + 1}");
}
