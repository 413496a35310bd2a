using FastBatch.Generators.Diagnostics;
using FastBatch.Generators.Specs;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastBatch.Generators.Parsing;

/// <summary>Reads one parameter of a method over spans. Null, and a reason in the refusals, for one that cannot be served.</summary>
internal static class ParameterParser
{
    public static ParameterSpec? Parse(IParameterSymbol parameter, BatchableSettings settings, Refusals refusals)
    {
        if (parameter.Type.TypeKind == TypeKind.Error)
        {
            refusals.AddSilently();
            return null;
        }

        if (ReadSpan(parameter.Type) is not (var element, var isInput, var isTensor))
        {
            string type = TypeNames.InMessage(parameter.Type);
            refusals.Add(
                Descriptors.UnsupportedParameterType, Locations.Type(parameter), parameter.Name, type, FamilyText.Spans.Parameters);
            return null;
        }

        bool accepted = CheckModifiers(parameter, refusals) & CheckElement(parameter, element, refusals);
        if (ReadRow(parameter, element, isTensor, refusals) is not { } row || !accepted)
        {
            return null;
        }

        int dimension = isInput ? settings.BatchDim : settings.OutputBatchDim;
        if (dimension > 0 && !isTensor && row.Count > 0)
        {
            RefuseFlatSpan(parameter, element, isInput, dimension, settings, refusals);
            return null;
        }

        return new ParameterSpec(
            parameter.Name,
            TypeNames.InSource(element),
            isInput,
            isTensor,
            row,

            // Of single values the batch is the only dimension.
            BatchDim: row.Count == 0 ? 0 : dimension);
    }

    /// <summary>What a span is made of and for; null for any other type.</summary>
    public static (ITypeSymbol Element, bool IsInput, bool IsTensor)? ReadSpan(ITypeSymbol type)
    {
        if (type is not INamedTypeSymbol { TypeArguments.Length: 1 } named)
        {
            return null;
        }

        ITypeSymbol element = named.TypeArguments[0];
        return type.Is("System", "ReadOnlySpan`1") ? (element, true, false)
            : type.Is("System.Numerics.Tensors", "ReadOnlyTensorSpan`1") ? (element, true, true)
            : type.Is("System", "Span`1") ? (element, false, false)
            : type.Is("System.Numerics.Tensors", "TensorSpan`1") ? (element, false, true)
            : null;
    }

    /// <summary>Refuses a parameter that is not passed plainly.</summary>
    public static bool CheckModifiers(IParameterSymbol parameter, Refusals refusals)
    {
        if (parameter.RefKind != RefKind.None)
        {
            string passed = parameter.RefKind switch
            {
                RefKind.Out => "out",
                RefKind.In => "in",
                RefKind.RefReadOnlyParameter => "ref readonly",
                _ => "ref",
            };
            Location location = Locations.Modifier(parameter, SyntaxKind.RefKeyword, SyntaxKind.InKeyword, SyntaxKind.OutKeyword);
            refusals.Add(Descriptors.ParameterModifier, location, parameter.Name, $"passed by '{passed}'");
            return false;
        }

        if (parameter.IsParams)
        {
            refusals.Add(
                Descriptors.ParameterModifier, Locations.Modifier(parameter, SyntaxKind.ParamsKeyword), parameter.Name, "marked 'params'");
            return false;
        }

        if (parameter.IsOptional)
        {
            refusals.Add(Descriptors.ParameterModifier, Locations.Default(parameter), parameter.Name, "optional");
            return false;
        }

        return true;
    }

    private static bool CheckElement(IParameterSymbol parameter, ITypeSymbol element, Refusals refusals)
    {
        if (element.TypeKind == TypeKind.Error)
        {
            refusals.AddSilently();
            return false;
        }

        if (!element.IsElement())
        {
            refusals.Add(Descriptors.ElementNotUnmanaged, Locations.ElementType(parameter), parameter.Name, TypeNames.InMessage(element));
            return false;
        }

        return true;
    }

    private static EquatableArray<int>? ReadRow(IParameterSymbol parameter, ITypeSymbol element, bool isTensor, Refusals refusals)
    {
        if (!RowParser.TryFind(parameter, refusals, out AttributeData? row))
        {
            return null;
        }

        if (row is not null)
        {
            bool agrees = CheckAgreement(parameter, element, row, refusals);
            EquatableArray<int>? dimensions = RowParser.ReadDimensions(row, RowOwner.Of(parameter), refusals);
            return agrees ? dimensions : null;
        }

        if (!isTensor)
        {
            return new EquatableArray<int>();
        }

        refusals.Add(Descriptors.MissingRow, Locations.Type(parameter), $"Parameter '{parameter.Name}' is a tensor span", RowParser.Needed);
        return null;
    }

    // A span has its element type; [Row<T>] may repeat it.
    private static bool CheckAgreement(IParameterSymbol parameter, ITypeSymbol element, AttributeData row, Refusals refusals)
    {
        if (RowParser.ElementOf(row) is not { } given || TypeNames.AreSame(given, element))
        {
            return true;
        }

        if (given.IsElement() && element.TypeKind != TypeKind.Error)
        {
            refusals.Add(
                Descriptors.RowDisagrees,
                Locations.TypeArgument(row, parameter),
                TypeNames.InMessage(given),
                parameter.Name,
                TypeNames.InMessage(element));
        }
        else
        {
            refusals.AddSilently();
        }

        return false;
    }

    private static void RefuseFlatSpan(
        IParameterSymbol parameter, ITypeSymbol element, bool isInput, int dimension, BatchableSettings settings, Refusals refusals)
    {
        string argument = settings.DimensionArgument(isInput);
        string tensor = $"{(isInput ? "ReadOnlyTensorSpan" : "TensorSpan")}<{TypeNames.InMessage(element)}>";
        refusals.Add(
            Descriptors.FlatSpanNotAtFront,
            Locations.Type(parameter),
            argument,
            dimension,
            parameter.Name,
            tensor,
            isInput ? "BatchDim = 0" : "OutputBatchDim = 0");
    }
}
