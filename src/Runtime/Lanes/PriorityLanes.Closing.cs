using System.Runtime.InteropServices;
using FastBatch.Scheduling;

namespace FastBatch.Lanes;

/// <content>
/// Whose rows the next batch has, and how they are given back. Device side. What is counted (<see cref="CountWaiting"/>) is what is chosen from, and
/// what is taken, whatever lanes come to be meanwhile.
/// </content>
internal sealed partial class PriorityLanes
{
    /// <summary>
    /// So many batches may be closed without rows of a lane of Normal's that has some, if those of another are a better choice.
    /// </summary>
    public const int MostPassedOver = 4;

    // By level, the lowest first: what could be taken, since when its oldest row waits, and what is taken.
    private readonly int[] _waiting = new int[PriorityShares.Levels];
    private readonly long[] _oldest = new long[PriorityShares.Levels];
    private readonly int[] _taken = new int[PriorityShares.Levels];

    // By lane: what could be taken of it. In the order in which they are taken: lanes, and how many rows of each.
    private readonly int[] _counted = new int[RowPlace.Lanes];
    private readonly (Lane Lane, int Rows)[] _parts = new (Lane, int)[RowPlace.Lanes];

    // By lane: batches that were closed without its rows since it last gave some, though it had.
    private readonly int[] _passedOver = new int[RowPlace.Lanes];
    private readonly Comparison<(Lane Lane, int Rows)> _byPassedOver;

    // What was counted last.
    private LastCount _last;

    /// <summary>How many rows could be taken, up to <paramref name="limit"/>.</summary>
    public int CountWaiting(int limit)
    {
        (_last.Backlog, _last.Submitted, _last.Elsewhere) = (0, 0, 0);
        if (!_areSeveral)
        {
            _last.Source = Normal;
            int waiting = Normal.CountWaiting(limit);
            CountAll(Normal);
            return waiting;
        }

        bool haveLevels = _haveLevels;
        _last.Source = haveLevels ? null : NextFull(limit);
        if (_last.Source is not null)
        {
            _last.Elsewhere = _last.Source == Normal ? 0 : limit;
            return limit;
        }

        (_last.Backlog, _last.Submitted) = (0, 0);
        int total = 0;
        for (int level = 0; level < PriorityShares.Levels; level++)
        {
            (_waiting[level], _oldest[level]) = (0, long.MaxValue);
            for (Lane? lane = LaneOf(level); lane is not null; lane = NextStripe(lane))
            {
                int waiting = lane.CountWaiting(limit);
                _counted[lane.Index] = waiting;
                CountAll(lane);
                if (waiting > 0)
                {
                    _waiting[level] += waiting;
                    _oldest[level] = Math.Min(_oldest[level], lane.Ring.Enqueued(lane.Ring.ReadMark));
                    _passedOver[lane.Index] += haveLevels ? 1 : 0;
                }
            }

            total += _waiting[level];
        }

        _last.Elsewhere = total - _counted[Normal.Index];
        return Math.Min(total, limit);
    }

    /// <summary>All rows that waited when rows were counted last: those that could be taken, those parked and those being written.</summary>
    public int CountedBacklog => _last.Backlog;

    /// <summary>Rows ever submitted, by then.</summary>
    public long CountedSubmitted => _last.Submitted;

    /// <summary>Of the rows counted last, how many are not in Normal's own lane.</summary>
    public int WaitingElsewhere => _last.Elsewhere;

    /// <summary>Any thread: whether a row waits, in another lane than Normal's, that was not there when a batch was last decided on.</summary>
    public bool HasNewsElsewhere
    {
        get
        {
            for (int index = 1; index < RowPlace.Lanes; index++)
            {
                if (this[index] is { HasNews: true })
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Whether so many rows wait, which one batch could have.</summary>
    public bool HasFullBatch(int rows)
    {
        if (_haveLevels)
        {
            return CountWaiting(rows) == rows;
        }

        Lane? lane = Normal;
        while (lane is not null && !lane.HasRows(rows))
        {
            lane = NextStripe(lane);
        }

        return lane is not null;
    }

    /// <summary>When the first and the last of the rows counted last were submitted.</summary>
    public (long Oldest, long Newest) Enqueued(int waiting)
    {
        if (_last.Source is { Ring: { } source })
        {
            return (source.Enqueued(source.ReadMark), source.Enqueued(source.ReadMark + waiting - 1));
        }

        long newest = 0;
        for (int index = 0; index < RowPlace.Lanes; index++)
        {
            if (_counted[index] > 0)
            {
                LaneRing ring = this[index]!.Ring;
                newest = Math.Max(newest, ring.Enqueued(ring.ReadMark + _counted[index] - 1));
            }
        }

        return (_oldest.Min(), newest);
    }

    /// <summary>The earliest deadline of the rows counted last.</summary>
    public long EarliestDeadline(int waiting)
    {
        if (_last.Source is not null)
        {
            return _last.Source.EarliestDeadline(waiting);
        }

        long earliest = long.MaxValue;
        for (int index = 0; index < RowPlace.Lanes; index++)
        {
            if (_counted[index] > 0)
            {
                earliest = Math.Min(earliest, this[index]!.EarliestDeadline(_counted[index]));
            }
        }

        return earliest;
    }

    /// <summary>Of the rows counted last, chooses those that the next batch takes.</summary>
    public void Choose(int rows, long now)
    {
        if (_last.Source is null)
        {
            _shares.Divide(rows, _waiting, _oldest, now, _taken);
        }
    }

    /// <summary>The deadlines of the rows chosen, in the order in which they are taken.</summary>
    public void ReadDeadlines(Span<long> deadlines)
    {
        if (_last.Source is not null)
        {
            _last.Source.ReadDeadlines(deadlines);
            return;
        }

        foreach ((Lane lane, int rows) in Parts(deadlines.Length))
        {
            lane.ReadDeadlines(deadlines[..rows]);
            deadlines = deadlines[rows..];
        }
    }

    /// <summary>Takes the first <paramref name="rows"/> of the rows chosen, the highest level first; see <see cref="Lane.Close"/>.</summary>
    public void Close(Batch batch, int rows, long cutoff = long.MinValue, Batch? late = null)
    {
        if (_last.Source is not null)
        {
            _last.Source.Close(batch, rows, cutoff, late);
            _passedOver[_last.Source.Index] = 0;
            return;
        }

        ReadOnlySpan<(Lane Lane, int Rows)> parts = Parts(rows);
        if (parts.Length == 1)
        {
            parts[0].Lane.Close(batch, rows, cutoff, late);
        }
        else
        {
            Gather(batch, parts, cutoff, late);
        }

        foreach ((Lane lane, _) in parts)
        {
            _passedOver[lane.Index] = 0;
        }
    }

    /// <summary>The batch's input rows have been read for the last time.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="borrower">The stripe that its callers will submit to, which gets the room; null for none.</param>
    public void Release(Batch batch, Lane? borrower = null)
    {
        bool isStriped = IsStriped;
        if (isStriped)
        {
            BeginMove();
        }

        if (!batch.IsMixed)
        {
            Release(this[batch.LaneIndex]!, batch.EndTicket, batch, borrower);
        }
        else
        {
            for (int index = 0; index < RowPlace.Lanes; index++)
            {
                if (batch.EndTickets[index] != Batch.NoTicket)
                {
                    Release(this[index]!, batch.EndTickets[index], batch, borrower);
                }
            }

            PoisonMixed(batch);
        }

        if (isStriped)
        {
            EndMove();
        }
    }

    /// <summary>What is to be given back when the batch's rows have been read, and those of all before it.</summary>
    public TakenRows TakenBy(Batch batch)
    {
        var taken = default(TakenRows);
        for (int index = 0; index < RowPlace.Lanes; index++)
        {
            taken.EndTickets[index] = batch.IsMixed ? batch.EndTickets[index]
                : index == batch.LaneIndex ? batch.EndTicket
                : Batch.NoTicket;
        }

        taken.Spilled = batch.IsMixed ? 0 : SpilledBy(batch);
        return taken;
    }

    /// <summary>Under the lock of <see cref="ReleaseOrder"/>: gives them back.</summary>
    public void Release(in TakenRows taken)
    {
        for (int index = 0; index < RowPlace.Lanes; index++)
        {
            if (taken.EndTickets[index] != Batch.NoTicket)
            {
                this[index]!.Release(taken.EndTickets[index], taken.Spilled);
            }
        }
    }

    /// <summary>For tests: makes the rows unreadable in which a batch was gathered, and which have been read.</summary>
    public void PoisonMixed(Batch batch)
    {
        if (_options.Checked && batch.IsMixed)
        {
            foreach (InputRows rows in _inputs)
            {
                rows.Poison(batch.HostRow, batch.Members.Length);
            }
        }
    }

    // After the rows that could be taken, so never fewer than those. Returns how many wait in its ring.
    private int CountAll(Lane lane)
    {
        long claimed = lane.Ring.Claimed;
        int waiting = (int)(claimed - lane.Ring.ReadMark);
        _last.Submitted += claimed;
        _last.Backlog += waiting + (lane.IsStripe ? 0 : lane.Overflow.Waiting);
        return waiting;
    }

    // Levels count from Low, lanes from Normal.
    private Lane? LaneOf(int level) => this[(level - 1) & (RowPlace.Priorities - 1)];

    private int SpilledBy(Batch batch) => RowPlace.Index(batch.HostRow) + batch.Count - this[batch.LaneIndex]!.Ring.Size;

    private void Release(Lane lane, long endTicket, Batch batch, Lane? borrower) => lane.Release(
        endTicket, batch.IsMixed ? 0 : SpilledBy(batch), lane.Priority == RequestPriority.Normal ? borrower : null, batch.Count);

    // Of the rows chosen the first so many, by lane. Of a level's lanes the one that was passed over most often comes first.
    private ReadOnlySpan<(Lane Lane, int Rows)> Parts(int rows)
    {
        int parts = 0;
        for (int level = PriorityShares.Levels - 1; level >= 0; level--)
        {
            int left = Math.Min(_taken[level], rows);
            rows -= left;
            int first = parts;
            for (Lane? lane = LaneOf(level); lane is not null; lane = NextStripe(lane))
            {
                if (_counted[lane.Index] > 0)
                {
                    _parts[parts++] = (lane, 0);
                }
            }

            _parts.AsSpan(first, parts - first).Sort(_byPassedOver);
            int used = first;
            for (; left > 0; used++)
            {
                int taken = Math.Min(left, _counted[_parts[used].Lane.Index]);
                _parts[used].Rows = taken;
                left -= taken;
            }

            parts = used;
        }

        return _parts.AsSpan(0, parts);
    }

    private void Gather(Batch batch, ReadOnlySpan<(Lane Lane, int Rows)> parts, long cutoff, Batch? late)
    {
        int count = 0;
        int cancelled = 0;
        batch.Mix();
        foreach ((Lane lane, int rows) in parts)
        {
            count = lane.Gather(batch, MixedRow(batch.DeviceNumber), count, rows, cutoff, late, ref cancelled);
        }

        batch.Close(MixedRow(batch.DeviceNumber), count, Batch.NoTicket, cancelled);
    }

    // Away from what callers read.
    [StructLayout(LayoutKind.Explicit, Size = 288)]
    private struct LastCount
    {
        // Of which the next batch is a run of rows; null if that is not known before it is divided.
        [FieldOffset(128)]
        public Lane? Source;

        [FieldOffset(136)]
        public long Submitted;

        [FieldOffset(144)]
        public int Backlog;

        [FieldOffset(148)]
        public int Elsewhere;
    }
}
