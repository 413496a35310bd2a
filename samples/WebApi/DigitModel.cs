using Digits;
using FastBatch;

namespace WebApi;

/// <summary>The model as FastBatch sees it: one method over a batch of images.</summary>
/// <param name="network">The network that computes.</param>
/// <param name="batchTime">
/// What a batch takes beyond that: stands for a device that is slower than this network, so that overload can be seen on one machine.
/// </param>
public sealed partial class DigitModel(DigitsNetwork network, TimeSpan batchTime)
{
    /// <summary>Logits per image, one for each digit.</summary>
    public const int ClassCount = DigitsNetwork.ClassCount;

    private const int LargestBatch = 64;
    private readonly long[] _batches = new long[LargestBatch + 1];

    /// <summary>Loads the network; <c>Model:BatchTime</c> is what a batch takes beyond computing, none by default.</summary>
    /// <param name="configuration">The service's configuration.</param>
    public static DigitModel Load(IConfiguration configuration) => new(
        DigitsNetwork.Load(Path.Combine(AppContext.BaseDirectory, "model", "digits.weights.bin")),
        configuration.GetValue<TimeSpan>("Model:BatchTime"));

    /// <summary>Computes the logits of a batch of images.</summary>
    /// <param name="images">8 x 8 pixels in 0..1 each.</param>
    /// <param name="logits">10 per image; the largest is the digit.</param>
    [Batchable(BatchDim = 0, MaxBatchSize = LargestBatch)]
    public void Classify([Row(DigitsNetwork.ImageLength)] ReadOnlySpan<float> images, [Row(ClassCount)] Span<float> logits)
    {
        int count = images.Length / DigitsNetwork.ImageLength;
        Interlocked.Increment(ref _batches[count]);
        network.Forward(images, logits, count);
        if (batchTime > TimeSpan.Zero)
        {
            Thread.Sleep(batchTime);
        }
    }

    /// <summary>How many batches there were, by size.</summary>
    public IReadOnlyDictionary<int, long> BatchesBySize() => _batches
        .Select(static (_, size) => size)
        .Where(size => Volatile.Read(ref _batches[size]) > 0)
        .ToDictionary(static size => size, size => Volatile.Read(ref _batches[size]));
}

/// <summary>What the network sees in an image.</summary>
/// <param name="Logits">How much it looks like each digit.</param>
public sealed record Classification(float[] Logits)
{
    /// <summary>The digit it looks like most.</summary>
    public int Digit { get; } = Logits.IndexOf(Logits.Max());
}
