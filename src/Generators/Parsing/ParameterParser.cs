using System.Collections.Immutable;
using System.Linq;
using FastBatch.Generators.Diagnostics;
using FastBatch.Generators.Specs;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastBatch.Generators.Parsing;

/// <summary>Reads one parameter. Null, and a reason in the refusals, for one that cannot be served.</summary>
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
            refusals.Add(Descriptors.UnsupportedParameterType, Locations.Type(parameter), parameter.Name, type);
            return null;
        }

        bool accepted = CheckModifiers(parameter, refusals) & CheckElement(parameter, element, refusals);
        if (ReadRow(parameter, isTensor, refusals) is not { } row || !accepted)
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

    private static (ITypeSymbol Element, bool IsInput, bool IsTensor)? ReadSpan(ITypeSymbol type)
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

    private static bool CheckModifiers(IParameterSymbol parameter, Refusals refusals)
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

        // int? holds no reference either, but no type parameter constrained to unmanaged takes it.
        bool isNullable = element.OriginalDefinition.SpecialType == SpecialType.System_Nullable_T;
        if (!element.IsUnmanagedType || isNullable)
        {
            refusals.Add(Descriptors.ElementNotUnmanaged, Locations.ElementType(parameter), parameter.Name, TypeNames.InMessage(element));
            return false;
        }

        return true;
    }

    private static EquatableArray<int>? ReadRow(IParameterSymbol parameter, bool isTensor, Refusals refusals)
    {
        AttributeData? attribute = parameter.GetAttributes().FirstOrDefault(
            static candidate => candidate.AttributeClass is { } type && type.Is("FastBatch", "RowAttribute"));
        if (attribute is null)
        {
            if (!isTensor)
            {
                return new EquatableArray<int>();
            }

            refusals.Add(Descriptors.MissingRow, Locations.Type(parameter), parameter.Name);
            return null;
        }

        TypedConstant argument = attribute.ConstructorArguments.FirstOrDefault();
        ImmutableArray<TypedConstant> constants = argument.Kind == TypedConstantKind.Array && !argument.IsNull ? argument.Values : [];
        if (argument.Kind != TypedConstantKind.Array || constants.Any(static constant => constant.Kind == TypedConstantKind.Error))
        {
            refusals.AddSilently();
            return null;
        }

        int[] dimensions = [.. constants.Select(static constant => constant.Value as int? ?? 0)];
        return CheckDimensions(parameter, attribute, dimensions, refusals);
    }

    private static EquatableArray<int>? CheckDimensions(
        IParameterSymbol parameter, AttributeData attribute, int[] dimensions, Refusals refusals)
    {
        bool accepted = true;
        decimal length = 1;
        for (int i = 0; i < dimensions.Length; i++)
        {
            if (dimensions[i] < 1)
            {
                Location location = Locations.ListedArgument(attribute, i, dimensions.Length, parameter);
                refusals.Add(Descriptors.RowDimension, location, parameter.Name, i, dimensions[i]);
                accepted = false;
            }

            // Stops counting where the number would say nothing any more.
            length = length > long.MaxValue ? length : length * dimensions[i];
        }

        if (accepted && length > int.MaxValue)
        {
            string given = length > long.MaxValue ? $"more than {long.MaxValue}" : $"{length}";
            refusals.Add(Descriptors.RowTooLarge, Locations.Attribute(attribute, parameter), parameter.Name, given, int.MaxValue);
            accepted = false;
        }

        return accepted ? new EquatableArray<int>(dimensions) : null;
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
