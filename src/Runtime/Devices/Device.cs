namespace FastBatch.Devices;

/// <summary>
/// Where batches compute if not on the CPU: memory of its own, and streams that work through what they are given while the CPU does
/// something else. Given to <see cref="BatcherOptions.Devices"/>; one object serves any number of batchers, each of which opens streams of its
/// own. For those who bring a backend: the batchers call it, users do not.
/// </summary>
public abstract class Device
{
    /// <summary>How people know it: "cuda:0".</summary>
    public abstract string Name { get; }

    /// <summary>
    /// Whether C# may read and write the device's memory. If not, only methods over tensors can run on it, whose elements C# never sees.
    /// </summary>
    public virtual bool IsHostMemory => false;

    /// <summary>The number of the CUDA device that it is; null if it is none.</summary>
    public virtual int? CudaIndex => null;

    /// <summary>
    /// Lets the streams copy from and to host memory by themselves. The memory is whole pages, does not move, and stays until it is
    /// unpinned. It may be pinned for other devices as well. Any thread.
    /// </summary>
    /// <param name="address">The first byte, at the beginning of a page.</param>
    /// <param name="bytes">A multiple of <see cref="Environment.SystemPageSize"/>; more than 0.</param>
    /// <exception cref="DeviceException">The device, or the machine, has no more room for that.</exception>
    public abstract void Pin(nint address, long bytes);

    /// <summary>Takes <see cref="Pin"/> back; nothing is copied any more. Any thread, that of the finalizers too. Never throws.</summary>
    /// <param name="address">As given to <see cref="Pin"/>.</param>
    public abstract void Unpin(nint address);

    /// <summary>
    /// Opens streams for one batcher. They belong to the calling thread, on which all their members are called: there, what the batcher's
    /// method computes goes to <see cref="DeviceStream.Compute"/> from now on.
    /// </summary>
    /// <exception cref="DeviceException">The device is not there, or refuses.</exception>
    public abstract DeviceStreams Open();

    /// <inheritdoc/>
    public override string ToString() => Name;
}
