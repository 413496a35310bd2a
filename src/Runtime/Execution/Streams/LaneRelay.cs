using FastBatch.Atomics;

namespace FastBatch.Execution.Streams;

/// <summary>
/// Which of several device threads has the lanes. One at a time has, and what it did with them is visible to the next. Before it does what may
/// take long it gives them away: to another thread or, if all others are busy too, to nobody; then the first that is back takes them. Invariants:
/// only who has the lanes gives them away or becomes busy, so that nobody who is about to be busy gets them; while they are nobody's, a thread
/// will look that was busy, or one was unparked that was not. Each thread calls with its own number, but where it says otherwise.
/// </summary>
internal sealed class LaneRelay
{
    private const int Nobody = -1;

    // Of a thread: it looks for work or waits for it; it does something that may take long; it has given up, and takes the lanes only if all have.
    private const int Ready = 0;
    private const int Busy = 1;
    private const int Out = 2;

    private readonly AtomicInt32[] _states;

    // For what only one thread waits for: the lanes, events of its device. What comes while it does not wait is remembered.
    private readonly Parker[] _parkers;

    // The number of the thread that has the lanes. Exchanged: what the one who gives them away has written is visible to the one who has them then.
    private AtomicInt32 _holder;

    /// <param name="threads">How many there are; the first has the lanes.</param>
    public LaneRelay(int threads)
    {
        _states = new AtomicInt32[threads];
        _parkers = [.. Enumerable.Range(0, threads).Select(static _ => Parker.Create())];
    }

    /// <summary>Any thread, a moment's view: who has the lanes; negative for nobody.</summary>
    public int Holder => _holder.Read();

    /// <summary>Whether the thread has the lanes. If nobody has, it takes them.</summary>
    public bool Has(int number)
    {
        int holder = _holder.Read();
        return holder == number || (holder == Nobody && MayTake(number) && _holder.CompareExchange(Nobody, number));
    }

    /// <summary>By the thread that has the lanes: they are the other's, which is not busy and is woken.</summary>
    public void HandTo(int other)
    {
        _holder.Exchange(other);
        Unpark(other);
    }

    /// <summary>
    /// By the thread that has the lanes and should not: they are nobody's. False if all others have given up: then they are still this thread's.
    /// </summary>
    public bool TryLeave(int number)
    {
        if (!HasOther(number))
        {
            return false;
        }

        // Full fence: of whoever is back or gives up now and this thread, one sees the other.
        _holder.Exchange(Nobody);
        for (int other = 0; other < _states.Length; other++)
        {
            if (other != number && _states[other].Read() == Ready)
            {
                Unpark(other);
            }
        }

        // The last other has given up meanwhile, and may have seen the lanes here.
        return HasOther(number) || !Has(number);
    }

    /// <summary>By the thread that has the lanes: it will not look for a while.</summary>
    public void BecomeBusy(int number) => _states[number].Write(Busy);

    /// <summary>It looks again. Full fence: of whoever leaves the lanes to nobody and this thread, one sees the other.</summary>
    public void ComeBack(int number) => _states[number].Exchange(Ready);

    /// <summary>It serves no more. Full fence: of the last two that give up, and of this and whoever leaves the lanes to nobody, one sees the other.</summary>
    public void GiveUp(int number) => _states[number].Exchange(Out);

    /// <summary>Any thread: whether the thread is busy. To whoever has the lanes it does not become so.</summary>
    public bool IsBusy(int number) => _states[number].Read() == Busy;

    /// <summary>Blocks until the thread is unparked, or the time is over.</summary>
    public void Park(int number, TimeSpan timeout) => _parkers[number].Park(timeout);

    /// <summary>Any thread: has the thread look again.</summary>
    public void Unpark(int number) => _parkers[number].Unpark();

    // One that has given up leaves them to the others.
    private bool MayTake(int number) => _states[number].Read() != Out || !HasOther(number);

    private bool HasOther(int number)
    {
        for (int other = 0; other < _states.Length; other++)
        {
            if (other != number && _states[other].Read() != Out)
            {
                return true;
            }
        }

        return false;
    }
}
