namespace FastBatch;

/// <summary>
/// The shape of one request's row in what a <see cref="BatchableAttribute"/> method takes or returns, without the batch dimension:
/// <c>[Row(3, 224, 224)]</c>. No dimensions mean one value per request, which is also what a span without the attribute has.
/// </summary>
/// <remarks>
/// A parameter has one. A method that returns tensors has <c>[return: Row(10)]</c>, or for a tuple one for each element, in order:
/// <c>[return: Row(10), Row&lt;long&gt;]</c>. Elements are those of the span; those of a tensor, whose type does not say, are
/// <see langword="float"/>, or what <see cref="RowAttribute{T}"/> says. The generator reads these two attributes and no others that derive
/// from them.
/// </remarks>
/// <param name="dimensions">The extent of each dimension, outermost first; each at least 1.</param>
[AttributeUsage(AttributeTargets.Parameter | AttributeTargets.ReturnValue, AllowMultiple = true, Inherited = false)]
public class RowAttribute(params int[] dimensions) : Attribute
{
    /// <summary>The extent of each dimension, outermost first.</summary>
    public IReadOnlyList<int> Dimensions { get; } = dimensions;
}

/// <summary>
/// The shape of one request's row, with the type of its elements: <c>[Row&lt;long&gt;(128)]</c> for a tensor of 128 token ids per request.
/// On a span, which has an element type, it must be the same.
/// </summary>
/// <typeparam name="T">
/// The element type. Of a tensor: <see cref="byte"/>, <see cref="sbyte"/>, <see cref="short"/>, <see cref="int"/>, <see cref="long"/>,
/// <see cref="Half"/>, <see cref="float"/>, <see cref="double"/> or <see cref="bool"/>.
/// </typeparam>
/// <param name="dimensions">The extent of each dimension, outermost first; each at least 1.</param>
[AttributeUsage(AttributeTargets.Parameter | AttributeTargets.ReturnValue, AllowMultiple = true, Inherited = false)]
public sealed class RowAttribute<T>(params int[] dimensions) : RowAttribute(dimensions)
    where T : unmanaged;
