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
    private readonly IReadOnlyList<Device> _devices;
    private readonly object _memory;
    private readonly nint _address;

    // How many of the devices it is pinned for, until one of those who unpin it does.
    private AtomicInt32 _pinned;

    public PinnedRows(IReadOnlyList<Device> devices, RowMemory memory)
    {
        _devices = devices;
        _memory = memory.Owner;
        _address = memory.Address;
        try
        {
            for (int i = 0; i < devices.Count; i++)
            {
                devices[i].Pin(memory.Address, memory.Bytes);
                _pinned.Write(i + 1);
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
        int pinned = _pinned.Exchange(0);
        for (int i = 0; i < pinned; i++)
        {
            _devices[i].Unpin(_address);
        }

        if (pinned > 0)
        {
            GC.KeepAlive(_memory);
            GC.SuppressFinalize(this);
        }
    }
}

/// <summary>Pinned memory of whole pages: what holds it, where it begins, how long it is.</summary>
internal readonly record struct RowMemory(object Owner, nint Address, long Bytes);
