using FastBatch.Lanes;

namespace FastBatch.Execution;

/// <summary>
/// A thread of the batcher's own has the device for good: for policies that wait, and for devices that need one thread. It spins briefly
/// when it runs dry, then parks. Callers are resumed by the thread pool, unless the user asked for them to be resumed inline.
/// </summary>
internal sealed class ThreadExecutor : DeviceExecutor
{
    // About what parking and waking cost together.
    private static readonly TimeSpan IdleSpin = TimeSpan.FromMicroseconds(20);

    private readonly bool _inlineContinuations;
    private volatile bool _stopped;

    public ThreadExecutor(Batcher batcher, PriorityLanes lanes, BatcherOptions options)
        : base(batcher, lanes, options)
    {
        _inlineContinuations = options.InlineContinuations;
        new Thread(Loop) { IsBackground = true, Name = $"FastBatch {batcher.Name}" }.UnsafeStart();
    }

    protected override void Stop()
    {
        _stopped = true;
        base.Wake();
    }

    private void Loop()
    {
        try
        {
            while (!_stopped)
            {
                Serve();
            }
        }
        catch (Exception exception)
        {
            Lose(exception);
        }

        // After a loss.
        while (!_stopped)
        {
            EndLost();
            Rest();
        }
    }

    private void Serve()
    {
        Delivery? delivery = TryClose(out long until, out int rows);
        if (delivery is not null)
        {
            Run(delivery);
            if (_inlineContinuations)
            {
                DeliverInline(delivery);
            }
            else
            {
                Desk.DeliverOnPool(delivery);
            }
        }
        else if (until != 0)
        {
            Wait(until, rows);
        }
        else
        {
            Rest();
        }
    }

    private void Rest()
    {
        if (!SpinForRow(IdleSpin))
        {
            Park(long.MaxValue, rows: 1);
        }
    }
}
