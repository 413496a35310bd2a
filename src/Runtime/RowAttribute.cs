namespace FastBatch;

/// <summary>
/// The shape of one request's row in a parameter of a <see cref="BatchableAttribute"/> method, without the batch dimension:
/// <c>[Row(3, 224, 224)]</c>. No dimensions mean one value per request, which is also what a span without the attribute has.
/// </summary>
/// <param name="dimensions">The extent of each dimension, outermost first; each at least 1.</param>
[AttributeUsage(AttributeTargets.Parameter, Inherited = false)]
public sealed class RowAttribute(params int[] dimensions) : Attribute
{
    /// <summary>The extent of each dimension, outermost first.</summary>
    public IReadOnlyList<int> Dimensions { get; } = dimensions;
}
