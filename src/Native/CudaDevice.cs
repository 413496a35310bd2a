using FastBatch.Devices;
using FastBatch.Native.Interop;

namespace FastBatch.Native;

/// <summary>
/// An NVIDIA GPU, for <see cref="BatcherOptions.Devices"/>: batches of methods over tensors are copied there and back while others compute. The
/// method's modules are to be there too (<see cref="TorchScriptOptions.Device"/>). One object may serve any number of batchers.
/// </summary>
/// <remarks>
/// What libtorch computes on a batcher's thread goes to a stream of that batcher's; so does what TorchSharp computes there, where it uses the
/// libtorch that FastBatch's native library was built against.
/// </remarks>
/// <example>
/// <code>
/// using TorchScriptModule module = TorchScriptModule.Load("digits.pt", new() { Device = TorchDevice.Cuda(0) });
/// await using var batcher = new Digits(module).CreateClassifyBatcher(new() { Devices = [new CudaDevice(0)] });
/// </code>
/// </example>
public sealed unsafe class CudaDevice : Device
{
    // Memory that is pinned, and for how many devices. Under its own lock.
    private static readonly Dictionary<nint, int> s_pinned = [];

    private readonly int _index;

    /// <param name="index">Its number, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="index"/> is negative.</exception>
    /// <exception cref="NotSupportedException">There is no such device, or no native library, or it was built without CUDA.</exception>
    public CudaDevice(int index = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        _index = index;
        if (WhyMissing(index) is { } reason)
        {
            throw new NotSupportedException(reason);
        }
    }

    /// <inheritdoc/>
    public override string Name => $"cuda:{_index}";

    /// <inheritdoc/>
    public override int? CudaIndex => _index;

    /// <summary>Why there is no such device here, as a sentence; null if there is.</summary>
    /// <param name="index">Its number, from 0.</param>
    public static string? WhyMissing(int index = 0)
    {
        if (!Torch.IsAvailable)
        {
            return Torch.UnavailableReason;
        }

        int count = Torch.CudaDeviceCount;
        return index < count ? null
            : count == 0 ? $"There is no CUDA device to be used here: {Torch.Description}."
            : $"There is no CUDA device {index}: libtorch sees {count}.";
    }

    /// <inheritdoc/>
    public override void Pin(nint address, long bytes)
    {
        // CUDA refuses what is pinned already; once is enough for all of its devices.
        lock (s_pinned)
        {
            if (!s_pinned.TryGetValue(address, out int devices))
            {
                byte* error = stackalloc byte[NativeError.Capacity];
                CudaError.ThrowIfFailed(
                    NativeMethods.fb_cuda_pin(_index, (void*)address, bytes, error, NativeError.Capacity), error, $"{Name}, pinning {bytes} bytes");
            }

            s_pinned[address] = devices + 1;
        }
    }

    /// <inheritdoc/>
    public override void Unpin(nint address)
    {
        lock (s_pinned)
        {
            int devices = s_pinned.GetValueOrDefault(address);
            if (devices > 1)
            {
                s_pinned[address] = devices - 1;
                return;
            }

            s_pinned.Remove(address);
            _ = NativeMethods.fb_cuda_unpin(_index, (void*)address, error: null, errorCapacity: 0);
        }
    }

    /// <inheritdoc/>
    public override DeviceStreams Open() => new CudaStreams(_index);
}
