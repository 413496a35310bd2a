namespace FastBatch.Scheduling;

/// <summary>
/// Divides a batch among the levels of priority: the highest first, what it leaves to the next, and so on; but a level whose oldest row has
/// waited for the age period gets an eighth of each batch before that. So a row that has waited for the age period, with p rows of its
/// level ahead, runs before 8 (p + 2) rows of the batches from then on have, whatever arrives above it; and the highest level always keeps
/// five eighths. Device side; no allocation.
/// </summary>
/// <param name="agePeriod">In timestamp units.</param>
internal sealed class PriorityShares(long agePeriod)
{
    /// <summary>The levels, the lowest first.</summary>
    public const int Levels = 4;

    private const int ShareDivisor = 8;

    // What each level is still owed of its share, in eighths of a row.
    private readonly int[] _owed = new int[Levels];

    /// <summary>Says how many rows of each level a batch takes. All of it is filled if enough rows wait.</summary>
    /// <param name="rows">The rows of the batch.</param>
    /// <param name="waiting">The rows that wait at each level, the lowest first.</param>
    /// <param name="oldest">When the oldest of each level was submitted; of no meaning where none waits.</param>
    /// <param name="now">The current timestamp.</param>
    /// <param name="taken">Receives the rows to take from each level.</param>
    public void Divide(int rows, ReadOnlySpan<int> waiting, ReadOnlySpan<long> oldest, long now, Span<int> taken)
    {
        int free = rows;
        taken.Clear();
        for (int level = 0; level < Levels - 1; level++)
        {
            if (waiting[level] == 0 || now - oldest[level] < agePeriod)
            {
                _owed[level] = 0;
                continue;
            }

            _owed[level] += rows;
            taken[level] = Math.Min(Math.Min(_owed[level] / ShareDivisor, waiting[level]), free);
            _owed[level] -= taken[level] * ShareDivisor;
            free -= taken[level];
        }

        for (int level = Levels - 1; level >= 0 && free > 0; level--)
        {
            int more = Math.Min(waiting[level] - taken[level], free);
            taken[level] += more;
            free -= more;
        }
    }
}
