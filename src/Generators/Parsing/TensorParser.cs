using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using FastBatch.Generators.Diagnostics;
using FastBatch.Generators.Specs;
using Microsoft.CodeAnalysis;

namespace FastBatch.Generators.Parsing;

/// <summary>
/// Reads what a method over tensors takes and returns: every parameter is an input, every result an output. <c>[Row]</c> gives the shape,
/// which a tensor type does not have, and <c>[Row&lt;T&gt;]</c> elements other than float.
/// </summary>
internal static class TensorParser
{
    private const string DefaultElement = "float";

    /// <summary>One parameter. Null, and a reason in the refusals, for one that cannot be served.</summary>
    public static ParameterSpec? ParseParameter(
        IParameterSymbol parameter, TensorType tensor, BatchableSettings settings, Refusals refusals)
    {
        if (parameter.Type.TypeKind == TypeKind.Error)
        {
            refusals.AddSilently();
            return null;
        }

        if (!tensor.Is(parameter.Type))
        {
            string type = TypeNames.InMessage(parameter.Type);
            if (ParameterParser.ReadSpan(parameter.Type) is not null)
            {
                refusals.Add(Descriptors.MixedFamilies, Locations.Type(parameter), parameter.Name, type, tensor.Name);
            }
            else
            {
                refusals.Add(
                    Descriptors.UnsupportedParameterType, Locations.Type(parameter), parameter.Name, type, tensor.Text.Parameters);
            }

            return null;
        }

        bool accepted = ParameterParser.CheckModifiers(parameter, refusals);
        if (!RowParser.TryFind(parameter, refusals, out AttributeData? row))
        {
            return null;
        }

        if (row is null)
        {
            refusals.Add(
                Descriptors.MissingRow,
                Locations.Type(parameter),
                $"Parameter '{parameter.Name}' is a {tensor.Name}",
                "[Row(...)] with each dimension but the batch, [Row<T>(...)] if its elements are not float, or "
                + "[Row] for one value per request");
            return null;
        }

        ParameterSpec? spec = ToSpec(parameter.Name, row, RowOwner.Of(parameter), isInput: true, tensor, settings, refusals);
        return accepted ? spec : null;
    }

    /// <summary>
    /// What the method returns, with what it is called in messages. Fewer, and a reason in the refusals, if it cannot be served.
    /// </summary>
    public static IEnumerable<(RowOwner Owner, ParameterSpec Spec)> ParseResults(
        IMethodSymbol method, TensorType tensor, BatchableSettings settings, Refusals refusals)
    {
        (RowOwner Owner, string Name)[] results = TensorType.TupleElementsOf(method.ReturnType) is { } elements
            ? [.. elements.Select((element, index) => (RowOwner.OfResult(method, element, index), NameOf(element, index)))]
            : [(RowOwner.OfResult(method), "output")];
        AttributeData[] rows = RowParser.OnReturn(method);
        if (!CheckResults(method, tensor, refusals) || !CheckRows(method, tensor, rows, results.Length, refusals))
        {
            yield break;
        }

        for (int i = 0; i < rows.Length; i++)
        {
            (RowOwner owner, string name) = results[i];
            if (ToSpec(name, rows[i], owner, isInput: false, tensor, settings, refusals) is { } spec)
            {
                yield return (owner, spec);
            }
        }
    }

    private static string NameOf(IFieldSymbol element, int index) =>
        element.IsExplicitlyNamedTupleElement ? element.Name : "output" + (index + 1).ToString(CultureInfo.InvariantCulture);

    private static bool CheckResults(IMethodSymbol method, TensorType tensor, Refusals refusals)
    {
        ITypeSymbol[] types = [.. TensorType.ResultsOf(method.ReturnType)];
        if (types.Any(static type => type.TypeKind == TypeKind.Error))
        {
            refusals.AddSilently();
            return false;
        }

        bool isByRef = method.ReturnsByRef || method.ReturnsByRefReadonly;
        if (!isByRef && types.All(tensor.Is))
        {
            return true;
        }

        string returned = (isByRef ? "ref " : "") + TypeNames.InMessage(method.ReturnType);
        refusals.Add(Descriptors.UnsupportedReturnType, Locations.ReturnType(method), method.Name, returned, tensor.Text.Returns);
        return false;
    }

    private static bool CheckRows(IMethodSymbol method, TensorType tensor, AttributeData[] rows, int results, Refusals refusals)
    {
        if (rows.Length == results)
        {
            return true;
        }

        if (rows.Length == 0)
        {
            string rest = results == 1
                ? "[return: Row(...)] with each dimension but the batch, [return: Row<T>(...)] if its elements are not float, or "
                  + "[return: Row] for one value per request"
                : "[return: Row(...), ...] with one for each, in order";
            string count = results == 1 ? "a" : $"{results} of";
            string given = $"'{method.Name}' returns {count} {tensor.Name}";
            refusals.Add(Descriptors.MissingRow, Locations.ReturnType(method), given, rest);
            return false;
        }

        Location location = rows.Length > results ? Locations.Attribute(rows[results], method) : Locations.ReturnType(method);
        refusals.Add(Descriptors.RowsOfResults, location, method.Name, results, tensor.Name, rows.Length);
        return false;
    }

    private static ParameterSpec? ToSpec(
        string name, AttributeData row, RowOwner owner, bool isInput, TensorType tensor, BatchableSettings settings, Refusals refusals)
    {
        string? element = ReadElement(row, owner, tensor, refusals);
        if (RowParser.ReadDimensions(row, owner, refusals) is not { } dimensions || element is null)
        {
            return null;
        }

        int dimension = isInput ? settings.BatchDim : settings.OutputBatchDim;
        return new ParameterSpec(name, element, isInput, IsTensor: true, dimensions, BatchDim: dimensions.Count == 0 ? 0 : dimension);
    }

    private static string? ReadElement(AttributeData row, RowOwner owner, TensorType tensor, Refusals refusals)
    {
        if (RowParser.ElementOf(row) is not { } element)
        {
            return DefaultElement;
        }

        if (tensor.HasElement(element))
        {
            return TypeNames.InSource(element);
        }

        if (element.IsElement())
        {
            refusals.Add(
                Descriptors.NotATensorElement,
                Locations.TypeArgument(row, owner.Symbol),
                TypeNames.InMessage(element),
                owner.Text,
                tensor.Name,
                tensor.ElementText);
        }
        else
        {
            // The compiler has said that it does not meet the constraint of T.
            refusals.AddSilently();
        }

        return null;
    }
}
