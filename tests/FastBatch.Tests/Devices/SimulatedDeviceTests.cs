using FastBatch.Devices;
using FastBatch.Tests.Devices.Simulated;

namespace FastBatch.Tests.Devices;

/// <summary>The simulated device notices what it is there to notice.</summary>
public sealed unsafe class SimulatedDeviceTests : IDisposable
{
    private const int Bytes = 64;

    private readonly VirtualClock _clock = new();
    private readonly SimulatedDevice _device;
    private readonly DeviceStreams _streams;
    private readonly byte[] _host = GC.AllocateArray<byte>(3 * Environment.SystemPageSize, pinned: true);
    private readonly nint _page;
    private readonly nint _memory;
    private readonly nint _copied;

    public SimulatedDeviceTests()
    {
        _device = new SimulatedDevice(_clock);
        _streams = _device.Open();
        fixed (byte* host = _host)
        {
            _page = ((nint)host + Environment.SystemPageSize - 1) / Environment.SystemPageSize * Environment.SystemPageSize;
        }

        _device.Pin(_page, Environment.SystemPageSize);
        _memory = _streams.Allocate(Bytes);
        _copied = _streams.CreateEvent();
        Row.Fill(1);
    }

    private Span<byte> Row => new((void*)_page, Bytes);

    private Span<byte> OnDevice => new((void*)_memory, Bytes);

    [Fact]
    public void A_row_that_is_written_to_before_its_copy_has_ended_arrives_changed()
    {
        StartCopy();
        Row.Fill(2);
        Finish();
        Assert.Equal(2, OnDevice[0]);
    }

    [Fact]
    public void Memory_is_garbage_while_it_is_copied_to()
    {
        Finish();
        StartCopy();
        _streams.IsDone(_copied);
        Assert.Equal(0xDB, OnDevice[0]);
        Finish();
        Assert.Equal(1, OnDevice[0]);
    }

    [Fact]
    public void An_event_happens_when_its_stream_has_got_there_and_not_before()
    {
        StartCopy();
        Assert.False(_streams.IsDone(_copied));
        Assert.NotNull(_device.NextEvent);
        _clock.AdvanceTo(_device.NextEvent!.Value);
        Assert.True(_streams.IsDone(_copied));
        Assert.Null(_device.NextEvent);
    }

    [Fact]
    public void What_is_not_pinned_or_not_reserved_is_not_copied()
    {
        Assert.ThrowsAny<Exception>(() => _streams.Copy(DeviceStream.CopyIn, _memory, _page + Environment.SystemPageSize, Bytes));
        Assert.ThrowsAny<Exception>(() => _streams.Copy(DeviceStream.CopyIn, _memory + 1, _page, Bytes));
    }

    [Fact]
    public void An_event_is_not_recorded_again_before_it_has_happened()
    {
        StartCopy();
        Assert.ThrowsAny<Exception>(() => _streams.Record(_copied, DeviceStream.CopyIn));
        Finish();
    }

    public void Dispose() => _streams.Dispose();

    private void StartCopy()
    {
        _streams.Copy(DeviceStream.CopyIn, _memory, _page, Bytes);
        _streams.Record(_copied, DeviceStream.CopyIn);
    }

    private void Finish()
    {
        _clock.AdvanceTo(_clock.Now + 1_000_000);
        _streams.IsDone(_copied);
    }
}
