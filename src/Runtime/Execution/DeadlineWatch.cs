using FastBatch.Atomics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution;

/// <summary>
/// Ends requests whose deadline has passed while the device was busy with others, or with them: a look over the rows every 10 ms, while
/// there are any with a deadline. The device side drops those it comes to itself. Invariant: while a row that may have a deadline is
/// claimed and not released, the watch is on.
/// </summary>
/// <param name="lanes">The rows.</param>
/// <param name="batcher">Whose they are.</param>
/// <param name="time">The clock.</param>
internal sealed class DeadlineWatch(PriorityLanes lanes, Batcher batcher, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(10);

    private readonly Lock _gate = new();
    private ITimer? _timer;
    private bool _disposed;

    // Whether any row ever had a deadline.
    private volatile bool _isUsed;

    // 1 while the timer runs.
    private AtomicInt32 _on;

    /// <summary>Whether rows may have deadlines. Any thread.</summary>
    public bool IsUsed => _isUsed;

    /// <summary>Caller side, before it claims a row for a request with a deadline.</summary>
    public void Use()
    {
        // Before the claim, which must be followed by a publish: all that can fail.
        Set(Timeout.InfiniteTimeSpan);
        _isUsed = true;
    }

    /// <summary>
    /// Caller side, after it has claimed a row for a request with a deadline. A claim is a full fence, and so is turning the watch off: either
    /// this sees it off, or the look that follows sees the claim.
    /// </summary>
    public void TurnOn()
    {
        if (_on.Read() == 0 && _on.Exchange(1) == 0)
        {
            Set(Period);
        }
    }

    /// <summary>The timer, one at a time: ends what is late.</summary>
    public void Look()
    {
        if (lanes.Expire(time.GetTimestampOr(long.MinValue), batcher.Name, batcher.Ledger))
        {
            return;
        }

        Set(Timeout.InfiniteTimeSpan);
        _on.Exchange(0);
        if (lanes.Expire(time.GetTimestampOr(long.MinValue), batcher.Name, batcher.Ledger))
        {
            TurnOn();
        }
    }

    /// <summary>No more rows will come.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _timer?.Dispose();
        }
    }

    private void Set(TimeSpan period)
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _timer ??= CreateTimer();
                _timer.Change(period, period);
            }
        }
    }

    // By whichever caller is first: what flows with its calls is not to be kept.
    private ITimer CreateTimer()
    {
        AsyncFlowControl? flow = ExecutionContext.IsFlowSuppressed() ? null : ExecutionContext.SuppressFlow();
        try
        {
            return time.CreateTimer(
                static watch => ((DeadlineWatch)watch!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
        finally
        {
            flow?.Undo();
        }
    }
}
