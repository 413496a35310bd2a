using FastBatch;

namespace Digits;

/// <summary>The network in managed code: no native library, and the same bits for an image alone and in any batch.</summary>
public sealed class CpuEngine : IEngine
{
    private readonly DigitsNetwork _alone;
    private readonly DigitClassifier _classifier;
    private readonly DigitClassifier.ClassifyBatcher _batcher;

    /// <summary>Loads the network and starts the batcher.</summary>
    /// <param name="weights">The path of <c>digits.weights.bin</c>.</param>
    public CpuEngine(string weights)
    {
        // The network is not for several threads: the batcher has one of its own, as it would in a service.
        _alone = DigitsNetwork.Load(weights);
        _classifier = new DigitClassifier(DigitsNetwork.Load(weights));
        _batcher = _classifier.CreateClassifyBatcher();
    }

    /// <inheritdoc/>
    public string Description => "managed code";

    /// <inheritdoc/>
    public Batcher Batcher => _batcher;

    /// <inheritdoc/>
    public ReadOnlySpan<long> BatchesBySize => _classifier.BatchesBySize;

    /// <inheritdoc/>
    public void ClassifyAlone(ReadOnlySpan<float> image, Span<float> logits) => _alone.Forward(image, logits, 1);

    /// <inheritdoc/>
    public ValueTask ClassifyAsync(ReadOnlySpan<float> image, Memory<float> logits) => _batcher.SubmitAsync(image, logits);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _batcher.DisposeAsync();
}
