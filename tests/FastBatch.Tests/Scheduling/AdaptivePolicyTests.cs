using FastBatch.Scheduling;

namespace FastBatch.Tests.Scheduling;

/// <summary>When the adaptive policy waits, until when, and for how many rows.</summary>
public class AdaptivePolicyTests
{
    private const long Millisecond = 1_000_000;

    [Theory]
    // price, rows per ms, a, b (ms) | Q*: the smallest Q with Q (Q + 1) >= 2 rate p a / (1 + 2 rate b)
    [InlineData(0, 5, 2, 0.1, 1)] // device time is free
    [InlineData(2, 0, 2, 0.1, 1)] // nothing is known of arrivals
    [InlineData(2, 1, 0, 0, 1)] // nor of the device
    [InlineData(2, 0.25, 2, 0, 1)] // 2
    [InlineData(2, 0.26, 2, 0, 2)] // 2.08
    [InlineData(2, 1, 2, 0, 3)] // 8
    [InlineData(10, 1, 2, 0, 6)] // 40
    [InlineData(10, 1, 2, 0.5, 4)] // 20
    [InlineData(1e6, 10, 2, 0, 64)] // no more than the largest batch
    public void The_control_limit(double price, double rate, double fixedCost, double costPerRow, int expected) =>
        Assert.Equal(expected, new AdaptivePolicy(price).ControlLimit(Snapshot(1, rate, fixedCost, costPerRow)));

    [Theory]
    // waiting, oldest, newest, now, bound (ms; 0 for none) | wait until (ms; 0: dispatch). Q* is 3, arrivals are 1 ms apart.
    [InlineData(3, 0, 0, 0, 0, 0)]
    [InlineData(1, 10, 10, 10, 0, 16)] // six mean gaps from the newest
    [InlineData(2, 10, 14, 15, 0, 20)]
    [InlineData(2, 10, 14, 20, 0, 0)] // no more are coming
    [InlineData(2, 10, 14, 15, 8, 18)] // or the oldest has waited enough
    [InlineData(2, 10, 14, 18, 8, 0)]
    [InlineData(2, 10, 14, 15, 60, 20)]
    public void Waits_for_the_limit_while_rows_keep_coming(int waiting, long oldest, long newest, long now, long bound, long until)
    {
        var policy = new AdaptivePolicy(2, bound == 0 ? null : TimeSpan.FromMilliseconds(bound));
        QueueSnapshot queue = Snapshot(waiting, rate: 1, fixedCost: 2, costPerRow: 0) with
        {
            OldestEnqueued = oldest * Millisecond,
            NewestEnqueued = newest * Millisecond,
        };
        Assert.Equal(
            until == 0 ? BatchDecision.Dispatch(waiting) : BatchDecision.WaitUntil(until * Millisecond, 3),
            policy.Decide(queue, now * Millisecond));
    }

    [Fact]
    public void Above_the_limit_it_waits_for_its_own_callers_as_the_default_does()
    {
        QueueSnapshot queue = Snapshot(5, rate: 1, fixedCost: 2, costPerRow: 0) with { Resuming = 3, LastBatchEnded = 100, LastBatchDuration = 1 };
        BatchDecision decision = new AdaptivePolicy(2).Decide(queue, 100);
        Assert.Equal(BatchDecision.WaitUntil(100 + 20_000, 64), decision);
        Assert.Equal(WorkConservingPolicy.Instance.Decide(queue, 100), decision);
    }

    [Fact]
    public void A_policy_without_a_price_asks_for_nothing()
    {
        Assert.Equal((false, false), (new AdaptivePolicy(0).UsesEnqueueTime, new AdaptivePolicy(0).UsesEstimates));
        Assert.Equal((true, true), (new AdaptivePolicy(0.5).UsesEnqueueTime, new AdaptivePolicy(0.5).UsesEstimates));
    }

    [Fact]
    public void Where_arrivals_have_all_but_ceased_it_does_not_wait_for_a_time_that_never_comes()
    {
        // So rare that six mean gaps are no timestamp any more; and a price that makes waiting worth it all the same.
        QueueSnapshot queue = Snapshot(1, rate: 1e-13, fixedCost: 2, costPerRow: 0) with { NewestEnqueued = 50, OldestEnqueued = 50 };
        Assert.Equal(BatchDecision.WaitUntil(long.MaxValue, 2), new AdaptivePolicy(1e13).Decide(queue, 60));
        Assert.Equal(
            BatchDecision.WaitUntil(50 + (8 * Millisecond), 2),
            new AdaptivePolicy(1e13, TimeSpan.FromMilliseconds(8)).Decide(queue, 60));
    }

    [Fact]
    public void Refuses_what_means_nothing()
    {
        Assert.Throws<ArgumentOutOfRangeException>("deviceCost", () => new AdaptivePolicy(-1));
        Assert.Throws<ArgumentOutOfRangeException>("deviceCost", () => new AdaptivePolicy(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>("maxQueueDelay", () => new AdaptivePolicy(1, TimeSpan.FromTicks(-1)));
    }

    [Fact]
    public void Options_choose_it_where_device_time_has_a_price()
    {
        Assert.IsType<WorkConservingPolicy>(new BatcherOptions().PolicyOr(TimeSpan.Zero));
        Assert.IsType<SizeOrDelayPolicy>(new BatcherOptions().PolicyOr(TimeSpan.FromMilliseconds(1)));
        var options = new BatcherOptions { DeviceCost = 2 };
        Assert.Null(Assert.IsType<AdaptivePolicy>(options.PolicyOr(TimeSpan.Zero)).MaxQueueDelay);
        Assert.Equal(TimeSpan.FromMilliseconds(1), ((AdaptivePolicy)options.PolicyOr(TimeSpan.FromMilliseconds(1))).MaxQueueDelay);
        options = options with { MaxQueueDelay = TimeSpan.Zero };
        Assert.Equal(TimeSpan.Zero, ((AdaptivePolicy)options.PolicyOr(TimeSpan.FromMilliseconds(1))).MaxQueueDelay);
    }

    private static QueueSnapshot Snapshot(int waiting, double rate, double fixedCost, double costPerRow) => new()
    {
        Waiting = waiting,
        MaxBatchSize = 64,
        FixedCost = fixedCost * Millisecond,
        CostPerRow = costPerRow * Millisecond,
        ArrivalRate = rate / Millisecond,
        TimestampFrequency = 1_000_000_000,
    };
}
