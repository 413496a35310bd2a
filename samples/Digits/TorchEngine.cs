using FastBatch;
using FastBatch.Native;

namespace Digits;

/// <summary>The network in libtorch. Needs the native library: <c>bash eng/build-native.sh</c>.</summary>
public sealed class TorchEngine : IEngine
{
    private readonly TorchScriptModule _module;
    private readonly TorchDigitClassifier _classifier;
    private readonly TorchDigitClassifier.ClassifyBatcher _batcher;

    /// <summary>Loads the network and starts the batcher.</summary>
    /// <param name="module">The path of <c>digits.pt</c>.</param>
    /// <param name="onCuda">On the first CUDA device, instead of the CPU.</param>
    /// <exception cref="DllNotFoundException">The native library or libtorch is not there; the message says what to do.</exception>
    public TorchEngine(string module, bool onCuda = false)
    {
        // One batch is too little work for several threads, and the clients need some.
        Torch.Threads = 1;
        _module = TorchScriptModule.Load(module, new TorchScriptOptions { Device = onCuda ? TorchDevice.Cuda() : TorchDevice.Cpu });
        _classifier = new TorchDigitClassifier(_module);
        _batcher = _classifier.CreateClassifyBatcher(new BatcherOptions { Devices = onCuda ? [new CudaDevice()] : [] });
    }

    /// <inheritdoc/>
    public string Description => $"{Torch.Description}, {Torch.Threads} thread";

    /// <inheritdoc/>
    public Batcher Batcher => _batcher;

    /// <inheritdoc/>
    public ReadOnlySpan<long> BatchesBySize => _classifier.BatchesBySize;

    /// <inheritdoc/>
    public void ClassifyAlone(ReadOnlySpan<float> image, Span<float> logits)
    {
        using TorchScope scope = TorchScope.Enter();
        TorchTensor output = _module.Forward(scope.Copy(image, [1, DigitsNetwork.ImageLength]));
        output.CopyTo(logits, [1, DigitsNetwork.ClassCount]);
    }

    /// <inheritdoc/>
    public ValueTask ClassifyAsync(ReadOnlySpan<float> image, Memory<float> logits) => _batcher.SubmitAsync(image, logits);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _batcher.DisposeAsync();
        _module.Dispose();
    }
}
