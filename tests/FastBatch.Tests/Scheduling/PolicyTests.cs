using FastBatch.Scheduling;

namespace FastBatch.Tests.Scheduling;

/// <summary>Policies are pure: a table of (snapshot, now) -> decision says all there is to say.</summary>
public class PolicyTests
{
    private const long Microsecond = 1000;

    [Theory]
    // waiting, resuming, ended, duration, now | dispatch, or wait until (0: dispatch)
    [InlineData(1, 0, 0, 0, 100, 0)]
    [InlineData(63, 0, 1000, 400_000, 1000, 0)]
    [InlineData(1, 63, 1_000_000, 320_000, 1_000_000, 1_040_000)] // an eighth of the last batch
    [InlineData(1, 63, 1_000_000, 320_000, 1_039_999, 1_040_000)]
    [InlineData(1, 63, 1_000_000, 320_000, 1_040_000, 0)] // patience is over
    [InlineData(64, 63, 1_000_000, 320_000, 1_000_000, 0)] // full: nothing to wait for
    [InlineData(1, 1, 1_000_000, 1000, 1_000_000, 1_020_000)] // never less than 20 us
    [InlineData(1, 1, 1_000_000, 90_000_000, 1_000_000, 1_050_000)] // never more than 50 us
    public void Work_conserving_runs_what_waits_and_waits_only_for_its_own_callers(
        int waiting, int resuming, long ended, long duration, long now, long until)
    {
        BatchDecision decision = WorkConservingPolicy.Instance.Decide(
            new QueueSnapshot
            {
                Waiting = waiting,
                MaxBatchSize = 64,
                Resuming = resuming,
                LastBatchEnded = ended,
                LastBatchDuration = duration,
                TimestampFrequency = 1_000_000_000,
            },
            now);
        Assert.Equal(until == 0 ? BatchDecision.Dispatch(waiting) : BatchDecision.WaitUntil(until, 64), decision);
    }

    [Theory]
    [InlineData(160_000, 0, 1_019_999, 1_020_000)] // the device's own thread resumes them
    [InlineData(160_000, 1_100_000, 1_119_999, 1_120_000)] // counted from when the pool's thread began
    [InlineData(160_000, 1_100_000, 1_120_000, 0)]
    [InlineData(160_000, 900_000, 1_020_000, 0)] // that was with an earlier batch
    [InlineData(160_000, 5_000_000, 1_180_000, 0)] // and that with another device's: it is not waited for longer than the batch ran
    [InlineData(160_000, 5_000_000, 1_179_999, 1_180_000)]
    [InlineData(1_000, 5_000_000, 1_021_000, 0)]
    [InlineData(9_000_000, 5_000_000, 1_250_000, 0)] // nor much longer
    [InlineData(9_000_000, 5_000_000, 1_249_999, 1_250_000)]
    public void Work_conserving_has_patience_from_when_callers_began_to_be_resumed(long duration, long since, long now, long until) => Assert.Equal(
        until == 0 ? BatchDecision.Dispatch(1) : BatchDecision.WaitUntil(until, 64),
        WorkConservingPolicy.Instance.Decide(
            new QueueSnapshot
            {
                Waiting = 1,
                MaxBatchSize = 64,
                Resuming = 63,
                ResumingSince = since,
                LastBatchEnded = 1_000_000,
                LastBatchDuration = duration,
                TimestampFrequency = 1_000_000_000,
            },
            now));

    [Theory]
    [InlineData(1, 0, 0, 499, 500)]
    [InlineData(1, 0, 0, 500, 0)] // the delay is over
    [InlineData(31, 100, 0, 599, 600)] // counted from the oldest row's submission
    [InlineData(64, 0, 0, 1, 0)] // full
    [InlineData(16, 0, 16, 1, 0)] // as full as asked for
    [InlineData(15, 0, 16, 1, 500)]
    [InlineData(64, 0, 100, 1, 0)] // no fuller than the largest batch
    public void Size_or_delay_runs_when_full_or_late(int waiting, long oldestMicroseconds, int size, long nowMicroseconds, long untilMicroseconds)
    {
        var policy = new SizeOrDelayPolicy(TimeSpan.FromMicroseconds(500), size);
        BatchDecision decision = policy.Decide(
            new QueueSnapshot
            {
                Waiting = waiting,
                MaxBatchSize = 64,
                OldestEnqueued = oldestMicroseconds * Microsecond,
                TimestampFrequency = 1_000_000_000,
            },
            nowMicroseconds * Microsecond);
        int full = size == 0 ? 64 : Math.Min(size, 64);
        Assert.Equal(
            untilMicroseconds == 0 ? BatchDecision.Dispatch(waiting) : BatchDecision.WaitUntil(untilMicroseconds * Microsecond, full),
            decision);
    }

    [Theory]
    // waiting, delay over | rows to run, or rows to wait for
    [InlineData(3, false, 0, 8)]
    [InlineData(8, false, 8, 0)] // the smallest of them
    [InlineData(15, false, 8, 0)]
    [InlineData(31, false, 16, 0)] // the largest there are rows for
    [InlineData(48, false, 48, 0)] // full
    [InlineData(3, true, 3, 0)] // out of time: any size
    [InlineData(15, true, 15, 0)]
    public void Preferred_sizes_run_as_soon_as_they_can_be_formed(int waiting, bool late, int run, int next)
    {
        var policy = new SizeOrDelayPolicy(TimeSpan.FromMicroseconds(500)) { PreferredBatchSizes = [16, 8, 100, 8] };
        var queue = new QueueSnapshot { Waiting = waiting, MaxBatchSize = 48, TimestampFrequency = 1_000_000_000 };
        BatchDecision decision = policy.Decide(queue, late ? 500 * Microsecond : 0);
        Assert.Equal(run > 0 ? BatchDecision.Dispatch(run) : BatchDecision.WaitUntil(500 * Microsecond, next), decision);
        Assert.Equal([8, 16, 100], policy.PreferredBatchSizes);
    }

    [Fact]
    public void Immediate_waits_for_nothing() => Assert.Equal(
        BatchDecision.Dispatch(3),
        ImmediatePolicy.Instance.Decide(
            new QueueSnapshot { Waiting = 3, MaxBatchSize = 64, Resuming = 61, LastBatchDuration = 1_000_000, TimestampFrequency = 1_000_000_000 }, 0));

    [Fact]
    public void Size_or_delay_refuses_what_means_nothing()
    {
        Assert.Throws<ArgumentOutOfRangeException>("maxQueueDelay", () => new SizeOrDelayPolicy(TimeSpan.FromTicks(-1)));
        Assert.Throws<ArgumentOutOfRangeException>("size", () => new SizeOrDelayPolicy(TimeSpan.Zero, -1));
        Assert.Throws<ArgumentOutOfRangeException>("value", () => new SizeOrDelayPolicy(TimeSpan.Zero) { PreferredBatchSizes = [4, 0] });
    }

    [Fact]
    public void A_decision_reads_well()
    {
        Assert.Equal("Dispatch(3)", BatchDecision.Dispatch(3).ToString());
        Assert.Equal("Drop(1)", BatchDecision.Drop(1).ToString());
        Assert.Equal("WaitUntil(5, 64 rows)", BatchDecision.WaitUntil(5, 64).ToString());
    }
}
