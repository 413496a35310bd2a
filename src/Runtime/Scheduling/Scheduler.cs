using System.Runtime.CompilerServices;

namespace FastBatch.Scheduling;

/// <summary>The queue's part of what a decision rests on; see <see cref="QueueSnapshot"/>.</summary>
/// <param name="Waiting">Rows that could run now, at most one batch; at least 1.</param>
/// <param name="Backlog">All rows submitted and not yet run.</param>
/// <param name="Submitted">All rows ever submitted.</param>
/// <param name="OldestEnqueued">When the first of the waiting rows was submitted.</param>
/// <param name="NewestEnqueued">When the last of the waiting rows was submitted.</param>
/// <param name="Resuming">Callers being resumed.</param>
/// <param name="IsClosed">Whether no more rows will come.</param>
internal readonly record struct QueueState(
    int Waiting, int Backlog, long Submitted, long OldestEnqueued, long NewestEnqueued, int Resuming, bool IsClosed);

/// <summary>
/// Puts the question to the policy, and keeps what is learned from batches to put it well. It has no thread, clock or lock, so the executor
/// and the simulator drive this same code. Device side.
/// </summary>
internal sealed class Scheduler(IBatchPolicy policy, int maxBatchSize, long timestampFrequency)
{
    private IBatchPolicy _policy = policy;
    private int _maxBatchSize = maxBatchSize;
    private bool _usesEstimates = policy.UsesEstimates;
    private readonly CostModel _cost = new();
    private readonly ArrivalRate _arrivals = new();
    private long _lastDuration;

    /// <summary>When the last batch ended; 0 before the first.</summary>
    public long LastEnded { get; private set; }

    /// <summary>How long the last batch ran; 0 before the first. Any thread.</summary>
    public long LastDuration => Volatile.Read(ref _lastDuration);

    /// <summary>Goes by another policy and another largest batch from now on. What was learned stays.</summary>
    public void Adopt(IBatchPolicy policy, int maxBatchSize)
    {
        (_policy, _maxBatchSize) = (policy, maxBatchSize);
        _usesEstimates = policy.UsesEstimates;
    }

    /// <summary>
    /// What to do now: run or drop some of the rows that wait, or wait for a time that is to come and more rows than wait now. A policy's
    /// wait that is over already is a decision to run, and so is one for rows that will not come any more.
    /// </summary>
    // Inlined: with batches of a row or two this is a good part of what a request costs.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public BatchDecision Decide(in QueueState queue, long now)
    {
        if (_usesEstimates)
        {
            _arrivals.Record(queue.Submitted, now);
        }

        BatchDecision decision = _policy.Decide(
            new QueueSnapshot
            {
                Waiting = queue.Waiting,
                MaxBatchSize = _maxBatchSize,
                Backlog = queue.Backlog,
                OldestEnqueued = queue.OldestEnqueued,
                NewestEnqueued = queue.NewestEnqueued,
                Resuming = queue.Resuming,
                LastBatchEnded = LastEnded,
                LastBatchDuration = _lastDuration,
                FixedCost = _cost.Fixed,
                CostPerRow = _cost.PerRow,
                ArrivalRate = _arrivals.Value,
                TimestampFrequency = timestampFrequency,
            },
            now);
        if (decision.Kind != BatchDecision.DecisionKind.WaitUntil)
        {
            int rows = Math.Clamp(decision.Rows, 1, queue.Waiting);
            return decision.Kind == BatchDecision.DecisionKind.Drop ? BatchDecision.Drop(rows) : BatchDecision.Dispatch(rows);
        }

        int enough = Math.Min(decision.Rows, _maxBatchSize);
        return decision.Timestamp > now && enough > queue.Waiting && !queue.IsClosed
            ? BatchDecision.WaitUntil(decision.Timestamp, enough)
            : BatchDecision.Dispatch(queue.Waiting);
    }

    /// <summary>A batch has run. Its <paramref name="rows"/> are 0 if its duration says nothing about its cost.</summary>
    public void Record(int rows, long started, long ended)
    {
        Volatile.Write(ref _lastDuration, ended - started);
        LastEnded = ended;
        if (_usesEstimates && rows > 0)
        {
            _cost.Record(rows, ended - started);
        }
    }
}
