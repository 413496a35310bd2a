using FastBatch.Atomics;
using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution;

/// <summary>
/// Watches for a method that does not return. A few times per limit it looks how long the batch has been running; from the limit on it ends
/// the requests of that batch and, where no other device runs them, those behind it, again at every look, until the run ends. It takes no row and no output from the device
/// side, which finds them as it left them, their requests decided. Invariant: a run is stalled only while it lasts, so the stall of one is
/// over, for every thread, with the store that ends it.
/// </summary>
internal sealed class StallWatch : IDisposable
{
    private const int LooksPerLimit = 4;

    private readonly PriorityLanes _lanes;
    private readonly Batcher _batcher;
    private readonly TimeSpan _limit;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Action<Func<FastBatchException?>, RequestOutcome> _endInFlight;
    private readonly Func<bool> _endsAll;

    // Of several devices each ends what it has taken itself: what another has may be answered.
    private readonly bool _waitingOnly;

    // When the batch was begun that runs now; 0 while none runs. Written by whoever has the device.
    private AtomicInt64 _run;

    // The same of the run last seen to be too long. Written by the timer.
    private AtomicInt64 _stalled;

    /// <param name="lanes">The rows.</param>
    /// <param name="batcher">Whose they are.</param>
    /// <param name="limit">How long a run may take.</param>
    /// <param name="time">The clock.</param>
    /// <param name="endInFlight">As <see cref="PriorityLanes.EndAll"/>, for requests whose rows are free already.</param>
    /// <param name="endsAll">Whether nobody else will run what waits; null if there is nobody else.</param>
    public StallWatch(
        PriorityLanes lanes, Batcher batcher, TimeSpan limit, TimeProvider time,
        Action<Func<FastBatchException?>, RequestOutcome> endInFlight, Func<bool>? endsAll = null)
    {
        (_lanes, _batcher, _limit, _time, _endInFlight) = (lanes, batcher, limit, time, endInFlight);
        _endsAll = endsAll ?? (() => IsStalled);
        _waitingOnly = endsAll is not null;
        TimeSpan period = TimeSpan.FromMilliseconds(Math.Max(1, limit.TotalMilliseconds / LooksPerLimit));

        // What flows with the calls of whoever makes the batcher is not to be kept.
        AsyncFlowControl? flow = ExecutionContext.IsFlowSuppressed() ? null : ExecutionContext.SuppressFlow();
        try
        {
            _timer = time.CreateTimer(static watch => ((StallWatch)watch!).Look(), this, period, period);
        }
        finally
        {
            flow?.Undo();
        }
    }

    /// <summary>Any thread: whether the run that goes on now is too long.</summary>
    public bool IsStalled => _stalled.Read() is var stalled && stalled != 0 && stalled == _run.Read();

    /// <summary>Device side: the method is about to be called.</summary>
    public void Begin(long now) => _run.Write(Math.Max(1, now));

    /// <summary>Device side: it has returned.</summary>
    public void End() => _run.Write(0);

    /// <summary>What a caller is told.</summary>
    public BatcherStalledException Fault() => new(_batcher.Name, _limit);

    /// <summary>By the timer.</summary>
    public void Look()
    {
        long run = _run.Read();
        if (run != 0 && _time.GetElapsedTime(run, _time.GetTimestampOr(run)) >= _limit)
        {
            _stalled.Write(run);

            // In the direction requests move.
            _lanes.EndAll(() => _endsAll() ? Fault() : null, RequestOutcome.Stalled, _batcher.Ledger, _waitingOnly);
            _endInFlight(() => IsStalled ? Fault() : null, RequestOutcome.Stalled);
        }
    }

    public void Dispose() => _timer.Dispose();
}
