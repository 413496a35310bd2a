using System.Collections.Immutable;
using System.Linq;
using FastBatch.Generators.Diagnostics;
using FastBatch.Generators.Specs;
using Microsoft.CodeAnalysis;

namespace FastBatch.Generators.Parsing;

/// <summary>Reads <c>[Row]</c> and <c>[Row&lt;T&gt;]</c>.</summary>
internal static class RowParser
{
    /// <summary>What a tensor span without the attribute is to be given.</summary>
    public const string Needed = "[Row(...)] with each dimension but the batch, or [Row()] for one value per request";

    /// <summary>Those on what the method returns, in order.</summary>
    public static AttributeData[] OnReturn(IMethodSymbol method) => On(method, method.GetReturnTypeAttributes());

    /// <summary>The attribute of a parameter, or null. False, and a reason in the refusals, if there are several.</summary>
    public static bool TryFind(IParameterSymbol parameter, Refusals refusals, out AttributeData? row)
    {
        AttributeData[] rows = On(parameter, parameter.GetAttributes());
        row = rows.FirstOrDefault();
        if (rows.Length > 1)
        {
            refusals.Add(Descriptors.SeveralRows, Locations.Attribute(rows[1], parameter), parameter.Name, rows.Length);
        }

        return rows.Length <= 1;
    }

    /// <summary>The T of <c>[Row&lt;T&gt;]</c>; null for <c>[Row]</c>.</summary>
    public static ITypeSymbol? ElementOf(AttributeData row) => row.AttributeClass!.TypeArguments.FirstOrDefault();

    /// <summary>The dimensions. Null, and a reason in the refusals, for those that no row can have.</summary>
    public static EquatableArray<int>? ReadDimensions(AttributeData row, RowOwner owner, Refusals refusals)
    {
        TypedConstant argument = row.ConstructorArguments.FirstOrDefault();
        ImmutableArray<TypedConstant> constants = argument.Kind == TypedConstantKind.Array && !argument.IsNull ? argument.Values : [];
        if (argument.Kind != TypedConstantKind.Array || constants.Any(static constant => constant.Kind == TypedConstantKind.Error))
        {
            refusals.AddSilently();
            return null;
        }

        int[] dimensions = [.. constants.Select(static constant => constant.Value as int? ?? 0)];
        return CheckDimensions(row, owner, dimensions, refusals) ? new EquatableArray<int>(dimensions) : null;
    }

    // A partial method has the attributes of both its parts: those of the part that callers see come first.
    private static AttributeData[] On(ISymbol owner, ImmutableArray<AttributeData> attributes) =>
    [
        .. attributes
            .Where(static attribute =>
                attribute.AttributeClass is { } type && (type.Is("FastBatch", "RowAttribute") || type.Is("FastBatch", "RowAttribute`1")))
            .OrderBy(attribute => StandsOn(attribute, owner) ? 0 : 1),
    ];

    private static bool StandsOn(AttributeData attribute, ISymbol owner) =>
        attribute.ApplicationSyntaxReference is { } syntax
        && owner.DeclaringSyntaxReferences.Any(part => part.SyntaxTree == syntax.SyntaxTree && part.Span.Contains(syntax.Span));

    private static bool CheckDimensions(AttributeData row, RowOwner owner, int[] dimensions, Refusals refusals)
    {
        bool accepted = true;
        decimal length = 1;
        for (int i = 0; i < dimensions.Length; i++)
        {
            if (dimensions[i] < 1)
            {
                Location location = Locations.ListedArgument(row, i, dimensions.Length, owner.Symbol);
                refusals.Add(Descriptors.RowDimension, location, owner.Text, i, dimensions[i]);
                accepted = false;
            }

            // Stops counting where the number would say nothing any more.
            length = length > long.MaxValue ? length : length * dimensions[i];
        }

        if (accepted && length > int.MaxValue)
        {
            string given = length > long.MaxValue ? $"more than {long.MaxValue}" : $"{length}";
            refusals.Add(Descriptors.RowTooLarge, Locations.Attribute(row, owner.Symbol), owner.Text, given, int.MaxValue);
            accepted = false;
        }

        return accepted;
    }
}
