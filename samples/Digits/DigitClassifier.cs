using FastBatch;

namespace Digits;

/// <summary>The model as FastBatch sees it: one method over a batch of images. This is all a user has to write.</summary>
/// <param name="network">The network that computes.</param>
public sealed partial class DigitClassifier(DigitsNetwork network)
{
    private readonly long[] _batchesBySize = new long[LargestBatch + 1];

    /// <summary>The most images that are classified together.</summary>
    public const int LargestBatch = 64;

    /// <summary>How often the network was given n images, at index n.</summary>
    public ReadOnlySpan<long> BatchesBySize => _batchesBySize;

    /// <summary>Computes the logits of a batch of images.</summary>
    /// <param name="images">8 x 8 pixels in 0..1 each.</param>
    /// <param name="logits">10 per image; the largest is the digit.</param>
    [Batchable(BatchDim = 0, MaxBatchSize = LargestBatch)]
    public void Classify([Row(DigitsNetwork.ImageLength)] ReadOnlySpan<float> images, [Row(DigitsNetwork.ClassCount)] Span<float> logits)
    {
        int count = images.Length / DigitsNetwork.ImageLength;
        _batchesBySize[count]++;
        network.Forward(images, logits, count);
    }
}
