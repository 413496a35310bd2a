namespace FastBatch.Scheduling;

/// <summary>What is to become of the oldest rows: some are ended, or some are run.</summary>
/// <param name="Hopeless">If not 0: end so many of the oldest rows, and look again.</param>
/// <param name="Rows">Otherwise: take so many of the oldest rows ...</param>
/// <param name="Cutoff">... end those of them with a deadline before this, and run the rest.</param>
internal readonly record struct GuardVerdict(int Hopeless, int Rows, long Cutoff);

/// <summary>
/// Keeps the device from being spent on answers that come too late. A batch is made smaller for the sake of its most urgent row only if
/// everything that waits is in time that way; otherwise that row is given up. Shrinking at any other time lowers throughput when it is
/// needed most, which makes the next rows late as well: a spiral that does not end.
/// </summary>
internal static class DeadlineGuard
{
    /// <summary>Looks at the rows that a batch about to start would take.</summary>
    /// <param name="deadlines">Those rows' deadlines, oldest row first; <see cref="long.MaxValue"/> for none. Not empty.</param>
    /// <param name="backlog">All rows that wait, these included.</param>
    /// <param name="cost">What batches take.</param>
    /// <param name="now">The current timestamp.</param>
    public static GuardVerdict Judge(ReadOnlySpan<long> deadlines, int backlog, in CostEstimate cost, long now)
    {
        int rows = deadlines.Length;
        long end = End(rows, cost, now);
        (int late, int head, long earliest) = CountBefore(deadlines, end);
        if (late == 0)
        {
            return new GuardVerdict(0, rows, long.MinValue);
        }

        if (backlog > rows)
        {
            // More rows take the place of those given up at the front, so the batch is no shorter without them.
            return head > 0 ? new GuardVerdict(head, 0, 0) : new GuardVerdict(0, rows, end);
        }

        int first = Math.Min(cost.RowsWithin(earliest - now), rows - 1);
        if (first > 0 && IsInTime(deadlines, first, cost, now))
        {
            return new GuardVerdict(0, first, long.MinValue);
        }

        int kept = MostInTime(deadlines, cost, now);
        return kept > 0 ? Keep(deadlines, kept, End(kept, cost, now)) : new GuardVerdict(rows, 0, 0);
    }

    // The oldest that are in time; the rest are looked at when these have run.
    private static GuardVerdict Keep(ReadOnlySpan<long> deadlines, int kept, long cutoff)
    {
        int taken = 0;
        while (kept > 0)
        {
            kept -= deadlines[taken++] >= cutoff ? 1 : 0;
        }

        return new GuardVerdict(0, taken, cutoff);
    }

    // Two batches, one after the other.
    private static bool IsInTime(ReadOnlySpan<long> deadlines, int first, in CostEstimate cost, long now)
    {
        long end = End(first, cost, now);
        return CountBefore(deadlines[..first], end).Late == 0
            && CountBefore(deadlines[first..], End(deadlines.Length - first, cost, end)).Late == 0;
    }

    // The largest k such that k rows are in time in a batch of k. The more rows, the later it ends and the fewer are in time.
    private static int MostInTime(ReadOnlySpan<long> deadlines, in CostEstimate cost, long now)
    {
        (int low, int high) = (0, deadlines.Length - 1);
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            bool fits = deadlines.Length - CountBefore(deadlines, End(middle, cost, now)).Late >= middle;
            (low, high) = fits ? (middle, high) : (low, middle - 1);
        }

        return low;
    }

    // How many deadlines lie before a time, how many of them are at the front without a gap, and which is the earliest.
    private static (int Late, int Head, long Earliest) CountBefore(ReadOnlySpan<long> deadlines, long time)
    {
        (int late, int head, long earliest) = (0, 0, long.MaxValue);
        for (int i = 0; i < deadlines.Length; i++)
        {
            if (deadlines[i] < time)
            {
                head += head == i ? 1 : 0;
                late++;
                earliest = Math.Min(earliest, deadlines[i]);
            }
        }

        return (late, head, earliest);
    }

    private static long End(int rows, in CostEstimate cost, long now)
    {
        double duration = cost.Plan(rows);
        return duration < long.MaxValue - now ? now + (long)duration : long.MaxValue;
    }
}
