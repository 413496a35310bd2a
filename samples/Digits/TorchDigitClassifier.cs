using FastBatch;
using FastBatch.Native;

namespace Digits;

/// <summary>The same network as PyTorch exported it, run by libtorch.</summary>
/// <param name="module">float32 [N, 64] to float32 [N, 10].</param>
public sealed partial class TorchDigitClassifier(TorchScriptModule module)
{
    private readonly long[] _batchesBySize = new long[DigitClassifier.LargestBatch + 1];

    /// <summary>How often the module was given n images, at index n.</summary>
    public ReadOnlySpan<long> BatchesBySize => _batchesBySize;

    /// <summary>Computes the logits of a batch of images.</summary>
    /// <param name="images">8 x 8 pixels in 0..1 each.</param>
    /// <param name="logits">10 per image; the largest is the digit.</param>
    [Batchable(BatchDim = 0, MaxBatchSize = DigitClassifier.LargestBatch)]
    public void Classify([Row(DigitsNetwork.ImageLength)] ReadOnlySpan<float> images, [Row(DigitsNetwork.ClassCount)] Span<float> logits)
    {
        int count = images.Length / DigitsNetwork.ImageLength;
        _batchesBySize[count]++;
        using TorchScope scope = TorchScope.Enter();
        TorchTensor output = module.Forward(scope.Borrow(images, [count, DigitsNetwork.ImageLength])); // the batcher's rows are pinned
        output.CopyTo(logits, [count, DigitsNetwork.ClassCount]);
    }
}
