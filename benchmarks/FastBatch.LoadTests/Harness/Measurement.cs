using System.Diagnostics;

namespace FastBatch.LoadTests.Harness;

/// <summary>What one contender did in one window of one round.</summary>
internal readonly record struct Measurement(
    double RequestsPerSecond,
    double P50Microseconds,
    double P99Microseconds,
    double BytesPerRequest,
    double CpuSecondsPerMillion,
    double MeanBatch);

/// <summary>Everything that is counted, at one moment; two of them and a histogram make a measurement.</summary>
internal readonly struct Counters
{
    private readonly long _timestamp;
    private readonly long _completed;
    private readonly long _allocatedBytes;
    private readonly TimeSpan _processorTime;
    private readonly (long Batches, long Rows) _meter;

    private Counters(long completed)
    {
        _allocatedBytes = GC.GetTotalAllocatedBytes(precise: true);
        _timestamp = Stopwatch.GetTimestamp();
        _processorTime = ProcessorTime();
        _meter = BatchMeter.Read();
        _completed = completed;
    }

    public static Counters Read(Func<long> completed) => new(completed());

    /// <summary>Lets the load run for a while, and on until at least one request is done: a window without any says nothing.</summary>
    public static (Counters First, Counters Last) Over(TimeSpan duration, Func<long> completed)
    {
        Counters first = Read(completed);
        Thread.Sleep(duration);
        while (completed() == first._completed)
        {
            Thread.Sleep(1);
        }

        return (first, Read(completed));
    }

    public double RequestsPerSecondSince(Counters first) =>
        (_completed - first._completed) / Stopwatch.GetElapsedTime(first._timestamp, _timestamp).TotalSeconds;

    public Measurement Since(Counters first, Histogram latencies)
    {
        double requests = _completed - first._completed;
        return new Measurement(
            RequestsPerSecondSince(first),
            latencies.PercentileMicroseconds(0.50),
            latencies.PercentileMicroseconds(0.99),
            (_allocatedBytes - first._allocatedBytes) / requests,
            (_processorTime - first._processorTime).TotalSeconds * 1e6 / requests,
            (double)(_meter.Rows - first._meter.Rows) / Math.Max(1, _meter.Batches - first._meter.Batches));
    }

    private static TimeSpan ProcessorTime() => Environment.CpuUsage.TotalTime;
}
