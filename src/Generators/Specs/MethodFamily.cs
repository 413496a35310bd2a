namespace FastBatch.Generators.Specs;

/// <summary>
/// What methods take and return. Batchers of all families look the same to their callers; they differ in how a batch is run.
/// </summary>
internal enum MethodFamily
{
    /// <summary>Spans and tensor spans: inputs are read, outputs are written, nothing is returned.</summary>
    Spans,

    /// <summary>FastBatch.Native's TorchTensor: parameters are inputs, what is returned are the outputs.</summary>
    NativeTensors,

    /// <summary>TorchSharp's Tensor: parameters are inputs, what is returned are the outputs.</summary>
    TorchSharpTensors,
}
