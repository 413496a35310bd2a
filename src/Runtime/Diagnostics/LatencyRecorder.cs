namespace FastBatch.Diagnostics;

/// <summary>Measures waits and latencies for <see cref="Batcher.GetStatistics"/>, from its first call on.</summary>
internal sealed class LatencyRecorder(TimeProvider time) : BatchObserver
{
    private readonly Lock _gate = new();
    private readonly Window _wait = new(time);
    private readonly Window _latency = new(time);

    public override RequestDetails Details => RequestDetails.Times;

    public override void OnBatch(Batcher batcher, in BatchReport batch)
    {
        ReadOnlySpan<long> enqueued = batch.Enqueued;
        lock (_gate)
        {
            DurationCounts wait = _wait.Current(batch.Delivered);
            DurationCounts latency = _latency.Current(batch.Delivered);
            for (int i = 0; i < enqueued.Length; i++)
            {
                if (enqueued[i] != 0)
                {
                    wait.Record(batch.Closed - enqueued[i]);
                    latency.Record(batch.Resumed(i) - enqueued[i]);
                }
            }
        }
    }

    public (LatencySummary Wait, LatencySummary Latency) Summarize()
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            return (_wait.Summarize(now), _latency.Summarize(now));
        }
    }

    // The last 10 to 20 seconds: a window that is filling, and the one before it.
    private sealed class Window(TimeProvider time)
    {
        private readonly long _length = 10 * time.TimestampFrequency;
        private readonly DurationCounts _both = new();
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

        public LatencySummary Summarize(long now)
        {
            _both.Clear();
            _both.Add(Current(now));
            _both.Add(_last);
            return new LatencySummary
            {
                Count = _both.Count,
                Mean = Duration(_both.Count == 0 ? 0 : _both.Sum / _both.Count),
                P50 = Duration(_both.Percentile(0.5)),
                P90 = Duration(_both.Percentile(0.9)),
                P99 = Duration(_both.Percentile(0.99)),
                P999 = Duration(_both.Percentile(0.999)),
                Max = Duration(_both.Max),
            };
        }

        private TimeSpan Duration(double timestamps) => TimeSpan.FromSeconds(timestamps / time.TimestampFrequency);
    }
}
