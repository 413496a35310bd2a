using FastBatch.Atomics;
using FastBatch.Completion;
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
    private const int LooksAtClock = 16;

    // Threads that deliver or were asked to. The last to leave gives the outputs and this object back.
    private AtomicInt32 _participants;

    // Whether some thread has been through all members.
    private AtomicInt32 _walked;

    // Odd while members are being delivered.
    private AtomicInt32 _epoch;

    public Batch Batch { get; } = new(maxBatchSize);

    /// <summary>Changes when a delivery begins and when it ends.</summary>
    public int Epoch => _epoch.Read();

    /// <summary>Whether members may be waiting for their turn.</summary>
    public bool IsUnderWay => (Epoch & 1) != 0 && _walked.Read() == 0;

    /// <summary>By the thread that ran the batch, before anyone delivers.</summary>
    public void Begin(int participants)
    {
        _walked.Write(0);
        _participants.Write(participants);

        // Full fence: the desk's watch is looked at next.
        _epoch.Add(1);
    }

    /// <summary>The first thread. Returns how many requests it delivered.</summary>
    public int Run()
    {
        int delivered = 0;
        for (int i = 0; i < Batch.Count; i++)
        {
            delivered += Deliver(i) ? 1 : 0;
            if ((i & (LooksAtClock - 1)) == LooksAtClock - 1)
            {
                desk.CheckPace();
            }
        }

        Leave();
        return delivered;
    }

    /// <summary>A helper, by the thread pool.</summary>
    void IThreadPoolWorkItem.Execute() => desk.Measure(this, static delivery => delivery.RunBackwards());

    /// <summary>Any thread, any time: one more helper, if requests may be waiting behind a continuation that does not return.</summary>
    public bool TryRescue()
    {
        int participants = _participants.Read();
        while (participants > 0 && IsUnderWay)
        {
            if (_participants.CompareExchange(participants, participants + 1))
            {
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                return true;
            }

            participants = _participants.Read();
        }

        return false;
    }

    private int RunBackwards()
    {
        int delivered = 0;
        for (int i = Batch.Count - 1; i >= 0; i--)
        {
            delivered += Deliver(i) ? 1 : 0;
        }

        Leave();
        return delivered;
    }

    private bool Deliver(int row)
    {
        BatchMember member = Batch.Members[row];
        bool won = Batch.HasResult
            ? member.Request!.TryDeliver(member.Ticket, Batch.Outputs, row, out Continuation continuation)
            : member.Request!.TryFail(member.Ticket, desk.Fault(Batch), out continuation);
        if (won)
        {
            continuation.RunHere();
        }
        else
        {
            member.Request.SignOff(member.Ticket);
        }

        return won;
    }

    private void Leave()
    {
        // Every member is decided now: by this thread, by its caller, or by a helper that has it in hand.
        int count = Batch.Count;
        bool first = _walked.Exchange(1) == 0;
        if (_participants.Add(-1) == 0)
        {
            _epoch.Add(1);
            Batch.Detach();
            desk.Return(this);
        }

        if (first)
        {
            desk.Delivered(count);
        }
    }
}
