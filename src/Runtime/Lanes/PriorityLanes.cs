using FastBatch.Atomics;
using FastBatch.Diagnostics;
using FastBatch.Scheduling;

namespace FastBatch.Lanes;

/// <summary>
/// The lanes of one batcher, one per <see cref="RequestPriority"/>. That of Normal is always there; each other is made when it is first used,
/// so that those who use one priority pay nothing. A batch of rows of one lane lies in that lane's memory; rows of several are gathered
/// in memory of their own, so that the method sees one run of rows all the same.
/// </summary>
internal sealed class PriorityLanes
{
    /// <summary>When a request has waited so long its level gets its share of each batch.</summary>
    private static readonly TimeSpan AgePeriod = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly InputRows[] _inputs;
    private readonly int _maxBatchSize;
    private readonly BatcherOptions _options;
    private readonly ParkedRows _parked;
    private readonly PriorityShares _shares;
    private readonly AtomicReference<Lane>[] _lanes = new AtomicReference<Lane>[RowPlace.Lanes];
    private volatile bool _areSeveral;
    private bool _hasMixed;

    // 1 once all are closed.
    private AtomicInt32 _isClosed;
    private bool _closed;

    // Device side. By level, the lowest first: what could be taken, since when its oldest row waits, and what is taken.
    private readonly int[] _waiting = new int[PriorityShares.Levels];
    private readonly long[] _oldest = new long[PriorityShares.Levels];
    private readonly int[] _taken = new int[PriorityShares.Levels];

    public PriorityLanes(InputRows[] inputs, int maxBatchSize, BatcherOptions options)
    {
        (_inputs, _maxBatchSize, _options) = (inputs, maxBatchSize, options);
        _parked = new ParkedRows(inputs);
        _shares = new PriorityShares((long)options.TimeProvider.ToTimestamp(AgePeriod));
        Normal = Create(0);
        _lanes[0].Write(Normal);
    }

    public Lane Normal { get; }

    /// <summary>Whether there are others than Normal's. Once it is so it stays so.</summary>
    public bool AreSeveral => _areSeveral;

    /// <summary>Rows submitted and not yet taken into a batch, of all lanes.</summary>
    public int Backlog => _areSeveral ? BacklogFrom(RequestPriority.Low) : Normal.Backlog;

    /// <summary>Rows ever submitted.</summary>
    public long Submitted
    {
        get
        {
            long submitted = Normal.Ring.Claimed;
            for (int index = 1; _areSeveral && index < RowPlace.Lanes; index++)
            {
                submitted += this[index]?.Ring.Claimed ?? 0;
            }

            return submitted;
        }
    }

    /// <summary>Whether no claim succeeds any more, in any lane.</summary>
    public bool IsClosed => _isClosed.Read() == 1;

    /// <summary>Whether every row ever claimed has been given back, and none is parked.</summary>
    public bool IsEmpty
    {
        get
        {
            for (int index = 0; index < RowPlace.Lanes; index++)
            {
                if (this[index] is { } lane && !(lane.Overflow.IsEmpty && lane.Ring.Claimed == lane.Ring.ReleaseMark))
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>Whether a lane has no room, and nothing that could be taken to make some. Any thread; a moment's view.</summary>
    public bool IsStuck
    {
        get
        {
            for (int index = 0; index < RowPlace.Lanes; index++)
            {
                if (this[index]?.Ring is { HasRoom: false } ring && ring.ReadMark == ring.Claimed)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>The lane with this index, see <see cref="RowPlace"/>; null if it was never used.</summary>
    public Lane? this[int index] => _lanes[index].Read();

    /// <summary>The lane of a priority; null if it was never used.</summary>
    public Lane? LaneOf(RequestPriority priority) => this[IndexOf(priority)];

    /// <summary>Rows that would be taken before one submitted now.</summary>
    public int BacklogFrom(RequestPriority priority)
    {
        int backlog = 0;
        for (RequestPriority level = priority; level <= RequestPriority.Critical; level++)
        {
            backlog += this[IndexOf(level)]?.Backlog ?? 0;
        }

        return backlog;
    }

    /// <summary>Caller side: the lane of a priority. Null once closed, if it was never used before.</summary>
    public Lane? Open(RequestPriority priority)
    {
        if (!Enum.IsDefined(priority))
        {
            throw new ArgumentOutOfRangeException(nameof(priority), priority, $"The priority must be a defined value; it is {priority}.");
        }

        return this[IndexOf(priority)] ?? OpenFirst(IndexOf(priority));
    }

    /// <summary>No claim succeeds from now on.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            for (int index = 0; index < RowPlace.Lanes; index++)
            {
                this[index]?.Overflow.Close();
                this[index]?.Ring.Close();
            }

            // When all are: until then a row may still be claimed. Full fence: of whoever closes and whoever resumes the last caller, one at least
            // sees that everything is drained.
            _isClosed.Exchange(1);
        }
    }

    /// <summary>
    /// Device side: fills the lanes up from behind and, if no batch is out, gives back what has ended in front. Returns how many were cancelled.
    /// </summary>
    public int Refill(bool skips)
    {
        int cancelled = 0;
        for (int index = 0; index < RowPlace.Lanes && (index == 0 || _areSeveral); index++)
        {
            if (this[index] is { } lane)
            {
                cancelled += skips ? lane.SkipDecided() : 0;
                lane.Overflow.Refill(lane.Ring);
            }
        }

        return cancelled;
    }

    /// <summary>Device side: see <see cref="Lane.Forfeit"/>.</summary>
    public int Forfeit()
    {
        int cancelled = 0;
        for (int index = 0; index < RowPlace.Lanes; index++)
        {
            cancelled += this[index]?.Forfeit() ?? 0;
        }

        CountWaiting(1);
        return cancelled;
    }

    /// <summary>Device side: how many rows could be taken, up to <paramref name="limit"/>.</summary>
    public int CountWaiting(int limit)
    {
        if (!_areSeveral)
        {
            return Normal.CountWaiting(limit);
        }

        int total = 0;
        for (int level = 0; level < PriorityShares.Levels; level++)
        {
            Lane? lane = LaneOf(level);
            _waiting[level] = lane?.CountWaiting(limit) ?? 0;
            _oldest[level] = _waiting[level] > 0 ? lane!.Ring.Enqueued(lane.Ring.ReadMark) : long.MaxValue;
            total += _waiting[level];
        }

        return Math.Min(total, limit);
    }

    /// <summary>Device side: of the rows counted last, how many are not Normal's.</summary>
    public int WaitingElsewhere => _areSeveral ? _waiting.Sum() - _waiting[LevelOf(0)] : 0;

    /// <summary>Device side: when the first and the last of the rows counted last were submitted.</summary>
    public (long Oldest, long Newest) Enqueued(int waiting)
    {
        if (!_areSeveral)
        {
            long first = Normal.Ring.ReadMark;
            return (Normal.Ring.Enqueued(first), Normal.Ring.Enqueued(first + waiting - 1));
        }

        long newest = 0;
        for (int level = 0; level < PriorityShares.Levels; level++)
        {
            if (_waiting[level] > 0)
            {
                LaneRing ring = LaneOf(level)!.Ring;
                newest = Math.Max(newest, ring.Enqueued(ring.ReadMark + _waiting[level] - 1));
            }
        }

        return (_oldest.Min(), newest);
    }

    /// <summary>Device side: the earliest deadline of the rows counted last.</summary>
    public long EarliestDeadline(int waiting)
    {
        if (!_areSeveral)
        {
            return Normal.EarliestDeadline(waiting);
        }

        long earliest = long.MaxValue;
        for (int level = 0; level < PriorityShares.Levels; level++)
        {
            earliest = Math.Min(earliest, LaneOf(level)?.EarliestDeadline(_waiting[level]) ?? long.MaxValue);
        }

        return earliest;
    }

    /// <summary>Device side: of the rows counted last, chooses those that the next batch takes.</summary>
    public void Choose(int rows, long now)
    {
        if (_areSeveral)
        {
            _shares.Divide(rows, _waiting, _oldest, now, _taken);
        }
    }

    /// <summary>Device side: the deadlines of the rows chosen, in the order in which they are taken.</summary>
    public void ReadDeadlines(Span<long> deadlines)
    {
        if (!_areSeveral)
        {
            Normal.ReadDeadlines(deadlines);
            return;
        }

        for (int level = PriorityShares.Levels - 1; level >= 0; level--)
        {
            LaneOf(level)?.ReadDeadlines(deadlines[.._taken[level]]);
            deadlines = deadlines[_taken[level]..];
        }
    }

    /// <summary>Device side: takes the first <paramref name="rows"/> of the rows chosen, the highest level first; see <see cref="Lane.Close"/>.</summary>
    public void Close(Batch batch, int rows, long cutoff = long.MinValue, Batch? late = null)
    {
        if (!_areSeveral)
        {
            Normal.Close(batch, rows, cutoff, late);
            return;
        }

        int left = rows;
        int lanes = 0;
        Lane single = Normal;
        for (int level = PriorityShares.Levels - 1; level >= 0; level--)
        {
            _taken[level] = Math.Min(_taken[level], left);
            left -= _taken[level];
            (lanes, single) = _taken[level] > 0 ? (lanes + 1, LaneOf(level)!) : (lanes, single);
        }

        if (lanes == 1)
        {
            single.Close(batch, rows, cutoff, late);
        }
        else
        {
            Gather(batch, cutoff, late);
        }
    }

    /// <summary>Device side: the batch's input rows have been read for the last time.</summary>
    public void Release(Batch batch)
    {
        if (!batch.IsMixed)
        {
            this[batch.LaneIndex]!.Release(batch);
            return;
        }

        for (int index = 0; index < RowPlace.Lanes; index++)
        {
            if (batch.EndTickets[index] != Batch.NoTicket)
            {
                this[index]!.Release(batch.EndTickets[index]);
            }
        }

        PoisonMixed(batch);
    }

    /// <summary>Device side: what is to be given back when the batch's rows have been read, and those of all before it.</summary>
    public TakenRows TakenBy(Batch batch)
    {
        var taken = default(TakenRows);
        for (int index = 0; index < RowPlace.Lanes; index++)
        {
            taken.EndTickets[index] = batch.IsMixed ? batch.EndTickets[index]
                : index == batch.LaneIndex ? batch.EndTicket
                : Batch.NoTicket;
        }

        taken.Spilled = batch.IsMixed ? 0 : RowPlace.Index(batch.HostRow) + batch.Count - this[batch.LaneIndex]!.Ring.Size;
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

    /// <summary>Device side, for tests: makes the rows unreadable in which a batch was gathered, and which have been read.</summary>
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

    /// <summary>Any thread, once closed: see <see cref="Lane.TryFailAll"/>.</summary>
    public bool TryFailAll(string batcher, Ledger ledger)
    {
        bool all = true;
        for (int index = 0; index < RowPlace.Lanes; index++)
        {
            all &= this[index]?.TryFailAll(batcher, ledger) ?? true;
        }

        return all;
    }

    /// <summary>Any thread: see <see cref="Lane.EndAll"/>.</summary>
    public void EndAll(Func<FastBatchException?> fault, RequestOutcome outcome, Ledger ledger, bool waitingOnly = false)
    {
        for (int index = 0; index < RowPlace.Lanes; index++)
        {
            this[index]?.EndAll(fault, outcome, ledger, waitingOnly);
        }
    }

    /// <summary>Any thread: see <see cref="Lane.Expire"/>.</summary>
    public bool Expire(long now, string batcher, Ledger ledger)
    {
        bool any = false;
        for (int index = 0; index < RowPlace.Lanes; index++)
        {
            any |= this[index]?.Expire(now, batcher, ledger) ?? false;
        }

        return any;
    }

    private static int IndexOf(RequestPriority priority) => (int)priority & (RowPlace.Lanes - 1);

    // Levels count from Low, lanes from Normal.
    private static int LevelOf(int index) => (index + 1) & (RowPlace.Lanes - 1);

    private Lane? LaneOf(int level) => this[(level - 1) & (RowPlace.Lanes - 1)];

    private Lane? OpenFirst(int index)
    {
        lock (_gate)
        {
            if (_closed || this[index] is not null)
            {
                return this[index];
            }

            ReserveMixed();
            Lane lane = Create(index);

            // In this order: whoever sees the lane sees that there are several.
            _areSeveral = true;
            _lanes[index].Write(lane);
            return lane;
        }
    }

    /// <summary>Any thread: makes the rows in which batches are gathered, unless they are there.</summary>
    public void ReserveMixed()
    {
        lock (_gate)
        {
            if (_hasMixed)
            {
                return;
            }

            // For each device its own: batches of several may be on their way there at once.
            foreach (InputRows rows in _inputs)
            {
                rows.Allocate(RowPlace.Memory(RowPlace.Mixed), _maxBatchSize * Math.Max(1, _options.Devices.Count), _options.ZeroRows);
            }

            _hasMixed = true;
        }
    }

    /// <summary>The first of the rows in which batches for a device are gathered.</summary>
    public int MixedRow(int deviceNumber) => RowPlace.Mixed + (deviceNumber * _maxBatchSize);

    /// <summary>Device side: zeroes the rows of a batch.</summary>
    public void Clear(Batch batch)
    {
        foreach (InputRows rows in _inputs)
        {
            rows.Clear(batch.FirstRow, batch.Count);
        }
    }

    private Lane Create(int index) =>
        new(_inputs, _maxBatchSize, _options.Capacity, _options.ZeroRows, _options.Checked, _options.MaxQueueBytes, index, _parked,
            consumers: Math.Max(1, _options.Devices.Count));

    private void Gather(Batch batch, long cutoff, Batch? late)
    {
        int count = 0;
        int cancelled = 0;
        batch.Mix();
        for (int level = PriorityShares.Levels - 1; level >= 0; level--)
        {
            if (_taken[level] > 0)
            {
                count = LaneOf(level)!.Gather(batch, MixedRow(batch.DeviceNumber), count, _taken[level], cutoff, late, ref cancelled);
            }
        }

        batch.Close(MixedRow(batch.DeviceNumber), count, Batch.NoTicket, cancelled);
    }
}
