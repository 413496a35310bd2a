using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using FastBatch.Atomics;
using FastBatch.Completion;
using FastBatch.Diagnostics;
using FastBatch.Lanes;

namespace FastBatch.Execution;

/// <summary>
/// Gives one batch's requests their results and resumes their callers. Runs caller code, so never on a thread that has the device. Several
/// threads may deliver the same batch: the first from the front, helpers from the back; each request goes to the one whose
/// compare-and-swap decides it, so a continuation that blocks holds up no other. Pooled with its batch.
/// </summary>
internal sealed class Delivery(DeliveryDesk desk, int maxBatchSize) : IThreadPoolWorkItem
{
    // How many requests go by between two looks at the clock; a power of two.
    private const int LooksAtClock = 32;

    // How many requests ahead the processor is told of: the caller in between keeps it busy for as long as fetching one takes.
    private const int Ahead = 2;

    private const int CacheLine = 64;

    // Set in the word of participants once some thread has been through all members.
    private const int Walked = 1 << 30;

    // Threads that deliver or were asked to. The last to leave may use this object again.
    private AtomicInt32 _participants;

    // Odd while members are being delivered. Written by the first thread and the last.
    private AtomicInt32 _epoch;

    // Of this batch, by whoever decided them: requests that got a fault, and requests found to be cancelled.
    private AtomicInt32 _undelivered;
    private AtomicInt32 _cancelled;

    // Those that got their results, by threads that were not alone.
    private AtomicInt32 _delivered;

    // By the last thread to leave, one after the other.
    private AtomicInt64 _succeeded;

    public Batch Batch { get; } = new(maxBatchSize);

    /// <summary>Changes when a delivery begins and when it ends.</summary>
    public int Epoch => _epoch.Read();

    /// <summary>Callers that this object has given results so far. Any thread.</summary>
    public long Succeeded => _succeeded.Read();

    /// <summary>Whether members may be waiting for their turn.</summary>
    public bool IsUnderWay => (Epoch & 1) != 0 && _participants.Read() is > 0 and < Walked;

    /// <summary>Whether the thread pool is to resume all of its callers. Before it begins.</summary>
    public bool IsOnPool { get; set; }

    /// <summary>When it takes long, if it is not done by then; never once that was said. By the first thread.</summary>
    public long Due { get; set; }

    /// <summary>Whether one thread was asked to deliver all of it.</summary>
    public bool IsSolo { get; private set; }

    /// <summary>By the thread that ran the batch, before anyone delivers.</summary>
    public void Begin(int participants)
    {
        IsSolo = participants == 1;
        _participants.Write(participants);
        _epoch.Write(_epoch.Read() + 1);
    }

    /// <summary>The first thread. True if nobody else is at it: then the caller may use this object again.</summary>
    public bool Run()
    {
        int count = Batch.Count;
        int delivered = 0;
        for (int i = 0; i < count; i++)
        {
            if (i + Ahead < count)
            {
                Prefetch(Batch.Members[i + Ahead].Request);
            }

            delivered += Deliver(i) ? 1 : 0;
            if ((i & (LooksAtClock - 1)) == LooksAtClock - 1)
            {
                desk.CheckPace(this);
            }
        }

        return Leave(count, delivered);
    }

    /// <summary>As <see cref="Run"/>, by a helper.</summary>
    public bool RunBackwards()
    {
        int count = Batch.Count;
        int delivered = 0;
        for (int i = count - 1; i >= 0; i--)
        {
            delivered += Deliver(i) ? 1 : 0;
        }

        return Leave(count, delivered);
    }

    /// <summary>A thread of the pool: the first, if the executor resumes no callers itself, or a helper.</summary>
    void IThreadPoolWorkItem.Execute() => desk.Help(this);

    /// <summary>Any thread, any time: one more helper, if requests may be waiting behind a continuation that does not return.</summary>
    public bool TryRescue()
    {
        while (IsUnderWay)
        {
            int participants = _participants.Read();
            if (participants is > 0 and < Walked && _participants.CompareExchange(participants, participants + 1))
            {
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                return true;
            }
        }

        return false;
    }

    // Since the request was submitted a whole batch has been through the cache. The address is a hint: it does no harm if the request is moved
    // meanwhile.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Prefetch(PendingRequest? request)
    {
        if (Sse.IsSupported)
        {
            byte* address = (byte*)Unsafe.As<PendingRequest?, nint>(ref request);
            Sse.Prefetch0(address);
            Sse.Prefetch0(address + CacheLine);
        }
    }

    // True if this thread gave the caller a result.
    private bool Deliver(int row)
    {
        ref readonly BatchMember member = ref Batch.Members[row];
        PendingRequest request = member.Request!;
        long ticket = member.Ticket;
        if (Batch.HasResult || desk.Fault(Batch, row) is not { } fault)
        {
            if (request.TryDeliver(ticket, Batch.Outputs, row, out Continuation continuation))
            {
                continuation.RunHere();
                return true;
            }
        }
        else if (request.TryFail(ticket, fault, out Continuation continuation))
        {
            _undelivered.Add(1);
            Batch.Record?.End(row, Batch.Fate == BatchFate.Dropped ? RequestOutcome.Dropped : RequestOutcome.Failed);
            continuation.RunHere();
            return false;
        }

        if (request.SignOff(ticket))
        {
            _cancelled.Add(1);
            Batch.Record?.End(row, RequestOutcome.Cancelled);
        }

        return false;
    }

    // Every member is decided now: by this thread, by its caller, or by another that has it in hand.
    private bool Leave(int count, int delivered)
    {
        int participants = _participants.Read();
        if (participants < Walked && Batch.Record is { } record)
        {
            desk.NoteDelivered(record);
        }

        // The only one there ever was, as a rule: then nothing has to be added up.
        bool alone = participants == 1 && _participants.CompareExchange(1, Walked);
        if (!alone)
        {
            _delivered.Add(delivered);
            do
            {
                participants = _participants.Read();
            }
            while (!_participants.CompareExchange(participants, (participants - 1) | Walked));
        }

        bool last = (participants & ~Walked) == 1;
        if (last)
        {
            Settle(count, alone ? delivered : _delivered.Exchange(0));
            Batch.Detach();
            _epoch.Write(_epoch.Read() + 1);
        }

        if (participants < Walked)
        {
            desk.Delivered(count);
        }

        return last;
    }

    private void Settle(int count, int delivered)
    {
        (int undelivered, int cancelled) = (_undelivered.Read(), _cancelled.Read());
        _succeeded.Write(_succeeded.Read() + delivered);
        if ((undelivered | cancelled) != 0 || Batch.Record is not null)
        {
            desk.Settle(Batch, undelivered, cancelled, count - delivered - undelivered - cancelled);
            _undelivered.Write(0);
            _cancelled.Write(0);
        }
    }
}
