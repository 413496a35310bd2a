namespace FastBatch.Diagnostics;

/// <summary>Measures waits and latencies for <see cref="Batcher.GetStatistics"/>, from its first call on.</summary>
internal sealed class LatencyRecorder(TimeProvider time) : BatchObserver
{
    private readonly Lock _gate = new();
    private readonly DurationCounts _merged = new();

    // By level, the lowest first. Made when it is first seen, but for Normal's: most have no other.
    private readonly Level?[] _levels = [null, new Level(time), null, null];

    public override RequestDetails Details => RequestDetails.Times;

    public override void OnBatch(Batcher batcher, in BatchReport batch)
    {
        ReadOnlySpan<long> enqueued = batch.Enqueued;
        lock (_gate)
        {
            RequestPriority priority = batch.Priority(0);
            (DurationCounts wait, DurationCounts latency) = LevelOf(priority).Current(batch.Delivered);
            for (int i = 0; i < enqueued.Length; i++)
            {
                if (batch.Priority(i) != priority)
                {
                    priority = batch.Priority(i);
                    (wait, latency) = LevelOf(priority).Current(batch.Delivered);
                }

                if (enqueued[i] != 0)
                {
                    wait.Record(batch.Closed - enqueued[i]);
                    latency.Record(batch.Resumed(i) - enqueued[i]);
                }
            }
        }
    }

    /// <summary>The statistics with what is measured here.</summary>
    public BatcherStatistics Complete(in BatcherStatistics statistics)
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            PriorityStatisticsSet levels = statistics.Priorities;
            return statistics with
            {
                Wait = Summarize(_levels, static level => level.Wait, now),
                Latency = Summarize(_levels, static level => level.Latency, now),
                Priorities = new PriorityStatisticsSet(
                    Complete(levels.Low, 0, now), Complete(levels.Normal, 1, now), Complete(levels.High, 2, now), Complete(levels.Critical, 3, now)),
            };
        }
    }

    private PriorityStatistics Complete(PriorityStatistics statistics, int level, long now) => statistics with
    {
        Wait = Summarize(_levels.AsSpan(level, 1), static level => level.Wait, now),
        Latency = Summarize(_levels.AsSpan(level, 1), static level => level.Latency, now),
    };

    private Level LevelOf(RequestPriority priority) => _levels[(int)priority + 1] ??= new Level(time);

    private LatencySummary Summarize(ReadOnlySpan<Level?> levels, Func<Level, Window> window, long now)
    {
        _merged.Clear();
        foreach (Level? level in levels)
        {
            if (level is not null)
            {
                window(level).AddTo(_merged, now);
            }
        }

        return new LatencySummary
        {
            Count = _merged.Count,
            Mean = Duration(_merged.Count == 0 ? 0 : _merged.Sum / _merged.Count),
            P50 = Duration(_merged.Percentile(0.5)),
            P90 = Duration(_merged.Percentile(0.9)),
            P99 = Duration(_merged.Percentile(0.99)),
            P999 = Duration(_merged.Percentile(0.999)),
            Max = Duration(_merged.Max),
        };
    }

    private TimeSpan Duration(double timestamps) => TimeSpan.FromSeconds(timestamps / time.TimestampFrequency);

    // Of one priority.
    private sealed class Level(TimeProvider time)
    {
        public Window Wait { get; } = new(time);

        public Window Latency { get; } = new(time);

        public (DurationCounts Wait, DurationCounts Latency) Current(long now) => (Wait.Current(now), Latency.Current(now));
    }

    // The last 10 to 20 seconds: a window that is filling, and the one before it.
    private sealed class Window(TimeProvider time)
    {
        private readonly long _length = 10 * time.TimestampFrequency;
        private DurationCounts _current = new();
        private DurationCounts _last = new();
        private long _end = long.MinValue;

        public DurationCounts Current(long now)
        {
            if (now >= _end)
            {
                (_current, _last) = (_last, _current);
                _current.Clear();
                if (now - _length >= _end)
                {
                    _last.Clear();
                }

                _end = now + _length;
            }

            return _current;
        }

        public void AddTo(DurationCounts sum, long now)
        {
            sum.Add(Current(now));
            sum.Add(_last);
        }
    }
}
