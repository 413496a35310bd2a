using FastBatch.Scheduling;

namespace FastBatch.Tests.Scheduling;

/// <summary>What the scheduler makes of a policy's answer and of what it learns; see <see cref="DeadlineTests"/> for deadlines.</summary>
public class SchedulerTests
{
    private const long Second = 1_000_000_000;

    [Fact]
    public void An_answer_that_means_nothing_runs_what_waits()
    {
        foreach (BatchDecision answer in (BatchDecision[])
            [
                default,
                BatchDecision.Dispatch(0),
                BatchDecision.Dispatch(int.MinValue),
                BatchDecision.Dispatch(int.MaxValue),
                BatchDecision.WaitUntil(long.MinValue, int.MaxValue),
                BatchDecision.WaitUntil(long.MaxValue, int.MinValue),
                BatchDecision.WaitUntil(1000, 8),
                BatchDecision.WaitUntil(long.MaxValue, 3),
            ])
        {
            BatchDecision decision = Make(_ => answer).Decide(Queue(waiting: 3), now: 1000);
            Assert.Equal(BatchDecision.DecisionKind.Dispatch, decision.Kind);
            Assert.InRange(decision.Rows, 1, 3);
        }
    }

    [Theory]
    [InlineData(int.MinValue, 1)]
    [InlineData(0, 1)]
    [InlineData(2, 2)]
    [InlineData(int.MaxValue, 3)]
    public void No_more_is_dropped_than_waits(int rows, int dropped) =>
        Assert.Equal(BatchDecision.Drop(dropped), Make(_ => BatchDecision.Drop(rows)).Decide(Queue(waiting: 3), now: 1000));

    [Fact]
    public void Rows_that_no_more_will_follow_do_not_wait_for_them()
    {
        Scheduler scheduler = Make(static _ => BatchDecision.WaitUntil(long.MaxValue, 8));
        Assert.Equal(BatchDecision.WaitUntil(long.MaxValue, 8), scheduler.Decide(Queue(waiting: 3), now: 1000));
        Assert.Equal(BatchDecision.Dispatch(3), scheduler.Decide(Queue(waiting: 3) with { IsClosed = true }, now: 1000));
    }

    [Fact]
    public void Rows_submitted_by_a_clock_that_was_set_back_do_not_wait_for_it()
    {
        Scheduler scheduler = Make(static _ => BatchDecision.WaitUntil(long.MaxValue, 8));
        Assert.Equal(BatchDecision.WaitUntil(long.MaxValue, 8), scheduler.Decide(Queue(waiting: 3) with { OldestEnqueued = 1000 }, now: 1000));
        Assert.Equal(BatchDecision.Dispatch(3), scheduler.Decide(Queue(waiting: 3) with { OldestEnqueued = 1001 }, now: 1000));
    }

    [Fact]
    public void Batches_that_do_not_fit_into_memory_are_smaller_until_it_is_seen_that_there_is_room()
    {
        var seen = new List<int>();
        Scheduler scheduler = Make(queue =>
        {
            seen.Add(queue.MaxBatchSize);
            return BatchDecision.Dispatch(queue.Waiting);
        });
        scheduler.OutOfMemory(8);
        Assert.Equal((4, 4), (scheduler.Cap, scheduler.Estimates.MaxRows));
        scheduler.Decide(Queue(waiting: 4), now: 0);
        for (int batch = 0; scheduler.Cap < 8; batch++)
        {
            Assert.InRange(batch, 0, 20_000);
            scheduler.Record(scheduler.Cap, batch * 10, batch * 10 + 5);
        }

        scheduler.Decide(Queue(waiting: 4), now: 0);
        scheduler.Adopt(new object(), ImmediatePolicy.Instance, usesEstimates: false, maxBatchSize: 6);
        Assert.Equal(6, scheduler.Cap);
        Assert.Equal(BatchDecision.Dispatch(4), scheduler.Decide(Queue(waiting: 4), now: 0));
        Assert.Equal([4, 8], seen);
    }

    [Theory]
    [InlineData(true, 34)]
    [InlineData(false, 2)]
    public void Estimates_are_learned_from_every_batch_where_something_rests_on_them_and_from_one_in_sixteen_elsewhere(bool needed, int learned)
    {
        Scheduler scheduler = Make(static queue => BatchDecision.Dispatch(queue.Waiting), needed);
        for (int batch = 0; batch < 35; batch++)
        {
            scheduler.Decide(Queue(waiting: 3) with { Submitted = 3 * batch }, now: batch * 1000);
            scheduler.Start(3, batch * 1000);
            scheduler.Record(3, batch * 1000, batch * 1000 + 600);
        }

        // The first of a size is a warm-up.
        Assert.Equal(600, scheduler.Cost.Mean(3), 0.001);
        Assert.Equal(600, scheduler.Estimates.Cost.Mean(3), 0.001);
        Assert.Equal(0.003, scheduler.ArrivalRate, 1e-9);
        Assert.Equal(learned, scheduler.CostSamples);
    }

    [Fact]
    public void A_batch_that_says_nothing_of_its_cost_teaches_nothing()
    {
        Scheduler scheduler = Make(static queue => BatchDecision.Dispatch(queue.Waiting), usesEstimates: true);
        scheduler.Record(0, 0, 500);
        scheduler.Record(0, 500, 1000);
        Assert.Equal((0, 1000, 500), (scheduler.CostSamples, scheduler.LastEnded, scheduler.LastDuration));
    }

    private static QueueState Queue(int waiting) => new(waiting, waiting, waiting, 0, 0, 0, false);

    private static Scheduler Make(Func<QueueSnapshot, BatchDecision> answer, bool usesEstimates = false) =>
        new(new Answering(answer, usesEstimates), maxBatchSize: 8, Second);

    private sealed class Answering(Func<QueueSnapshot, BatchDecision> answer, bool usesEstimates) : IBatchPolicy
    {
        public bool UsesEstimates => usesEstimates;

        public BatchDecision Decide(in QueueSnapshot queue, long now) => answer(queue);
    }
}
