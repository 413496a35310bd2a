using FastBatch;
using FastBatch.Native;

namespace Digits;

/// <summary>The same network as PyTorch exported it, run by libtorch. Tensors in and out: the rows that callers wrote are the images.</summary>
/// <param name="module">float32 [N, 64] to float32 [N, 10].</param>
public sealed partial class TorchDigitClassifier(TorchScriptModule module)
{
    private readonly long[] _batchesBySize = new long[DigitClassifier.LargestBatch + 1];

    /// <summary>How often the module was given n images, at index n.</summary>
    public ReadOnlySpan<long> BatchesBySize => _batchesBySize;

    /// <summary>Computes the logits of a batch of images.</summary>
    /// <param name="images">[N, 64]: 8 x 8 pixels in 0..1 each.</param>
    /// <returns>[N, 10]; the largest of a row is the digit.</returns>
    [Batchable(BatchDim = 0, MaxBatchSize = DigitClassifier.LargestBatch)]
    [return: Row(DigitsNetwork.ClassCount)]
    public TorchTensor Classify([Row(DigitsNetwork.ImageLength)] TorchTensor images)
    {
        _batchesBySize[images.GetLength(0)]++;
        return module.Forward(images);
    }
}
