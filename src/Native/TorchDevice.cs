namespace FastBatch.Native;

/// <summary>Where a module's weights are and where it computes. The default is the CPU.</summary>
public readonly record struct TorchDevice
{
    private TorchDevice(int type, int index) => (Type, Index) = (type, index);

    /// <summary>The CPU.</summary>
    public static TorchDevice Cpu => default;

    /// <summary>Which of the CUDA devices; 0 for the CPU.</summary>
    public int Index { get; }

    internal int Type { get; }

    /// <summary>A CUDA device. Whether it exists shows when a module is loaded to it.</summary>
    /// <param name="index">Its number, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="index"/> is negative.</exception>
    public static TorchDevice Cuda(int index = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        return new TorchDevice(1, index);
    }

    /// <inheritdoc/>
    public override string ToString() => Type == 0 ? "cpu" : $"cuda:{Index}";
}
