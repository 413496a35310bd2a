using FastBatch.Scheduling;

namespace FastBatch.Tests.Scheduling;

/// <summary>Who is refused, who is given up, and when a batch is made smaller for its most urgent row: tables of what is known.</summary>
public class DeadlineTests
{
    // t(n) = 100 + 10 n, without scatter.
    private static readonly CostEstimate Cost = new(100, 10, 0);

    [Theory]
    // ahead, busy until, now | end
    [InlineData(0, 0, 1000, 1110)] // idle: its own batch of one
    [InlineData(0, 1500, 1000, 1610)] // behind what runs
    [InlineData(3, 1500, 1000, 1640)] // with three before it
    [InlineData(8, 1500, 1000, 1790)] // a full batch of eight before it
    [InlineData(23, 0, 1000, 1000 + 2 * 180 + 180)]
    public void The_end_of_a_request_is_predicted(int ahead, long busyUntil, long now, long end) =>
        Assert.Equal(end, Admission.PredictEnd(ahead, 8, Cost, busyUntil, now));

    [Fact]
    public void Nothing_known_refuses_nobody() => Assert.Equal(500, Admission.PredictEnd(1000, 8, default, 0, 500));

    [Fact]
    public void A_prediction_beyond_time_is_the_end_of_time() =>
        Assert.Equal(long.MaxValue, Admission.PredictEnd(int.MaxValue, 1, new CostEstimate(1e300, 0, 0), 0, 500));

    [Theory]
    [InlineData(0.02, 108)]
    [InlineData(0.5, 110)] // no more than a tenth
    public void Scatter_makes_promises_longer(double deviation, long duration) =>
        Assert.Equal(1000 + duration, Admission.PredictEnd(0, 8, new CostEstimate(90, 10, deviation), 0, 1000), 1.0);

    [Theory]
    // deadlines of those that would run (now is 0), all that wait | hopeless, or rows to take and which of them are too late
    [InlineData("140 140 140 140", 4, "take 4")] // just in time
    [InlineData("* * * *", 9, "take 4")]
    [InlineData("139 200 200 200", 4, "take 3, end those before 130")] // time for three of four: the oldest
    [InlineData("120 240 240 240", 4, "take 2")] // all in time: two, then two
    [InlineData("120 240 239 240", 4, "take 4, end those before 130")] // no: the second two would be late
    [InlineData("109 999 999 999", 4, "take 4, end those before 130")] // too late even alone
    [InlineData("999 109 999 999", 4, "take 4, end those before 130")] // the same in the middle
    [InlineData("110 110 110 110", 4, "take 1, end those before 110")] // time for one of four
    [InlineData("109 110 110 110", 4, "take 2, end those before 110")]
    [InlineData("5 5 5 5", 4, "end 4")]
    [InlineData("109", 1, "end 1")]
    [InlineData("110", 1, "take 1")]
    [InlineData("139 139 999 999", 9, "end 2")] // others take their places
    [InlineData("120 999 999 999", 9, "end 1")] // never smaller while more wait
    [InlineData("999 139 999 999", 9, "take 4, end those before 140")] // nobody can take a place in the middle
    public void Rows_too_late_are_given_up(string deadlines, int backlog, string expected)
    {
        long[] parsed = [.. deadlines.Split(' ').Select(text => text == "*" ? long.MaxValue : long.Parse(text))];
        GuardVerdict verdict = DeadlineGuard.Judge(parsed, backlog, Cost, now: 0);
        string actual = verdict.Hopeless > 0 ? $"end {verdict.Hopeless}"
            : verdict.Cutoff == long.MinValue ? $"take {verdict.Rows}"
            : $"take {verdict.Rows}, end those before {verdict.Cutoff}";
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void Whatever_the_deadlines_what_is_run_is_in_time_and_no_other_choice_runs_more_at_once()
    {
        var random = new Random(3);
        for (int round = 0; round < 20_000; round++)
        {
            long[] deadlines = [.. Enumerable.Range(0, random.Next(1, 9)).Select(_ => random.Next(4) == 0 ? long.MaxValue : random.NextInt64(80, 300))];
            int backlog = deadlines.Length + (random.Next(2) * random.Next(5));
            GuardVerdict verdict = DeadlineGuard.Judge(deadlines, backlog, Cost, 0);
            if (verdict.Hopeless > 0)
            {
                // None of them could be in the batch that runs without them: a full one if others take their places.
                Assert.All(deadlines[..verdict.Hopeless], deadline => Assert.True(deadline < Cost.Plan(backlog > deadlines.Length ? deadlines.Length : 1)));
                continue;
            }

            long[] run = [.. deadlines[..verdict.Rows].Where(deadline => deadline >= verdict.Cutoff)];
            Assert.NotEmpty(run);
            Assert.All(run, deadline => Assert.True(deadline >= Cost.Plan(run.Length)));
            bool shrinks = verdict.Cutoff == long.MinValue && verdict.Rows < deadlines.Length;
            if (shrinks)
            {
                // Only with everything that waits in time.
                Assert.Equal(deadlines.Length, backlog);
                long[] rest = deadlines[verdict.Rows..];
                Assert.All(rest, deadline => Assert.True(deadline >= Cost.Plan(run.Length) + Cost.Plan(rest.Length)));
            }
            else if (backlog == deadlines.Length)
            {
                int most = Enumerable.Range(1, deadlines.Length).Last(k => k == 1 || deadlines.Count(deadline => deadline >= Cost.Plan(k)) >= k);
                Assert.Equal(most, run.Length);
            }
        }
    }

    [Theory]
    // earliest deadline, policy's wait, now, waiting | until (0: dispatch). t(n) = 100 + 10 n is learned; a second has 5,000,000 units.
    [InlineData(long.MaxValue, 9000, 0, 1, 9000)]
    [InlineData(7000, 9000, 0, 1, 7000 - 120 - 1000)] // in time for the batch with one more row, however late the thread wakes up
    [InlineData(7000, 9000, 5880, 1, 0)]
    [InlineData(50000, 9000, 0, 1, 9000)]
    [InlineData(50, 9000, 0, 1, 0)]
    public void A_wait_ends_when_the_most_urgent_row_has_to_run(long earliest, long wait, long now, int waiting, long until)
    {
        var scheduler = new Scheduler(new Waiting(wait), 8, 5_000_000);
        Warm(scheduler);
        var queue = new QueueState(waiting, waiting, waiting, 0, 0, 0, false, earliest);
        Assert.Equal(until == 0 ? BatchDecision.Dispatch(waiting) : BatchDecision.WaitUntil(until, 8), scheduler.Decide(queue, now));
    }

    [Fact]
    public void A_row_with_a_deadline_does_not_wait_for_a_device_nobody_knows() => Assert.Equal(
        BatchDecision.Dispatch(1),
        new Scheduler(new Waiting(long.MaxValue), 8, 1_000_000_000).Decide(new QueueState(1, 1, 1, 0, 0, 0, false, long.MaxValue - 1), 0));

    [Fact]
    public void What_is_under_way_is_known_while_something_relies_on_it()
    {
        var scheduler = new Scheduler(ImmediatePolicy.Instance, 8, 1_000_000_000);
        Warm(scheduler);
        scheduler.Start(4, now: 1000);
        Assert.Equal(1140, scheduler.Estimates.BusyUntil, 1.0);
        Assert.Equal(1140 + 110, scheduler.Estimates.PredictEnd(0, 1100), 1.0);
        scheduler.Start(8, now: 1100);
        Assert.Equal(1320, scheduler.Estimates.BusyUntil, 2.0);
        scheduler.Record(4, 1000, 1200); // late by 60; the first of its size, so not learned from
        Assert.Equal(1380, scheduler.Estimates.BusyUntil, 2.0);
        scheduler.Record(0, 1100, 1300);
        Assert.Equal(0, scheduler.Estimates.BusyUntil);
        Assert.Equal(100, scheduler.LastDuration);
        Assert.Equal(2000 + 110, scheduler.Estimates.PredictEnd(0, 2000), 1.0);
    }

    [Fact]
    public void The_next_batch_closes_in_time_for_its_copy()
    {
        var copy = new CostEstimate(10, 1, 0);
        var scheduler = new Scheduler(ImmediatePolicy.Instance, 8, 1_000_000_000);
        Warm(scheduler);
        Assert.Equal(900, scheduler.CloseAt(copy, 3, now: 900)); // idle: at once
        scheduler.Start(4, now: 1000);
        Assert.Equal(1140 - 13, scheduler.CloseAt(copy, 3, now: 1000), 1.0);
        Assert.Equal(1050, scheduler.CloseAt(copy, 8, now: 1050)); // full: nobody could join
        Assert.Equal(1100 - 13 - 10, LateClose.At(1000, 1100, new CostEstimate(0, 0, 0.1), copy, 3)); // a tenth of scatter
    }

    [Fact]
    public void One_slow_spell_does_not_end_everybody_for_good()
    {
        const long second = 1_000_000_000;
        var scheduler = new Scheduler(ImmediatePolicy.Instance, 8, second);
        scheduler.Learn();
        scheduler.Record(1, 0, second);
        scheduler.Record(1, second, 2 * second);
        long deadline = 3 * second - 1;
        Assert.Equal(new GuardVerdict(1, 0, 0), scheduler.Guard([deadline], 1, now: 2 * second));

        // Nothing has run for a while: one batch goes to see how long it takes, without those who have given up on it.
        long later = 2 * second + second / 5;
        Assert.Equal(new GuardVerdict(0, 3, later), scheduler.Guard([deadline, later - 1, deadline], 3, later));
        Assert.Equal(new GuardVerdict(1, 0, 0), scheduler.Guard([later - 1], 1, later));
    }

    // As a batcher does: the first run of a size says nothing. It is over before time 1000.
    private static void Warm(Scheduler scheduler)
    {
        scheduler.Learn();
        foreach (int rows in (int[])[1, 1, 8, 8])
        {
            scheduler.Record(rows, scheduler.LastEnded, scheduler.LastEnded + 100 + 10 * rows);
        }
    }

    private sealed class Waiting(long until) : IBatchPolicy
    {
        public BatchDecision Decide(in QueueSnapshot queue, long now) => BatchDecision.WaitUntil(until, queue.MaxBatchSize);
    }
}
