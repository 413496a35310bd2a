namespace FastBatch.Generators.Parsing;

/// <summary>What a family of methods accepts, in the words of messages.</summary>
/// <param name="Parameters">As parameters.</param>
/// <param name="Input">As an input.</param>
/// <param name="Output">To have an output.</param>
/// <param name="Returns">As what is returned.</param>
/// <param name="Finished">In place of an async method.</param>
/// <param name="ReturnRow">In place of <c>[return: Row]</c> where nothing is returned.</param>
internal sealed record FamilyText(string Parameters, string Input, string Output, string Returns, string Finished, string ReturnRow)
{
    public static readonly FamilyText Spans = new(
        Parameters: "ReadOnlySpan<T> or ReadOnlyTensorSpan<T> for an input, Span<T> or TensorSpan<T> for an output",
        Input: "ReadOnlySpan<T> or ReadOnlyTensorSpan<T>",
        Output: "at least one parameter of type Span<T> or TensorSpan<T>",
        Returns: "void, with each result in a parameter of type Span<T> or TensorSpan<T>",
        Finished: "a void method that has written them when it returns",
        ReturnRow: "[Row(...)] on the parameter that it is meant for");

    public static FamilyText Of(TensorType tensor) => new(
        Parameters: $"{tensor.Name} for each input, with the results returned",
        Input: tensor.Name,
        Output: $"a method that returns {Results(tensor)}",
        Returns: Results(tensor),
        Finished: "a method that returns them",
        ReturnRow: $"a method that returns {Results(tensor)}");

    private static string Results(TensorType tensor) => $"{tensor.Name}, or a tuple of at least two of them";
}
