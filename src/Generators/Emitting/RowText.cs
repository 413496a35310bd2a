using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using FastBatch.Generators.Specs;

namespace FastBatch.Generators.Emitting;

/// <summary>Rows in the words of the generated documentation.</summary>
internal static class RowText
{
    /// <summary>"8 x 8 values (64), row-major".</summary>
    public static string Shape(NamedParameter parameter) => parameter.Spec.Row switch
    {
        { Count: 0 } => "one value",
        { Count: 1 } row => row[0] == 1 ? "1 value" : $"{Number(row[0])} values",
        { } row => $"{string.Join(" x ", row.Select(Number))} values ({Number(parameter.Spec.RowLength)}), row-major",
    };

    /// <summary>The same as a sentence of its own.</summary>
    public static string Sentence(NamedParameter parameter) => parameter.IsScalar ? "One value." : $"{Shape(parameter)}.";

    /// <summary>The parameters' names as code: "a, b and c".</summary>
    public static string Names(IReadOnlyList<NamedParameter> parameters)
    {
        string[] names = [.. parameters.Select(static parameter => $"<c>{parameter.Name}</c>")];
        return names.Length == 1 ? names[0] : $"{string.Join(", ", names.Take(names.Length - 1))} and {names[names.Length - 1]}";
    }

    public static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
