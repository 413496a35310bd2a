namespace FastBatch.Native;

/// <summary>How a module is loaded.</summary>
public sealed record TorchScriptOptions
{
    /// <summary>Where it computes; default the CPU.</summary>
    public TorchDevice Device { get; init; }

    /// <summary>Whether weights become constants of the code (<c>torch.jit.freeze</c>); the module can no longer change them then.</summary>
    public bool Freeze { get; init; }

    /// <summary>
    /// Whether libtorch may rewrite the frozen code for inference (<c>torch.jit.optimize_for_inference</c>); includes
    /// <see cref="Freeze"/>. On the CPU it may move linear layers from the BLAS to oneDNN, so results may differ in the last bits.
    /// </summary>
    public bool OptimizeForInference { get; init; }

    internal int Flags => (Freeze ? 1 : 0) | (OptimizeForInference ? 2 : 0);
}
