using FastBatch;

namespace Digits;

/// <summary>The same network as PyTorch exported it, run by TorchSharp.</summary>
/// <param name="path">The path of <c>digits.pt</c>.</param>
public sealed partial class DigitScript(string path) : IDisposable
{
    private readonly torch.jit.ScriptModule<Tensor, Tensor> _module = torch.jit.load<Tensor, Tensor>(path);

    /// <summary>Computes the logits of a batch of images.</summary>
    /// <param name="images">[N, 64]: 8 x 8 pixels in 0..1 each.</param>
    /// <returns>[N, 10]: the largest is the digit.</returns>
    [Batchable(MaxBatchSize = 64)]
    [return: Row(DigitsNetwork.ClassCount)]
    public Tensor Classify([Row(DigitsNetwork.ImageLength)] Tensor images) => _module.call(images);

    /// <inheritdoc/>
    public void Dispose() => _module.Dispose();
}
