using System.Runtime.CompilerServices;
using FastBatch.Atomics;

namespace FastBatch.Lanes;

/// <summary>
/// Gives rows back in the order in which batches took them, where several devices read batches at once and one may be done before an earlier
/// one. A ring has one release mark: rows that were read early wait for those before them. Invariant: batches are added by whoever closes them,
/// one thread at a time and in that order; whoever finds this empty may give rows back by itself, if it is the one that closes batches.
/// </summary>
/// <param name="lanes">Whose rows they are.</param>
internal sealed class ReleaseOrder(PriorityLanes lanes)
{
    private readonly Lock _gate = new();

    // Under the lock: a ring of those not yet given back, from the oldest on.
    private Entry[] _entries = new Entry[16];
    private long _first;
    private long _next;

    // What the lock guards, for whoever looks without it.
    private AtomicInt64 _waiting;

    /// <summary>Whether all rows that batches took have been given back. By whoever closes batches, it stays so until it adds one.</summary>
    public bool IsEmpty => _waiting.Read() == 0;

    /// <summary>Any thread: the device that has the rows for which all others wait; negative for none.</summary>
    public int OldestDevice
    {
        get
        {
            lock (_gate)
            {
                return _first < _next ? _entries[_first & (_entries.Length - 1)].DeviceNumber : -1;
            }
        }
    }

    /// <summary>By whoever closed the batch, before anybody else may close one.</summary>
    public void Add(Batch batch)
    {
        lock (_gate)
        {
            if (_next - _first == _entries.Length)
            {
                Grow();
            }

            batch.ReleaseNumber = _next;
            _entries[_next++ & (_entries.Length - 1)] = new Entry { Rows = lanes.TakenBy(batch), DeviceNumber = batch.DeviceNumber };
            _waiting.Add(1);
        }
    }

    /// <summary>By the thread of the batch's device: its rows have been read for the last time. The batch may be used again at once.</summary>
    public void Read(Batch batch)
    {
        lanes.PoisonMixed(batch);
        lock (_gate)
        {
            _entries[batch.ReleaseNumber & (_entries.Length - 1)].IsRead = true;
            while (_first < _next && _entries[_first & (_entries.Length - 1)] is { IsRead: true } oldest)
            {
                lanes.Release(oldest.Rows);
                _first++;

                // Full fence, after the rows are free: whoever parked a request before this is seen by the look that follows, and whoever parks
                // one later has somebody look who sees the room.
                _waiting.Add(-1);
            }
        }
    }

    private void Grow()
    {
        var entries = new Entry[2 * _entries.Length];
        for (long number = _first; number < _next; number++)
        {
            entries[number & (entries.Length - 1)] = _entries[number & (_entries.Length - 1)];
        }

        _entries = entries;
    }

    private struct Entry
    {
        public TakenRows Rows;
        public int DeviceNumber;
        public bool IsRead;
    }
}

/// <summary>Rows of one batch: its lanes' rows before these tickets, and those it had past the end of its ring.</summary>
internal struct TakenRows
{
    public TicketsByLane EndTickets;
    public int Spilled;

    [InlineArray(RowPlace.Lanes)]
    internal struct TicketsByLane
    {
        private long _first;
    }
}
