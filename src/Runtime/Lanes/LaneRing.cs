using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastBatch.Atomics;
using FastBatch.Completion;

namespace FastBatch.Lanes;

/// <summary>
/// The positions of a lane. Callers, any number at once, claim a ticket and publish it once its row is written; the device side, one
/// thread at a time, reads the published run and releases it. Invariant: read and release never pass an unpublished ticket, claim is never
/// more than the bound ahead of release, and every claim is published, if only as a tombstone. Rows follow tickets around the
/// ring, but a claim that finds the ring empty starts again with the first rows: few requests in flight keep to few rows, and those in
/// the cache.
/// </summary>
internal sealed class LaneRing
{
    /// <summary>Claim refused: the bound is reached.</summary>
    public const long Full = -1;

    /// <summary>Claim refused: the lane is closed.</summary>
    public const long Closed = -2;

    private const long ClosedBit = long.MinValue;

    // 57 bits of tickets: centuries at ten million a second.
    private const int ShiftBits = 6;
    private const int ShiftMask = (1 << ShiftBits) - 1;

    private readonly Slot[] _slots;
    private readonly int _mask;

    // Rows are shifted by multiples of 2^_stepBits, so that the count of steps fits into the claim.
    private readonly int _stepBits;

    // Owned by the callers. From the low end: by how many steps rows are shifted against tickets, the next ticket, the bit that closes.
    // The shift changes only while no ticket is out, so it is the same for all that are.
    private PaddedAtomicInt64 _claim;

    // Owned by the device side; callers read them to see room.
    private RoomMarks _room;

    // Of the device side alone; away from what callers read.
    private DeviceMarks _device;

    /// <param name="size">The ring's rows; a power of two.</param>
    /// <param name="bound">See <see cref="Bound"/>.</param>
    public LaneRing(int size, int bound)
    {
        _slots = new Slot[size];
        _mask = size - 1;
        _stepBits = Math.Max(0, BitOperations.Log2((uint)size) - ShiftBits);
        _room.Bound.Write(bound);
    }

    public int Size => _slots.Length;

    /// <summary>Device side: the most tickets claimed and not released; at most <see cref="Size"/>.</summary>
    public int Bound => _room.Bound.Read();

    /// <summary>Tickets handed out so far. A full fence on the caller's side lies between a claim and whatever it reads next.</summary>
    public long Claimed => (_claim.Value.Read() & ~ClosedBit) >> ShiftBits;

    public bool IsClosed => _claim.Value.Read() < 0;

    /// <summary>Device side: the next ticket to be taken into a batch.</summary>
    public long ReadMark => Volatile.Read(ref _device.Read);

    /// <summary>Device side: all tickets before this are free again.</summary>
    public long ReleaseMark => _room.Release.Read();

    /// <summary>Caller side: a ticket and its row, or <see cref="Full"/> or <see cref="Closed"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long TryClaim(out int row) => TryClaim(acceptedBefore: false, out row);

    /// <summary>Device side, on behalf of a request accepted before: as <see cref="TryClaim(out int)"/>, even when closed.</summary>
    public long TryClaimAccepted(out int row) => TryClaim(acceptedBefore: true, out row);

    /// <summary>Makes the row visible to the device side; null for a claim that came to nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Publish(long ticket, PendingRequest? request, long enqueued = 0) =>
        Publish(ticket, request, request is null ? 0 : request.Ticket, enqueued);

    /// <summary>The same, for a request that was given its ticket earlier, and may have ended since.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Publish(long ticket, PendingRequest? request, long requestTicket, long enqueued)
    {
        ref Slot slot = ref _slots[(int)ticket & _mask];
        slot.Enqueued = enqueued;

        // Release, for those that peek: whoever sees one of these sees as well that the ticket before this one was released.
        Volatile.Write(ref slot.Request, request);
        Volatile.Write(ref slot.RequestTicket, requestTicket);

        // Release: orders the row and the fields above before the device side's read.
        slot.Sequence.Write(ticket + 1);
    }

    /// <summary>Device side: how many rows from <see cref="ReadMark"/> on are published without a gap, up to <paramref name="limit"/>.</summary>
    public int CountPublished(int limit)
    {
        long published = _device.Published;
        long end = _device.Read + limit;
        while (published < end && IsPublished(published))
        {
            published++;
        }

        _device.Published = published;

        // The limit may have been higher the last time.
        return (int)Math.Min(published - _device.Read, limit);
    }

    /// <summary>Whether <paramref name="ticket"/>, not yet released, is published. Any thread.</summary>
    public bool IsPublished(long ticket) => _slots[(int)ticket & _mask].Sequence.Read() == ticket + 1;

    /// <summary>Whether a claim would find room, were the lane open. Any thread.</summary>
    public bool HasRoom => Room > 0;

    /// <summary>How many tickets could be claimed. Any thread; a moment's view.</summary>
    public int Room
    {
        get
        {
            long release = ReleaseMark;
            return (int)(release + Bound - Claimed);
        }
    }

    /// <summary>
    /// Any thread: the request of a ticket, if it is published and not released. Whoever ends it presents <paramref name="requestTicket"/>:
    /// it may have ended meanwhile, and serve another caller.
    /// </summary>
    public PendingRequest? TryPeek(long ticket, out long requestTicket)
    {
        ref Slot slot = ref _slots[(int)ticket & _mask];
        bool published = slot.Sequence.Read() == ticket + 1;
        PendingRequest? request = Volatile.Read(ref slot.Request);
        requestTicket = Volatile.Read(ref slot.RequestTicket);

        // Acquiring reads, this one the last. Nobody writes to the slot of a ticket that is not released, so the two belong together.
        return published && ReleaseMark <= ticket ? request : null;
    }

    /// <summary>Device side: the request of a published ticket.</summary>
    public PendingRequest? Request(long ticket, out long requestTicket)
    {
        ref Slot slot = ref _slots[(int)ticket & _mask];
        requestTicket = slot.RequestTicket;
        return slot.Request;
    }

    /// <summary>Device side: the row of a ticket taken or waiting. Runs of tickets have runs of rows, around the ring's end.</summary>
    public int Row(long ticket) => Row(ticket, _claim.Value.Read());

    /// <summary>Device side: when a published row was submitted, tombstone or not; 0 where nobody asks.</summary>
    public long Enqueued(long ticket) => _slots[(int)ticket & _mask].Enqueued;

    /// <summary>Device side: takes <paramref name="count"/> published rows out of the queue; they stay theirs until released.</summary>
    public long Take(int count)
    {
        long first = _device.Read;
        _device.Read = first + count;

        // Those taken may not have been counted: then counting goes on behind them.
        _device.Published = Math.Max(_device.Published, first + count);
        return first;
    }

    /// <summary>Device side: the rows before <paramref name="ticket"/> may be claimed again.</summary>
    public void Release(long ticket) => _room.Release.Write(ticket);

    /// <summary>
    /// Device side: the same, and another bound from now on. A lower one does not take back room that may have been claimed already: it is lower by
    /// no more than what is released.
    /// </summary>
    public void Release(long ticket, int bound)
    {
        Debug.Assert(ticket + bound >= ReleaseMark + Bound && bound <= Size, "Room is taken back, or there are no rows for it.");

        // In this order: whoever sees rows released sees the bound that is theirs, or a later one.
        _room.Bound.Write(bound);
        Release(ticket);
    }

    /// <summary>No claim succeeds from now on.</summary>
    public void Close() => _claim.Value.Or(ClosedBit);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long TryClaim(bool acceptedBefore, out int row)
    {
        while (true)
        {
            long claim = _claim.Value.Read();
            if (claim < 0 && !acceptedBefore)
            {
                row = -1;
                return Closed;
            }

            // Acquire: the device side is done with the row that this ticket will use.
            long ticket = (claim & ~ClosedBit) >> ShiftBits;
            long taken = ticket - _room.Release.Read();
            if (taken >= _room.Bound.Read())
            {
                row = -1;
                return Full;
            }

            long shifted = taken == 0 ? (claim & ~ShiftMask) | ShiftToStart(ticket) : claim;

            // Compare-and-swap, not add: a claim that finds no room must be able to leave no trace.
            if (_claim.Value.CompareExchange(claim, shifted + (1 << ShiftBits)))
            {
                row = Row(ticket, shifted);
                return ticket;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Row(long ticket, long claim) => ((int)ticket + (((int)claim & ShiftMask) << _stepBits)) & _mask;

    // The shift that brings the ticket's row into the ring's first step.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long ShiftToStart(long ticket) => -(((int)ticket & _mask) >> _stepBits) & ShiftMask;

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct DeviceMarks
    {
        [FieldOffset(128)]
        public long Read;

        [FieldOffset(136)]
        public long Published;
    }

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct RoomMarks
    {
        [FieldOffset(128)]
        public AtomicInt64 Release;

        // On the same line; with room between them for words that are larger, where memory is modelled.
        [FieldOffset(160)]
        public AtomicInt32 Bound;
    }

    private struct Slot
    {
        public AtomicInt64 Sequence;
        public PendingRequest? Request;
        public long RequestTicket;
        public long Enqueued;
    }
}
