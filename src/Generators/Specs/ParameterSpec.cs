namespace FastBatch.Generators.Specs;

/// <summary>An input or an output of the method: a parameter, or a part of what it returns.</summary>
/// <param name="Name">The name: the parameter's, the tuple element's, or one made up for what is returned without a name.</param>
/// <param name="ElementType">The element type, fully qualified.</param>
/// <param name="IsInput">Read by the method, rather than written.</param>
/// <param name="IsTensor">A tensor or tensor span, which has a shape, rather than a flat span.</param>
/// <param name="Row">The shape of one request's row, without the batch dimension; empty for one value per request.</param>
/// <param name="BatchDim">Where the batch stands in the shape that the method sees.</param>
internal sealed record ParameterSpec(
    string Name,
    string ElementType,
    bool IsInput,
    bool IsTensor,
    EquatableArray<int> Row,
    int BatchDim)
{
    /// <summary>One value per request: callers pass and get it as such, not as memory.</summary>
    public bool IsScalar => Row.Count == 0;

    /// <summary>Elements in one row. The parser has refused rows that an int cannot count.</summary>
    public int RowLength
    {
        get
        {
            int length = 1;
            foreach (int dimension in Row)
            {
                length *= dimension;
            }

            return length;
        }
    }
}
