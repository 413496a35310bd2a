using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution;

/// <content>What is counted of batches, and noted of those that are observed.</content>
internal abstract partial class DeviceExecutor
{
    // Written by the device side, read by any thread.
    private readonly long[] _batchesBySize;
    private long _deviceTime;
    private int _running;
    private int _warmUpRuns;

    // Device side: what the policy last let rows wait for, since the last batch.
    private BatchDecision _wait;

    /// <summary>Batches that the method runs on. Any thread.</summary>
    public int Running => _running + InFlight;

    /// <summary>Runs on rows of zeros. Any thread.</summary>
    public int WarmUpRuns => _warmUpRuns;

    /// <summary>How the method's graphs fare; none where there are none. Any thread.</summary>
    public virtual IEnumerable<GraphReport> Graphs => [];

    /// <summary>The most rows a batch may have at the moment. Any thread.</summary>
    public int BatchLimit => _scheduler.Estimates.MaxRows;

    /// <summary>What is known here of batches and requests. Any thread.</summary>
    public BatcherStatistics Statistics()
    {
        BatchSizes sizes = default;
        long batches = 0;
        long rows = 0;
        for (int size = 1; size < _batchesBySize.Length; size++)
        {
            long count = _batchesBySize[size];
            sizes[BatchSizes.IndexOf(size)] += count;
            batches += count;
            rows += count * size;
        }

        Estimates estimates = _scheduler.Estimates;
        return new BatcherStatistics
        {
            Succeeded = Desk.Succeeded,
            Failed = _ledger.Count(RequestOutcome.Failed),
            Cancelled = _ledger.Count(RequestOutcome.Cancelled),
            Rejected = _ledger.Count(RequestOutcome.Rejected),
            Closed = _ledger.Count(RequestOutcome.Closed),
            Dropped = _ledger.Count(RequestOutcome.Dropped),
            Expired = _ledger.Count(RequestOutcome.Expired),
            Abandoned = _ledger.Count(RequestOutcome.Abandoned),
            Stalled = _ledger.Count(RequestOutcome.Stalled),
            Batches = batches,
            Rows = rows,
            BatchSizes = sizes,
            DeviceTime = Duration(_deviceTime),
            BatchLimit = BatchLimit,
            ControlLimit = ControlLimit(estimates),
            FixedCost = Duration(estimates.Cost.Fixed),
            CostPerRow = Duration(estimates.Cost.PerRow),
            ArrivalRate = estimates.ArrivalRate * _time.TimestampFrequency,
        };
    }

    // Device side.
    protected void Count(int rows, long duration)
    {
        _batchesBySize[rows]++;
        _deviceTime += duration;
    }

    // Device side. With no observers, a look.
    private void Observe(Batch batch, int taken)
    {
        if (_ledger.IsObserved)
        {
            batch.Observe(_ledger.Details, _settings.MaxBatchSize, Lanes.Backlog - taken, _time.TimestampFrequency);
        }
        else
        {
            batch.Ignore();
        }
    }

    // Device side.
    private BatchCloseReason WhyNow(int rows, long now) =>
        rows == _settings.MaxBatchSize || (_wait.Rows > 0 && rows >= _wait.Rows) ? BatchCloseReason.Full
            : Lanes.IsClosed ? BatchCloseReason.Drain
            : _wait.Rows > 0 && now >= _wait.Timestamp ? BatchCloseReason.Delay
            : BatchCloseReason.Idle;

    private int ControlLimit(Estimates estimates) => _batcher.Settings.Policy is not AdaptivePolicy adaptive ? 1 : adaptive.ControlLimit(
        new QueueSnapshot
        {
            Waiting = 1,
            MaxBatchSize = estimates.MaxRows,
            FixedCost = estimates.Cost.Fixed,
            CostPerRow = estimates.Cost.PerRow,
            ArrivalRate = estimates.ArrivalRate,
            TimestampFrequency = _time.TimestampFrequency,
        });

    private TimeSpan Duration(double timestamps) => TimeSpan.FromSeconds(timestamps / _time.TimestampFrequency);
}
