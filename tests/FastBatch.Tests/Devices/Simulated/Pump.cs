using FastBatch.Execution.Streams;

namespace FastBatch.Tests.Devices.Simulated;

/// <summary>
/// Drives a batcher and its simulated device on the test's own thread, callers included: each moment of the virtual clock everything is done
/// that can be done, then the clock goes on to the next. So every run is the same.
/// </summary>
internal sealed class Pump
{
    private StreamExecutor? _executor;

    public Pump() => Device = new SimulatedDevice(Clock);

    public VirtualClock Clock { get; } = new();

    public SimulatedDevice Device { get; }

    public BatcherOptions Options => new()
    {
        Device = Device,
        TimeProvider = Clock,
        InlineContinuations = true,
        Drive = executor => _executor = executor,
    };

    /// <summary>What is done at this moment.</summary>
    /// <returns>When something is to be done next; null if nothing is.</returns>
    public long? RunNow()
    {
        long until;
        while (_executor!.Step(out until, out _))
        {
        }

        long? next = Device.NextEvent;
        return until != 0 && until < (next ?? long.MaxValue) ? until : next;
    }

    /// <summary>Lets time pass until nothing more is to happen by itself.</summary>
    public void RunUntilIdle()
    {
        while (RunNow() is { } next)
        {
            Clock.AdvanceTo(next);
        }
    }

    /// <summary>Lets time pass up to a moment.</summary>
    public void RunUntil(long time)
    {
        while (RunNow() is { } next && next <= time)
        {
            Clock.AdvanceTo(next);
        }

        if (time > Clock.Now)
        {
            Clock.AdvanceTo(time);
        }
    }

    /// <summary>Ends the batcher, whose thread this is.</summary>
    public void Close(Batcher batcher)
    {
        Task closed = batcher.DisposeAsync().AsTask();
        while (!closed.IsCompleted)
        {
            RunUntilIdle();
            Thread.Yield();
        }

        closed.GetAwaiter().GetResult();
        _executor!.Close();
    }
}
