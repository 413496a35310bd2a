using FastBatch.Scheduling;

namespace FastBatch.Tests.Scheduling;

/// <summary>What users test their own policies with; the first test is the example of docs/policies.md.</summary>
public class PolicyProbeTests
{
    [Theory]
    [InlineData(2, 0, "run 2")]
    [InlineData(3, 0, "wait 1 ms, or for 4 rows")]
    [InlineData(3, 1, "run 3")]
    public void Runs_even_batches(int waiting, int milliseconds, string expected) =>
        Assert.Equal(expected, new PolicyProbe(new EvenPolicy()).Ask(waiting, oldest: TimeSpan.FromMilliseconds(milliseconds)));

    [Fact]
    public void Says_what_would_come_of_an_answer_not_what_it_was()
    {
        Assert.Equal("run 3", Ask(_ => BatchDecision.Dispatch(99), 3));
        Assert.Equal("run 1", Ask(_ => BatchDecision.Dispatch(0), 3));
        Assert.Equal("drop 3", Ask(_ => BatchDecision.Drop(5), 3));
        Assert.Equal("wait for 8 rows", Ask(_ => BatchDecision.WaitUntil(long.MaxValue, 99), 3));
        Assert.Equal("run 8", Ask(_ => BatchDecision.WaitUntil(long.MaxValue, 99), 8)); // no more rows fit
        Assert.Equal("run 3", Ask(_ => BatchDecision.WaitUntil(0, 99), 3)); // over already

        static string Ask(Func<QueueSnapshot, BatchDecision> decide, int waiting) => new PolicyProbe(new Policy(decide), 8).Ask(waiting);
    }

    [Fact]
    public void Knows_the_built_in_policies()
    {
        var milliseconds = TimeSpan.FromMilliseconds(4);
        Assert.Equal("run 3", new PolicyProbe(WorkConservingPolicy.Instance).Ask(3));
        Assert.Equal("wait 0.05 ms, or for 64 rows", new PolicyProbe(WorkConservingPolicy.Instance).Ask(3, resuming: 60, lastBatch: milliseconds));
        Assert.Equal("wait 3 ms, or for 64 rows", new PolicyProbe(new SizeOrDelayPolicy(milliseconds)).Ask(3, oldest: milliseconds / 4));
        Assert.Equal(
            "wait 6 ms, or for 6 rows", new PolicyProbe(new AdaptivePolicy(10)).Ask(3, fixedCost: milliseconds / 2, rowsPerSecond: 1000));
    }

    [Fact]
    public void Refuses_policies_that_break_their_contract()
    {
        int calls = 0;
        AssertRefused("two answers", new Policy(_ => BatchDecision.Dispatch(1 + (calls++ & 1))));
        AssertRefused("UsesEnqueueTime", new Policy(queue => BatchDecision.Dispatch(queue.OldestEnqueued > 0 ? 2 : 1)));
        AssertRefused("UsesEstimates", new Policy(queue => BatchDecision.Dispatch(queue.FixedCost > 0 ? 2 : 1)));
        Assert.Throws<ArgumentOutOfRangeException>("waiting", () => new PolicyProbe(ImmediatePolicy.Instance).Ask(0));
        Assert.Throws<ArgumentOutOfRangeException>("waiting", () => new PolicyProbe(ImmediatePolicy.Instance).Ask(65));

        static void AssertRefused(string why, IBatchPolicy policy)
        {
            var error = Assert.Throws<InvalidOperationException>(() => new PolicyProbe(policy).Ask(5, fixedCost: TimeSpan.FromMilliseconds(1)));
            Assert.Contains(why, error.Message, StringComparison.Ordinal);
        }
    }

    private sealed class EvenPolicy : IBatchPolicy
    {
        public bool UsesEnqueueTime => true;

        public BatchDecision Decide(in QueueSnapshot queue, long now) => queue.Waiting % 2 == 0
            ? BatchDecision.Dispatch(queue.Waiting)
            : BatchDecision.WaitUntil(queue.OldestEnqueued + queue.ToTimestamp(TimeSpan.FromMilliseconds(1)), queue.Waiting + 1);
    }

    private sealed class Policy(Func<QueueSnapshot, BatchDecision> decide) : IBatchPolicy
    {
        public BatchDecision Decide(in QueueSnapshot queue, long now) => decide(queue);
    }
}
