using FastBatch.Atomics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution;

/// <content>
/// Runs before the first request: batches of zero rows, so that the method has grown its memory and compiled its code, and the scheduler knows
/// what batches take. By the device side, between batches.
/// </content>
internal abstract partial class DeviceExecutor
{
    // The first run of a size is what is warmed up; the second is measured.
    private const int RunsPerSize = 2;

    private AtomicReference<TaskCompletionSource<bool>> _warmUp;

    /// <summary>Any thread, once the rows for it are reserved. The task ends when all sizes have run, or with what the method threw.</summary>
    public Task WarmUpAsync()
    {
        var warmUp = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);

        // Full fence: a device side that goes to sleep sees it, or is seen asleep here.
        if (!_warmUp.CompareExchange(null, warmUp))
        {
            throw new InvalidOperationException($"{_batcher.Name} is being warmed up already.");
        }

        Notice(WakeMark.Always);
        return warmUp.Task;
    }

    /// <summary>Any thread, once the batcher is closed: ends a warm-up that nobody may come to.</summary>
    public void AbandonWarmUp() => _warmUp.Read()?.TrySetException(new BatcherClosedException(_batcher.Name));

    /// <summary>Device side: the same, for good.</summary>
    private void ForgetWarmUp()
    {
        AbandonWarmUp();
        _warmUp.Write(null);
    }

    private bool HasWarmUp => _warmUp.Read() is not null;

    private void WarmUp()
    {
        if (_warmUp.Read() is not { } warmUp)
        {
            return;
        }

        _scheduler.Learn();
        Delivery delivery = Desk.Take();
        try
        {
            WarmUpGraphs(delivery);
            for (int rows = 1; ; rows = Math.Min(2 * rows, _scheduler.Cap))
            {
                for (int run = 0; run < RunsPerSize; run++)
                {
                    WarmUp(delivery, rows);
                }

                if (rows >= _scheduler.Cap)
                {
                    break;
                }
            }

            warmUp.TrySetResult(true);
        }
        catch (Exception exception)
        {
            warmUp.TrySetException(exception);
        }

        Desk.Return(delivery);
        _warmUp.Write(null);
    }

    /// <summary>Device side: runs a batch that nobody waits for, to its end.</summary>
    protected virtual void RunAlone(Delivery delivery) => _batcher.RunBatch(delivery.Batch);

    /// <summary>Device side: runs what has to be run before there are graphs of the method, and records them.</summary>
    protected virtual void WarmUpGraphs(Delivery delivery)
    {
    }

    /// <summary>Makes it a batch of rows of zeros that nobody waits for, with outputs.</summary>
    protected void CloseZeros(Delivery delivery, int rows)
    {
        Batch batch = delivery.Batch;
        batch.Ignore();
        batch.Close(RowPlace.Mixed, rows, Batch.NoTicket);
        Lanes.Clear(batch);
        batch.Attach(_batcher);
        _warmUpRuns++;
    }

    private void WarmUp(Delivery delivery, int rows)
    {
        CloseZeros(delivery, rows);
        long started = _time.GetTimestamp();
        _scheduler.Start(rows, started);
        bool ran = false;
        try
        {
            RunAlone(delivery);
            ran = true;
        }
        finally
        {
            _scheduler.Record(ran ? rows : 0, started, _time.GetTimestamp());
        }
    }
}
