using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastBatch.Atomics;
using FastBatch.Completion;

namespace FastBatch.Lanes;

/// <summary>
/// The positions of a lane. Callers, any number at once, claim a ticket and publish it once its row is written; the device side, one
/// thread at a time, reads the published run and releases it. Invariant: read and release never pass an unpublished ticket, claim is
/// never more than the bound ahead of release, and every claim is published, if only as a tombstone.
/// </summary>
internal sealed class LaneRing
{
    /// <summary>Claim refused: the bound is reached.</summary>
    public const long Full = -1;

    /// <summary>Claim refused: the lane is closed.</summary>
    public const long Closed = -2;

    private const long ClosedBit = long.MinValue;

    private readonly Slot[] _slots;
    private readonly int _bound;
    private readonly int _mask;

    // Owned by the callers; the sign bit closes it.
    private PaddedAtomicInt64 _claim;

    // Owned by the device side; callers read it to see room.
    private PaddedAtomicInt64 _release;

    // Of the device side alone; away from what callers read.
    private DeviceMarks _device;

    /// <param name="size">The ring's rows; a power of two.</param>
    /// <param name="bound">The most tickets claimed and not released; at most <paramref name="size"/>.</param>
    public LaneRing(int size, int bound)
    {
        _slots = new Slot[size];
        _mask = size - 1;
        _bound = bound;
    }

    public int Size => _slots.Length;

    /// <summary>Tickets handed out so far. A full fence on the caller's side lies between a claim and whatever it reads next.</summary>
    public long Claimed => _claim.Value.Read() & ~ClosedBit;

    public bool IsClosed => _claim.Value.Read() < 0;

    /// <summary>Device side: the next ticket to be taken into a batch.</summary>
    public long ReadMark => Volatile.Read(ref _device.Read);

    /// <summary>Device side: all tickets before this are free again.</summary>
    public long ReleaseMark => _release.Value.Read();

    /// <summary>Caller side: a ticket, <see cref="Full"/> or <see cref="Closed"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long TryClaim()
    {
        while (true)
        {
            long claim = _claim.Value.Read();
            if (claim < 0)
            {
                return Closed;
            }

            // Acquire: the device side is done with the row that this ticket will use.
            if (claim - _release.Value.Read() >= _bound)
            {
                return Full;
            }

            // Compare-and-swap, not add: a claim that finds no room must be able to leave no trace.
            if (_claim.Value.CompareExchange(claim, claim + 1))
            {
                return claim;
            }
        }
    }

    /// <summary>Device side, on behalf of a request accepted before: as <see cref="TryClaim"/>, even when closed.</summary>
    public long TryClaimAccepted()
    {
        while (true)
        {
            long claim = _claim.Value.Read();
            if ((claim & ~ClosedBit) - _release.Value.Read() >= _bound)
            {
                return Full;
            }

            if (_claim.Value.CompareExchange(claim, claim + 1))
            {
                return claim & ~ClosedBit;
            }
        }
    }

    /// <summary>Makes the row visible to the device side; null for a claim that came to nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Publish(long ticket, PendingRequest? request, long enqueued = 0)
    {
        ref Slot slot = ref _slots[(int)ticket & _mask];
        slot.Enqueued = enqueued;
        slot.Request = request;
        slot.RequestTicket = request is null ? 0 : request.Ticket;

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
        return (int)(published - _device.Read);
    }

    /// <summary>Whether <paramref name="ticket"/>, not yet released, is published. Any thread.</summary>
    public bool IsPublished(long ticket) => _slots[(int)ticket & _mask].Sequence.Read() == ticket + 1;

    /// <summary>Whether a claim would find room, were the lane open. Any thread.</summary>
    public bool HasRoom => Claimed - ReleaseMark < _bound;

    /// <summary>Device side: the request of a published ticket.</summary>
    public PendingRequest? Request(long ticket, out long requestTicket)
    {
        ref Slot slot = ref _slots[(int)ticket & _mask];
        requestTicket = slot.RequestTicket;
        return slot.Request;
    }

    /// <summary>Device side: when a published row was submitted, tombstone or not; 0 where nobody asks.</summary>
    public long Enqueued(long ticket) => _slots[(int)ticket & _mask].Enqueued;

    /// <summary>Device side: takes <paramref name="count"/> published rows out of the queue; they stay theirs until released.</summary>
    public long Take(int count)
    {
        long first = _device.Read;
        _device.Read = first + count;
        return first;
    }

    /// <summary>Device side: the rows before <paramref name="ticket"/> may be claimed again.</summary>
    public void Release(long ticket) => _release.Value.Write(ticket);

    /// <summary>No claim succeeds from now on.</summary>
    public void Close() => _claim.Value.Or(ClosedBit);

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct DeviceMarks
    {
        [FieldOffset(128)]
        public long Read;

        [FieldOffset(136)]
        public long Published;
    }

    private struct Slot
    {
        public AtomicInt64 Sequence;
        public PendingRequest? Request;
        public long RequestTicket;
        public long Enqueued;
    }
}
