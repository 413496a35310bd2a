using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution;

/// <content>
/// How the next batch comes to be: what waits is counted, the policy decides, rows are taken. By the device side; of several devices by the thread
/// that has the lanes. Invariant: what the policy throws is the fault of the rows it was asked about; anything else that is thrown here is a loss.
/// </content>
internal abstract partial class DeviceExecutor
{
    // Device side: those of the rows that wait; none before the first request with a deadline.
    private long[] _deadlines = [];

    /// <summary>
    /// Device side: the next batch to run, or null: then nothing waits (<paramref name="until"/> is 0) or the policy waits until a time or
    /// until <paramref name="rows"/> rows wait.
    /// </summary>
    protected Delivery? TryClose(out long until, out int rows)
    {
        if (_warmUp.IsAsked)
        {
            TakeSettings(_scheduler);
            _warmUp.RunIfAsked(delivery => _batcher.RunBatch(delivery.Batch));
        }

        return TryClose(_scheduler, 0, skips: true, out until, out rows);
    }

    /// <summary>The same, for one of several devices.</summary>
    /// <param name="scheduler">Decides, for that device.</param>
    /// <param name="deviceNumber">Which it is.</param>
    /// <param name="skips">Whether no batch is out, so that rows in front whose requests have ended may be given back at once.</param>
    /// <param name="until">When it is to be asked again.</param>
    /// <param name="rows">The rows at which it is to be asked again.</param>
    protected Delivery? TryClose(Scheduler scheduler, int deviceNumber, bool skips, out long until, out int rows)
    {
        if (Lanes.Refill(skips) is > 0 and int cancelled)
        {
            _ledger.End(RequestOutcome.Cancelled, cancelled);
        }

        TakeSettings(scheduler);
        int waiting = Lanes.CountWaiting(scheduler.Cap);
        until = 0;
        rows = 1;
        if (waiting == 0)
        {
            return null;
        }

        long now = _time.GetTimestamp();
        Delivery delivery = _spare ?? Desk.Take();
        _spare = delivery;
        BatchDecision decision = BatchDecision.Dispatch(waiting);
        long earliestDeadline = _watch.IsUsed ? Lanes.EarliestDeadline(waiting) : long.MaxValue;
        Exception? error = null;
        try
        {
            decision = Decide(scheduler, waiting, earliestDeadline, now);
        }
        catch (Exception exception)
        {
            // A policy that throws must not stop the device: those it was asked about learn of it.
            error = exception;
        }

        if (decision.Kind == BatchDecision.DecisionKind.WaitUntil)
        {
            (until, rows) = (decision.Timestamp, decision.Rows);
            (_wait, _decided) = (decision, now);
            return null;
        }

        delivery.Batch.DeviceNumber = deviceNumber;
        Lanes.Choose(decision.Rows, now);
        Close(scheduler, delivery.Batch, decision, earliestDeadline != long.MaxValue, now);
        if (error is not null)
        {
            delivery.Batch.Fail(0, delivery.Batch.Count, error);
        }

        _spare = null;
        _started = now;
        return delivery;
    }

    private void Close(Scheduler scheduler, Batch batch, BatchDecision decision, bool hasDeadlines, long now)
    {
        Observe(batch, decision.Rows);
        bool drops = decision.Kind == BatchDecision.DecisionKind.Drop;
        if (hasDeadlines && !drops)
        {
            CloseInTime(scheduler, batch, decision.Rows, now);
        }
        else
        {
            Lanes.Close(batch, decision.Rows);
        }

        batch.Fate = drops ? BatchFate.Dropped : BatchFate.Runs;
        batch.Record?.Close(batch.Count, drops, WhyNow(decision.Rows, now), now);
        _wait = default;
        if (batch.CancelledBefore > 0)
        {
            _ledger.End(RequestOutcome.Cancelled, batch.CancelledBefore);
        }
    }

    protected internal void TakeSettings(Scheduler scheduler)
    {
        // Of several devices each adopts them when it closes a batch.
        BatcherSettings settings = _batcher.Settings;
        if (scheduler.Settings != settings)
        {
            _settings = settings;
            scheduler.Adopt(settings, settings.Policy, settings.UsesEstimates, settings.MaxBatchSize);
            if (settings.Options.Overload == OverloadMode.DropOldest && Lanes.IsStriped && Lanes.TakeRoomBack() is > 0 and int cancelled)
            {
                _ledger.End(RequestOutcome.Cancelled, cancelled);
            }
        }
    }

    // Rows that would be late are not run; the pool tells their callers at once.
    private void CloseInTime(Scheduler scheduler, Batch batch, int rows, long now)
    {
        if (_deadlines.Length == 0)
        {
            _deadlines = new long[_largestBatch];
        }

        Span<long> deadlines = _deadlines.AsSpan(0, rows);
        Lanes.ReadDeadlines(deadlines);
        GuardVerdict verdict = scheduler.Guard(deadlines, OwnBacklog(scheduler, rows), now);
        (int taken, long cutoff) = verdict.Hopeless > 0 ? (verdict.Hopeless, long.MaxValue) : (verdict.Rows, verdict.Cutoff);
        if (cutoff == long.MinValue)
        {
            Lanes.Close(batch, taken);
            return;
        }

        Delivery late = Desk.Take();
        late.Batch.Ignore();
        late.Batch.CloseEmpty(BatchFate.Late);
        Lanes.Close(batch, taken, cutoff, late.Batch);
        if (late.Batch.Count == 0)
        {
            Desk.Return(late);
            return;
        }

        Desk.Announce(late);
        Desk.DeliverOnPool(late);
    }

    /// <summary>Device side: of the rows that wait, these included, how many the device that closes a batch will have to run itself.</summary>
    protected virtual int OwnBacklog(Scheduler scheduler, int rows) => Lanes.Backlog;

    // A thread that is woken comes late; and while nothing is known of the device, a row with a deadline is not to wait.
    private long LatestStart(Scheduler scheduler, long deadline, long now) => deadline == long.MaxValue ? deadline
        : scheduler.Cost.Mean(1) > 0 ? deadline - _latestWakeUp
        : now;

    private BatchDecision Decide(Scheduler scheduler, int waiting, long earliestDeadline, long now)
    {
        int resuming = Desk.Resuming;
        _decidedWhileResuming = resuming > 0;
        (long oldest, long newest) = Lanes.Enqueued(waiting);
        return scheduler.Decide(
            new QueueState(
                waiting,
                Lanes.CountedBacklog,
                Lanes.CountedSubmitted,
                oldest,
                newest,
                resuming,
                Lanes.IsClosed,
                LatestStart(scheduler, earliestDeadline, now),
                Desk.ResumingSince),
            now);
    }
}
