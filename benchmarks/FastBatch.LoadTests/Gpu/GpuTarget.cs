using FastBatch.Devices;
using FastBatch.LoadTests.Harness;
using FastBatch.Native;

namespace FastBatch.LoadTests.Gpu;

/// <summary>Where the models run.</summary>
/// <param name="Name">"cuda:0", "cpu", or "host": the streams of a device, over the host's memory, so that all of it can be rehearsed.</param>
/// <param name="Device">For the batchers; null for the CPU.</param>
/// <param name="Modules">For the modules.</param>
internal sealed record GpuTarget(string Name, Device? Device, TorchDevice Modules)
{
    public static string[] Names => ["cuda", "cpu", "host"];

    /// <summary>By its name; ends the program where there is no such thing here.</summary>
    public static GpuTarget Of(string name)
    {
        if (!Torch.IsAvailable)
        {
            Failure.Unavailable(Torch.UnavailableReason!);
        }

        if (name != "cuda")
        {
            return new GpuTarget(name, name == "host" ? new HostDevice() : null, TorchDevice.Cpu);
        }

        if (CudaDevice.WhyMissing() is { } reason)
        {
            Failure.Unavailable(reason);
        }

        var device = new CudaDevice();
        return new GpuTarget(device.Name, device, TorchDevice.Cuda());
    }
}
