using System.Diagnostics;

namespace FastBatch.LoadTests.Harness;

/// <summary>
/// One stretch of measured time, moved forward by the measuring thread and read by every client.
/// Only what lies between opening and closing counts: the load is already, and still, running at both ends.
/// </summary>
internal sealed class LoadWindow
{
    // A time stamp costs about 25 ns; at most 1 % of a second of processor time goes into them.
    private const double TimestampSeconds = 25e-9;
    private const double TimestampBudget = 0.01;
    private const int RarestSample = 64;

    private long _openedAt = long.MaxValue;
    private long _closedAt = long.MaxValue;
    private long _sampleMask = RarestSample - 1;

    public long OpenedAt => Volatile.Read(ref _openedAt);

    public long ClosedAt => Volatile.Read(ref _closedAt);

    public bool IsOpen => OpenedAt != long.MaxValue;

    public bool IsClosed => ClosedAt != long.MaxValue;

    /// <summary>A client times the requests whose number has none of these bits.</summary>
    public long SampleMask => Volatile.Read(ref _sampleMask);

    /// <summary>Times every request of a slow contender and 1 of 64 of a fast one.</summary>
    public void SampleAtRate(double requestsPerSecond)
    {
        double interval = requestsPerSecond * 2 * TimestampSeconds / TimestampBudget;
        long mask = 0;
        while (mask + 1 < interval && mask + 1 < RarestSample)
        {
            mask = (mask << 1) | 1;
        }

        Volatile.Write(ref _sampleMask, mask);
    }

    public void Open() => Volatile.Write(ref _openedAt, Stopwatch.GetTimestamp());

    public void Close() => Volatile.Write(ref _closedAt, Stopwatch.GetTimestamp());
}
