using FastBatch.Devices;

namespace FastBatch.Tests.Lanes;

/// <summary>A device of which only pinning is asked: keeps a list of what is pinned.</summary>
internal sealed class PinningDevice : Device
{
    private readonly Lock _gate = new();
    private readonly List<(nint Address, long Bytes)> _pinned = [];
    private int _unpinned;

    public override string Name => "pinning:0";

    public override bool IsHostMemory => IsHost;

    /// <summary>What <see cref="IsHostMemory"/> says.</summary>
    public bool IsHost { get; init; }

    /// <summary>Refuses to pin once this many are.</summary>
    public int Limit { get; set; } = int.MaxValue;

    /// <summary>What is pinned now.</summary>
    public (nint Address, long Bytes)[] Pinned
    {
        get
        {
            lock (_gate)
            {
                return [.. _pinned];
            }
        }
    }

    /// <summary>How often something was unpinned.</summary>
    public int Unpinned => Volatile.Read(ref _unpinned);

    public override void Pin(nint address, long bytes)
    {
        lock (_gate)
        {
            if (_pinned.Count >= Limit)
            {
                throw new DeviceException(DeviceFailure.Refused, "no more");
            }

            _pinned.Add((address, bytes));
        }
    }

    public override void Unpin(nint address)
    {
        lock (_gate)
        {
            _pinned.RemoveAll(memory => memory.Address == address);
            _unpinned++;
        }
    }

    public override DeviceStreams Open() => throw new NotSupportedException();
}
