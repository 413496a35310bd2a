using FastBatch;

namespace Digits;

/// <summary>What computes: the same network, for one image on the caller's own thread and for many clients through a batcher.</summary>
public interface IEngine : IAsyncDisposable
{
    /// <summary>For people to read.</summary>
    string Description { get; }

    /// <summary>The batcher, to be observed.</summary>
    Batcher Batcher { get; }

    /// <summary>How often the network was given n images at once, at index n.</summary>
    ReadOnlySpan<long> BatchesBySize { get; }

    /// <summary>Computes the logits of one image, without a batcher. One thread at a time.</summary>
    /// <param name="image">[64] pixels in 0..1.</param>
    /// <param name="logits">[10], overwritten; the largest is at the digit.</param>
    void ClassifyAlone(ReadOnlySpan<float> image, Span<float> logits);

    /// <summary>The same through the batcher, for any number of callers.</summary>
    /// <param name="image">[64] pixels in 0..1; it may change once the call has returned.</param>
    /// <param name="logits">[10], overwritten when the task completes.</param>
    /// <returns>Await it once.</returns>
    ValueTask ClassifyAsync(ReadOnlySpan<float> image, Memory<float> logits);
}
