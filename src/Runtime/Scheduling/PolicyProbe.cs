using System.Globalization;

namespace FastBatch.Scheduling;

/// <summary>
/// Asks a policy what a batcher would ask it and says in words what would come of its answer: for tests of policies of your own, a line per
/// case, without threads or clocks. Fails if the policy breaks its contract: two answers to one question, or a look at what it has not
/// asked for.
/// </summary>
/// <param name="policy">The policy.</param>
/// <param name="maxBatchSize">The most rows of a batch; at least 1.</param>
public sealed class PolicyProbe(IBatchPolicy policy, int maxBatchSize = 64)
{
    // Any time will do, as long as everything before it is positive.
    private const long Now = TimeSpan.TicksPerDay;

    /// <summary>
    /// What becomes of the queue: "run 3", "drop 1", or "wait 1.5 ms, or for 8 rows" ("wait for 8 rows" if for no time).
    /// </summary>
    /// <param name="waiting">The rows that could run; at least 1, at most the largest batch.</param>
    /// <param name="oldest">How long ago the oldest of them was submitted.</param>
    /// <param name="newest">How long ago the newest of them was submitted.</param>
    /// <param name="backlog">All rows that wait; null for those that could run.</param>
    /// <param name="resuming">Callers of earlier batches that are being resumed.</param>
    /// <param name="sinceLastBatch">How long ago the last batch ended.</param>
    /// <param name="lastBatch">How long the last batch ran.</param>
    /// <param name="fixedCost">What any batch costs.</param>
    /// <param name="costPerRow">What each row adds.</param>
    /// <param name="rowsPerSecond">The rate of arrivals.</param>
    /// <exception cref="InvalidOperationException">The policy breaks its contract; the message says how.</exception>
    public string Ask(
        int waiting, TimeSpan oldest = default, TimeSpan newest = default, int? backlog = null, int resuming = 0,
        TimeSpan sinceLastBatch = default, TimeSpan lastBatch = default,
        TimeSpan fixedCost = default, TimeSpan costPerRow = default, double rowsPerSecond = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(waiting, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(waiting, maxBatchSize);
        var queue = new QueueSnapshot
        {
            Waiting = waiting,
            MaxBatchSize = maxBatchSize,
            Backlog = backlog ?? waiting,
            OldestEnqueued = Now - oldest.Ticks,
            NewestEnqueued = Now - newest.Ticks,
            Resuming = resuming,
            LastBatchEnded = Now - sinceLastBatch.Ticks,
            LastBatchDuration = lastBatch.Ticks,
            FixedCost = fixedCost.Ticks,
            CostPerRow = costPerRow.Ticks,
            ArrivalRate = rowsPerSecond / TimeSpan.TicksPerSecond,
            TimestampFrequency = TimeSpan.TicksPerSecond,
        };
        BatchDecision decision = policy.Decide(queue, Now);
        Require(decision == policy.Decide(queue, Now), "it gave two answers to one question; it must be pure");
        Require(
            policy.UsesEnqueueTime || decision == policy.Decide(queue with { OldestEnqueued = 0, NewestEnqueued = 0 }, Now),
            $"it looks at enqueue times, but its {nameof(IBatchPolicy.UsesEnqueueTime)} is false: a batcher would not note them");
        Require(
            policy.UsesEstimates || decision == policy.Decide(queue with { FixedCost = 0, CostPerRow = 0, ArrivalRate = 0 }, Now),
            $"it looks at costs or rates, but its {nameof(IBatchPolicy.UsesEstimates)} is false: a batcher would not keep them up to date");
        return Format(decision.Settle(waiting, maxBatchSize, latest: long.MaxValue, Now));
    }

    private static string Format(BatchDecision decision) => decision.Kind switch
    {
        BatchDecision.DecisionKind.Dispatch => $"run {decision.Rows}",
        BatchDecision.DecisionKind.Drop => $"drop {decision.Rows}",
        _ when decision.Timestamp == long.MaxValue => $"wait for {decision.Rows} rows",
        _ => string.Create(
            CultureInfo.InvariantCulture,
            $"wait {(decision.Timestamp - Now) / (double)TimeSpan.TicksPerMillisecond:0.####} ms, or for {decision.Rows} rows"),
    };

    private void Require(bool condition, string problem)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"{policy.GetType().Name}: {problem}.");
        }
    }
}
