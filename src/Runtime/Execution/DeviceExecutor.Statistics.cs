using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution;

/// <content>What is counted of batches, and noted of those that are observed.</content>
internal abstract partial class DeviceExecutor
{
    // Written by the device side, read by any thread.
    private int _running;

    // Device side: what the policy last let rows wait for, since the last batch.
    private BatchDecision _wait;

    // When it last did.
    private long _decided;

    /// <summary>The batches run, by device. Any thread.</summary>
    protected internal BatchCounts[] Counts { get; protected set; }

    /// <summary>Batches that the method runs on. Any thread.</summary>
    public int Running => _running + InFlight;

    /// <summary>How the method's graphs fare; none where there are none. Any thread.</summary>
    public virtual IEnumerable<GraphReport> Graphs => [];

    /// <summary>The most rows a batch may have at the moment. Any thread.</summary>
    public virtual int BatchLimit => _scheduler.Estimates.MaxRows;

    /// <summary>What batches take, as far as is known. Any thread.</summary>
    protected virtual CostEstimate Cost => _scheduler.Estimates.Cost;

    /// <summary>How the devices are doing; none where batches run on the CPU. Any thread.</summary>
    public virtual IReadOnlyList<DeviceStatus> DeviceStatus() => [];

    /// <summary>What is known here of batches and requests. Any thread.</summary>
    public BatcherStatistics Statistics()
    {
        BatchSizes sizes = default;
        long batches = 0;
        long rows = 0;
        long duration = 0;
        foreach (BatchCounts counts in Counts)
        {
            counts.AddTo(ref batches, ref rows, ref sizes);
            duration += counts.Duration;
        }

        CostEstimate cost = Cost;
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
            DeviceTime = Duration(duration),
            BatchLimit = BatchLimit,
            ControlLimit = ControlLimit(cost),
            FixedCost = Duration(cost.Fixed),
            CostPerRow = Duration(cost.PerRow),
            ArrivalRate = ArrivalRate * _time.TimestampFrequency,
            Priorities = new PriorityStatisticsSet(
                Queue(RequestPriority.Low), Queue(RequestPriority.Normal), Queue(RequestPriority.High), Queue(RequestPriority.Critical)),
        };
    }

    private PriorityStatistics Queue(RequestPriority priority)
    {
        (long submitted, int backlog) = Lanes.Count(priority);
        return new PriorityStatistics { Submitted = submitted, QueueLength = backlog };
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

    /// <summary>Rows per timestamp unit. Any thread.</summary>
    protected virtual double ArrivalRate => _scheduler.Estimates.ArrivalRate;

    private int ControlLimit(in CostEstimate cost) => _batcher.Settings.Policy is not AdaptivePolicy adaptive ? 1 : adaptive.ControlLimit(
        new QueueSnapshot
        {
            Waiting = 1,
            MaxBatchSize = BatchLimit,
            FixedCost = cost.Fixed,
            CostPerRow = cost.PerRow,
            ArrivalRate = ArrivalRate,
            TimestampFrequency = _time.TimestampFrequency,
        });

    protected internal TimeSpan Duration(double timestamps) => TimeSpan.FromSeconds(timestamps / _time.TimestampFrequency);
}
