namespace FastBatch;

/// <summary>
/// Marks a method that computes on a batch. The FastBatch generator writes a typed batcher for it, which serves the method to single
/// callers: <c>Create{Method}Batcher()</c> beside the method, and <c>SubmitAsync</c> on what it returns.
/// </summary>
/// <remarks>
/// The method returns <see langword="void"/>; every parameter is an input (<see cref="ReadOnlySpan{T}"/> or
/// <c>ReadOnlyTensorSpan&lt;T&gt;</c>) or an output (<see cref="Span{T}"/> or <c>TensorSpan&lt;T&gt;</c>) over an unmanaged element type.
/// <see cref="RowAttribute"/> gives the shape of one row. The method runs on one thread at a time per batcher.
/// </remarks>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class BatchableAttribute : Attribute
{
    /// <summary>The dimension of the inputs along which requests are laid side by side. Other than 0 needs tensor spans. Default 0.</summary>
    public int BatchDim { get; set; }

    /// <summary>The same for the outputs. Default: <see cref="BatchDim"/>.</summary>
    public int OutputBatchDim { get; set; }

    /// <summary>The most rows the method is given at once. At least 1; default 64. <see cref="BatcherOptions.MaxBatchSize"/> overrides it.</summary>
    public int MaxBatchSize { get; set; } = BatcherOptions.DefaultMaxBatchSize;

    /// <summary>
    /// How long the oldest request may wait for a fuller batch, in microseconds, counted from its submission. Default 0: run as soon as
    /// the device is free. <see cref="BatcherOptions.MaxQueueDelay"/> overrides it.
    /// </summary>
    public int MaxQueueDelayMicroseconds { get; set; }

    /// <summary>The stem of the generated names, for overloaded methods. Default: the method's name.</summary>
    public string? Name { get; set; }
}
