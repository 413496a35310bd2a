using FastBatch.Atomics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution;

/// <summary>
/// Runs before the first request: batches of zero rows, so that the method has grown its memory and compiled its code, and the scheduler knows
/// what batches take. Asked for by any thread, done by that of the device, between batches.
/// </summary>
/// <param name="batcher">Whose method it is.</param>
/// <param name="lanes">The rows; those for this are reserved.</param>
/// <param name="desk">Where deliveries come from.</param>
/// <param name="scheduler">Learns what the runs took.</param>
/// <param name="deviceNumber">Which of the batcher's devices it is for.</param>
internal sealed class WarmUp(Batcher batcher, PriorityLanes lanes, DeliveryDesk desk, Scheduler scheduler, int deviceNumber = 0)
{
    // The first run of a size is what is warmed up; the second is measured.
    private const int RunsPerSize = 2;

    private AtomicReference<TaskCompletionSource<WarmUpReport>> _asked;

    // Device side: what has run.
    private int _batches;
    private long _rows;

    /// <summary>Any thread: whether somebody waits for it.</summary>
    public bool IsAsked => _asked.Read() is not null;

    /// <summary>Any thread. The task ends when all sizes have run, or with what the method threw. Whoever sleeps is to be woken.</summary>
    public Task<WarmUpReport> Ask()
    {
        var asked = new TaskCompletionSource<WarmUpReport>(TaskCreationOptions.RunContinuationsAsynchronously);

        // Full fence: a device side that goes to sleep sees it, or is seen asleep by whoever wakes it next.
        if (!_asked.CompareExchange(null, asked))
        {
            throw AlreadyAsked();
        }

        return asked.Task;
    }

    /// <summary>What whoever asks meanwhile is told.</summary>
    public InvalidOperationException AlreadyAsked() => new($"{batcher.Name} is being warmed up already.");

    /// <summary>Any thread: ends one that nobody may come to.</summary>
    public void Abandon(Exception reason) => _asked.Read()?.TrySetException(reason);

    /// <summary>Device side, when nothing is run any more: ends it, whoever asked for it, and has done with it.</summary>
    public void Forget(Exception reason)
    {
        Abandon(reason);
        _asked.Write(null);
    }

    /// <summary>Device side: runs all sizes, if somebody asked for it.</summary>
    /// <param name="runAlone">Runs a batch that nobody waits for, to its end.</param>
    /// <param name="prepare">What is to be done before, with batches of <see cref="CloseZeros"/>.</param>
    public void RunIfAsked(Action<Delivery> runAlone, Action<Delivery>? prepare = null)
    {
        if (_asked.Read() is not { } asked)
        {
            return;
        }

        scheduler.Learn();
        TimeProvider time = batcher.Options.TimeProvider;
        Delivery delivery = desk.Take();
        WarmUpReport report = default;
        Exception? failure = null;
        try
        {
            (_batches, _rows) = (0, 0);
            long started = time.GetTimestamp();
            prepare?.Invoke(delivery);
            for (int rows = 1; ; rows = Math.Min(2 * rows, scheduler.Cap))
            {
                for (int run = 0; run < RunsPerSize; run++)
                {
                    Run(delivery, rows, time, runAlone);
                }

                if (rows >= scheduler.Cap)
                {
                    break;
                }
            }

            report = new WarmUpReport(_batches, _rows, time.GetElapsedTime(started));
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        // In this order: whoever sees it end may ask for the next.
        desk.Return(delivery);
        _asked.Write(null);
        if (failure is null)
        {
            asked.TrySetResult(report);
        }
        else
        {
            asked.TrySetException(failure);
        }
    }

    /// <summary>Device side: makes it a batch of rows of zeros that nobody waits for, with outputs.</summary>
    public void CloseZeros(Delivery delivery, int rows)
    {
        Batch batch = delivery.Batch;
        batch.Ignore();
        batch.DeviceNumber = deviceNumber;
        batch.Close(lanes.MixedRow(deviceNumber), rows, Batch.NoTicket);
        lanes.Clear(batch);
        batch.Attach(batcher);
        (_batches, _rows) = (_batches + 1, _rows + rows);
    }

    private void Run(Delivery delivery, int rows, TimeProvider time, Action<Delivery> runAlone)
    {
        CloseZeros(delivery, rows);
        long started = time.GetTimestamp();
        scheduler.Start(rows, started);
        bool ran = false;
        try
        {
            runAlone(delivery);
            ran = true;
        }
        finally
        {
            scheduler.Record(ran ? rows : 0, started, time.GetTimestamp());
        }
    }
}
