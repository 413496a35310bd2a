using FastBatch.Scheduling;

namespace FastBatch.Simulation;

/// <summary>The requests that wait: one line per level, in order of arrival. What lanes are in a batcher.</summary>
internal sealed class SimulatedQueue
{
    public const int Normal = 1;

    private readonly Line[] _lines;
    private readonly PriorityShares _shares;
    private readonly bool _hasLevels;
    private readonly long[] _submitted;
    private readonly long[] _deadlines;
    private readonly sbyte[] _levels;
    private readonly int[] _chosen;
    private readonly long[] _chosenDeadlines;

    public SimulatedQueue(Scenario scenario)
    {
        _hasLevels = scenario.Draw is not null;
        _shares = new PriorityShares(VirtualTime.FromMilliseconds(scenario.AgePeriod));
        _lines = [.. Enumerable.Range(0, PriorityShares.Levels).Select(_ => new Line())];
        _submitted = new long[scenario.Requests];
        bool hasDeadlines = _hasLevels || double.IsFinite(scenario.Deadline);
        _deadlines = hasDeadlines ? new long[scenario.Requests] : [];
        _levels = _hasLevels ? new sbyte[scenario.Requests] : [];
        _chosen = new int[scenario.MaxBatchSize];
        _chosenDeadlines = new long[scenario.MaxBatchSize];
    }

    public int Count { get; private set; }

    public long Submitted(int row) => _submitted[row];

    public long Deadline(int row) => _deadlines.Length == 0 ? long.MaxValue : _deadlines[row];

    public int Level(int row) => _hasLevels ? _levels[row] : Normal;

    /// <summary>Rows at a level and above it.</summary>
    public int CountFrom(int level)
    {
        int count = 0;
        for (; level < _lines.Length; level++)
        {
            count += _lines[level].Count;
        }

        return count;
    }

    public void Add(int row, int level, long now, long deadline)
    {
        _submitted[row] = now;
        if (_deadlines.Length > 0)
        {
            _deadlines[row] = deadline;
        }

        if (_hasLevels)
        {
            _levels[row] = (sbyte)level;
        }

        _lines[level].Add(row);
        Count++;
    }

    /// <summary>When the first and the last of so many rows were submitted, and the earliest of their deadlines.</summary>
    public (long Oldest, long Newest, long Earliest) Look(int waiting)
    {
        (long oldest, long newest, long earliest) = (long.MaxValue, 0, long.MaxValue);
        foreach (Line line in _lines)
        {
            int count = Math.Min(line.Count, waiting);
            if (count > 0)
            {
                oldest = Math.Min(oldest, _submitted[line[0]]);
                newest = Math.Max(newest, _submitted[line[count - 1]]);
                for (int i = 0; _deadlines.Length > 0 && i < count; i++)
                {
                    earliest = Math.Min(earliest, _deadlines[line[i]]);
                }
            }
        }

        return (oldest, newest, earliest);
    }

    /// <summary>The rows that a batch of so many takes; they still wait. Valid until the next call.</summary>
    public Span<int> Choose(int rows, long now)
    {
        Span<int> taken = stackalloc int[PriorityShares.Levels];
        taken[Normal] = rows;
        if (_hasLevels)
        {
            _shares.Divide(
                rows, [.. _lines.Select(line => line.Count)], [.. _lines.Select(line => line.Count > 0 ? _submitted[line[0]] : 0)], now, taken);
        }

        int count = 0;
        for (int level = PriorityShares.Levels - 1; level >= 0; level--)
        {
            for (int i = 0; i < taken[level]; i++)
            {
                _chosen[count++] = _lines[level][i];
            }
        }

        return _chosen.AsSpan(0, count);
    }

    public ReadOnlySpan<long> Deadlines(ReadOnlySpan<int> rows)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            _chosenDeadlines[i] = _deadlines[rows[i]];
        }

        return _chosenDeadlines.AsSpan(0, rows.Length);
    }

    /// <summary>Takes out rows that are in order within their levels.</summary>
    public void Remove(ReadOnlySpan<int> rows)
    {
        Count -= rows.Length;
        if (!_hasLevels)
        {
            _lines[Normal].Remove(rows);
            return;
        }

        foreach (int row in rows)
        {
            _lines[_levels[row]].Remove([row]);
        }
    }

    // A ring that grows.
    private sealed class Line
    {
        private int[] _rows = new int[256];
        private int _head;

        public int Count { get; private set; }

        public int this[int index] => _rows[(_head + index) & (_rows.Length - 1)];

        public void Add(int row)
        {
            if (Count == _rows.Length)
            {
                _rows = [.. _rows[_head..], .. _rows[.._head], .. new int[Count]];
                _head = 0;
            }

            _rows[(_head + Count++) & (_rows.Length - 1)] = row;
        }

        // Mostly the first; else those before move up.
        public void Remove(ReadOnlySpan<int> rows)
        {
            for (int i = 0; i < rows.Length; i++)
            {
                int at = i;
                while (this[at] != rows[i])
                {
                    at++;
                }

                for (; at > i; at--)
                {
                    _rows[(_head + at) & (_rows.Length - 1)] = this[at - 1];
                }
            }

            _head = (_head + rows.Length) & (_rows.Length - 1);
            Count -= rows.Length;
        }
    }
}
