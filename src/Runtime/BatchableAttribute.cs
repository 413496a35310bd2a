namespace FastBatch;

/// <summary>
/// Marks a method that computes on a batch. The FastBatch generator writes a typed batcher for it, which serves the method to single
/// callers: <c>Create{Method}Batcher()</c> beside the method, and <c>SubmitAsync</c> on what it returns.
/// </summary>
/// <remarks>
/// <para>
/// A method is of one of these families:
/// <list type="bullet">
/// <item><description>
/// Over spans: it returns <see langword="void"/>; every parameter is an input (<see cref="ReadOnlySpan{T}"/> or
/// <c>ReadOnlyTensorSpan&lt;T&gt;</c>) or an output (<see cref="Span{T}"/> or <c>TensorSpan&lt;T&gt;</c>) of any unmanaged element type.
/// </description></item>
/// <item><description>
/// Over <c>FastBatch.Native.TorchTensor</c>: every parameter is a tensor and an input; the outputs are returned, as one tensor or as a
/// tuple of at least two, whose names they have. The inputs lie in the callers' rows. No tensor is to be kept: they end with the batch.
/// </description></item>
/// </list>
/// </para>
/// <para>
/// <see cref="RowAttribute"/> gives the shape of one row, which a tensor must have, and <see cref="RowAttribute{T}"/> also the element
/// type. The method runs on one thread at a time per batcher.
/// </para>
/// </remarks>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class BatchableAttribute : Attribute
{
    /// <summary>
    /// The dimension of the inputs along which requests are laid side by side. Other than 0 needs tensors or tensor spans. Default 0.
    /// </summary>
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

    /// <summary>
    /// How long callers want their answers, in microseconds, counted from submission. Default 0: for as long as it takes.
    /// <see cref="BatcherOptions.Deadline"/> overrides it.
    /// </summary>
    public int DeadlineMicroseconds { get; set; }

    /// <summary>
    /// Whether batches run as CUDA graphs where they run on a device that has them; see <see cref="BatcherOptions.UseCudaGraphs"/>, which
    /// overrides it. Default false.
    /// </summary>
    public bool UseCudaGraphs { get; set; }

    /// <summary>The stem of the generated names, for overloaded methods. Default: the method's name.</summary>
    public string? Name { get; set; }
}
