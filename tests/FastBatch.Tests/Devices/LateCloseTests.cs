using FastBatch.Devices;
using FastBatch.Tests.Devices.Simulated;

namespace FastBatch.Tests.Devices;

/// <summary>When batches for a busy device close, in virtual time.</summary>
public class LateCloseTests
{
    private const long Microsecond = 1000;

    private readonly Pump _pump = new();
    private readonly Echo.PairBatcher _batcher;
    private readonly List<int> _sizes = [];

    public LateCloseTests()
    {
        _pump.Device.CopyIn = new LinearCost(10 * Microsecond, 0);
        _pump.Device.Compute = new LinearCost(100 * Microsecond, 0);
        _pump.Device.CopyOut = new LinearCost(10 * Microsecond, 0);
        _batcher = new Echo(_sizes.Add).CreatePairBatcher(_pump.Options);

        // So that what stages take is known.
        for (int i = 0; i < 60; i++)
        {
            Requests.SubmitAll(_batcher, 1 + (i % 5));
            _pump.RunUntilIdle();
        }

        _sizes.Clear();
        _pump.Device.Streams[0].History.Clear();
    }

    [Fact]
    public void An_idle_device_gets_what_there_is_at_once()
    {
        Task<Exception?> request = Requests.Submit(_batcher, 1);
        long submitted = _pump.Clock.Now;
        _pump.RunUntilIdle();
        Requests.AssertAnswered([request]);
        Assert.Equal(submitted + (120 * Microsecond), _pump.Clock.Now);
    }

    [Fact]
    public void Rows_join_until_they_must_be_copied_and_the_device_is_never_idle()
    {
        long start = _pump.Clock.Now;
        var requests = new List<Task<Exception?>> { Requests.Submit(_batcher, 1) };
        foreach (int at in (int[])[20, 50, 90])
        {
            _pump.RunUntil(start + (at * Microsecond));
            requests.Add(Requests.Submit(_batcher, 10 + at));
        }

        _pump.RunUntilIdle();
        Requests.AssertAnswered(requests);

        // The first computes from 10 to 110: what comes by 100 less a margin is copied in the meantime.
        Assert.Equal([1, 3], _sizes);
        var runs = _pump.Device.Streams[0].History.Where(static stage => stage.Stream == DeviceStream.Compute).ToList();
        Assert.Equal(runs[0].Ended, runs[1].Began);
    }

    [Fact]
    public void A_full_batch_does_not_wait()
    {
        long start = _pump.Clock.Now;
        var requests = new List<Task<Exception?>> { Requests.Submit(_batcher, 1) };
        _pump.RunUntil(start + (20 * Microsecond));
        requests.AddRange(Requests.SubmitAll(_batcher, 16));
        _pump.RunUntilIdle();
        Requests.AssertAnswered(requests);
        var copies = _pump.Device.Streams[0].History.Where(static stage => stage.Stream == DeviceStream.CopyIn).ToList();
        Assert.Equal(start + (20 * Microsecond), copies[1].Began);
    }

    [Fact]
    public async Task A_closed_batcher_waits_for_no_more_rows()
    {
        long start = _pump.Clock.Now;
        var requests = new List<Task<Exception?>> { Requests.Submit(_batcher, 1) };
        _pump.RunUntil(start + (20 * Microsecond));
        requests.Add(Requests.Submit(_batcher, 2));
        Task closed = _batcher.DisposeAsync().AsTask();
        _pump.RunUntilIdle();
        Requests.AssertAnswered(requests);
        var copies = _pump.Device.Streams[0].History.Where(static stage => stage.Stream == DeviceStream.CopyIn).ToList();
        Assert.Equal(start + (20 * Microsecond), copies[1].Began);
        await closed;
    }
}
