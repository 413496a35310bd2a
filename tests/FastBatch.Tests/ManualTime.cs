namespace FastBatch.Tests;

/// <summary>Time that passes when a test says so; timers are called by whoever lets it pass.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private long _now = TimeSpan.TicksPerDay;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Timers that were made and not disposed.</summary>
    public int Timers
    {
        get
        {
            lock (_gate)
            {
                return _timers.Count;
            }
        }
    }

    /// <summary>Whether a timer is set.</summary>
    public bool HasTimer
    {
        get
        {
            lock (_gate)
            {
                return _timers.Exists(static timer => timer.Due != long.MaxValue);
            }
        }
    }

    public override long GetTimestamp() => Interlocked.Read(ref _now);

    public void Advance(TimeSpan duration)
    {
        long end = GetTimestamp() + duration.Ticks;
        while (NextDue(end) is { } timer)
        {
            // A timer that was set from an earlier look at the time may be due before now; time does not go back for it.
            Interlocked.Exchange(ref _now, Math.Max(timer.Due, GetTimestamp()));
            timer.Fire();
        }

        Interlocked.Exchange(ref _now, end);
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        lock (_gate)
        {
            _timers.Add(timer);
        }

        return timer;
    }

    private ManualTimer? NextDue(long end)
    {
        lock (_gate)
        {
            return _timers.Where(timer => timer.Due <= end).MinBy(static timer => timer.Due);
        }
    }

    private sealed class ManualTimer(ManualTime time, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;

        public long Due { get; private set; }

        public void Fire()
        {
            Due = _period > TimeSpan.Zero ? Due + _period.Ticks : long.MaxValue;
            callback(state);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Due = dueTime < TimeSpan.Zero ? long.MaxValue : time.GetTimestamp() + dueTime.Ticks;
            _period = period;
            return true;
        }

        public void Dispose()
        {
            lock (time._gate)
            {
                time._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
