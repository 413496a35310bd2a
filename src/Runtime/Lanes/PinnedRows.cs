using System.Runtime.ConstrainedExecution;
using FastBatch.Atomics;
using FastBatch.Devices;

namespace FastBatch.Lanes;

/// <summary>
/// Memory of the garbage collector's that devices may copy from and to. It holds on to the memory, so that it is unpinned before the
/// collector can take it: at the latest when nothing else refers to this.
/// </summary>
internal sealed class PinnedRows : CriticalFinalizerObject
{
    private readonly List<Device> _devices = [];
    private readonly object _memory;
    private readonly nint _address;

    // 1 until one of those who unpin it does.
    private AtomicInt32 _isPinned = new(1);

    /// <exception cref="DeviceException">It cannot be pinned. Of several devices one that is lost is passed over: it copies nothing any more.</exception>
    public PinnedRows(IReadOnlyList<Device> devices, RowMemory memory)
    {
        _memory = memory.Owner;
        _address = memory.Address;
        _devices.EnsureCapacity(devices.Count);
        try
        {
            foreach (Device device in devices)
            {
                try
                {
                    device.Pin(memory.Address, memory.Bytes);
                    _devices.Add(device);
                }
                catch (DeviceException exception) when (exception.Failure == DeviceFailure.Lost && devices.Count > 1)
                {
                }
            }
        }
        catch
        {
            Unpin();
            throw;
        }
    }

    ~PinnedRows() => Unpin();

    /// <summary>Any thread, any number of times.</summary>
    public void Unpin()
    {
        if (_isPinned.Exchange(0) == 1)
        {
            _devices.ForEach(device => device.Unpin(_address));
            GC.KeepAlive(_memory);
            GC.SuppressFinalize(this);
        }
    }
}

/// <summary>Pinned memory of whole pages: what holds it, where it begins, how long it is.</summary>
internal readonly record struct RowMemory(object Owner, nint Address, long Bytes);
