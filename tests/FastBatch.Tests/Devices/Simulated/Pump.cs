using FastBatch.Execution.Streams;

namespace FastBatch.Tests.Devices.Simulated;

/// <summary>
/// Drives a batcher and its simulated device on the test's own thread, callers included: each moment of the virtual clock everything is done
/// that can be done, then the clock goes on to the next. So every run is the same.
/// </summary>
internal sealed class Pump
{
    private StreamExecutor? _executor;

    public Pump(int devices = 1) => Devices = [.. Enumerable.Range(0, devices).Select(number => new SimulatedDevice(Clock, number))];

    public VirtualClock Clock { get; } = new();

    public SimulatedDevice[] Devices { get; }

    /// <summary>The first of them.</summary>
    public SimulatedDevice Device => Devices[0];

    /// <summary>Of the batcher that was made with <see cref="Options"/>.</summary>
    public StreamExecutor Executor => _executor!;

    public BatcherOptions Options => new()
    {
        Devices = Devices,
        TimeProvider = Clock,
        InlineContinuations = true,
        Drive = executor => _executor = executor,
    };

    /// <summary>What is done at this moment.</summary>
    /// <returns>When something is to be done next; null if nothing is.</returns>
    public long? RunNow()
    {
        long next = long.MaxValue;
        for (bool goesOn = true; goesOn;)
        {
            goesOn = false;
            next = long.MaxValue;
            foreach (DeviceLine line in _executor!.Lines)
            {
                int holder = _executor.Holder;
                goesOn |= line.Step(out long until, out _) || _executor.Holder != holder;
                next = until != 0 ? Math.Min(next, until) : next;
            }
        }

        next = Math.Min(next, Devices.Min(static device => device.NextEvent) ?? long.MaxValue);
        return next == long.MaxValue ? null : next;
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
        foreach (DeviceLine line in _executor!.Lines)
        {
            line.Close();
        }
    }
}
