using System.Runtime.ConstrainedExecution;
using FastBatch.Atomics;
using FastBatch.Devices;

namespace FastBatch.Lanes;

/// <summary>
/// Memory of the garbage collector's that a device may copy from and to. It holds on to the memory, so that it is unpinned before the
/// collector can take it: at the latest when nothing else refers to this.
/// </summary>
internal sealed class PinnedRows : CriticalFinalizerObject
{
    private readonly Device _device;
    private readonly object _memory;
    private readonly nint _address;

    // 1 until one of those who unpin it does.
    private AtomicInt32 _pinned;

    public PinnedRows(Device device, RowMemory memory)
    {
        _device = device;
        _memory = memory.Owner;
        _address = memory.Address;
        device.Pin(memory.Address, memory.Bytes);
        _pinned.Write(1);
    }

    ~PinnedRows() => Unpin();

    /// <summary>Any thread, any number of times.</summary>
    public void Unpin()
    {
        if (_pinned.Exchange(0) == 1)
        {
            _device.Unpin(_address);
            GC.KeepAlive(_memory);
            GC.SuppressFinalize(this);
        }
    }
}

/// <summary>Pinned memory of whole pages: what holds it, where it begins, how long it is.</summary>
internal readonly record struct RowMemory(object Owner, nint Address, long Bytes);
