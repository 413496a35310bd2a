using System.Diagnostics;
using System.Runtime.CompilerServices;
using FastBatch.Atomics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution;

/// <content>
/// How the device side rests and is woken. Invariant: while it sleeps the wake mark is set, and whoever ends the mark, once, wakes it (or
/// takes its place); a row published before the mark was visible keeps it awake.
/// </content>
internal abstract partial class DeviceExecutor
{
    // A claim is published within the time it takes to copy a row.
    private const int SpinsForPublish = 100;

    // A wait shorter than this is not worth the kernel.
    private static readonly TimeSpan LongestSpin = TimeSpan.FromMicroseconds(50);

    private readonly long _longestSpin;
    private readonly Parker _parker = Parker.Create();
    private WakeMark _mark;
    private bool _parked;

    // The thread that will take the device up when it has resumed its callers; 0 for none. Threads that do so at the same time overwrite
    // each other, and wake somebody in vain.
    private int _resumer;

    // Until when others rely on that thread too: it is back before one could be woken. By the clock.
    private long _backBy;

    // 1: whoever has the lanes is to look again, whatever it waits for.
    private AtomicInt32 _isCalled;

    // While parked: callers were being resumed when the policy decided to wait, so it is to be asked again when they have been.
    private bool _parkedForCallers;

    /// <summary>Caller side: a row was published.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Notice(long ticket)
    {
        if (_mark.IsReached(ticket))
        {
            NoticeAsleep();
        }
    }

    /// <summary>Caller side, where there are stripes: a row was published by a thread that has none, and awake as the device side is, it may be held up.</summary>
    public virtual void NoticeFromOutside()
    {
    }

    /// <summary>
    /// Any thread: something else than a row has changed. Full fence: whoever goes to sleep with the lanes sees the call, or is seen asleep
    /// here; and whoever has them sees what this thread did before.
    /// </summary>
    protected internal void Call()
    {
        _isCalled.Exchange(1);
        Notice(WakeMark.Always);
    }

    /// <summary>By whoever has the lanes, before it looks. Full fence, if it was called: it sees what those did who called.</summary>
    protected internal void Answer()
    {
        if (_isCalled.Read() == 1)
        {
            _isCalled.Exchange(0);
        }
    }

    /// <summary>The mark was reached and is ended: have a thread take the device.</summary>
    protected virtual void Wake() => _parker.Unpark();

    /// <summary>Whether the device thread is blocked in <see cref="Park"/>, and is thus to be unparked rather than replaced.</summary>
    protected bool IsParked => Volatile.Read(ref _parked);

    /// <summary>
    /// Device side: gives the device up unless there is work. True: it is given up, and whoever publishes <paramref name="ticket"/> or a
    /// later one has a thread take it; the caller has no part in it any more. False: it is still the caller's.
    /// </summary>
    /// <param name="ticket">The first ticket worth waking for.</param>
    /// <param name="parking">Whether the caller is about to park with the device: then the sleep it may end is its own.</param>
    protected bool TrySleep(long ticket, bool parking = false)
    {
        LaneRing ring = Lane.Ring;
        long first = ring.ReadMark;
        BatcherSettings decidedOn = _settings;

        // Of lanes that come to be meanwhile, every row is news.
        Span<long> seen = stackalloc long[RowPlace.Lanes];
        bool several = Lanes.AreSeveral;
        bool waitsElsewhere = Lanes.WaitingElsewhere > 0;
        for (int i = 1; several && i < seen.Length; i++)
        {
            seen[i] = Lanes[i]?.Seen ?? 0;
        }

        _mark.Set(ticket);

        // From here on another thread may have the device: look, but do not touch.
        if (IsDrained)
        {
            _drained.TrySetResult();
        }

        // Closed meanwhile: what waits is not to wait for more. Or reconfigured: perhaps not for so many.
        if ((Lanes.IsClosed || _batcher.Settings != decidedOn) && (ring.IsPublished(first) || waitsElsewhere))
        {
            return !TryTakeBack(parking);
        }

        bool hasNews = _warmUp.IsAsked || _isCalled.Read() == 1 || HasNews(Lane, ticket);
        for (int i = 1; !hasNews && Lanes.AreSeveral && i < seen.Length; i++)
        {
            hasNews = Lanes[i] is { } lane && HasNews(lane, seen[i]);
        }

        return !hasNews || !TryTakeBack(parking);
    }

    // Any thread, after the mark was set: whether a row is there that its caller may not have woken anybody for.
    private static bool HasNews(Lane lane, long ticket)
    {
        LaneRing ring = lane.Ring;
        if (lane.Overflow.Waiting > 0 && ring.HasRoom)
        {
            return true;
        }

        if (ring.Claimed <= ticket)
        {
            return false;
        }

        // A row beyond the mark is claimed. Its caller may have looked at the mark before it was set: then the row is, or is about to be,
        // visible here.
        for (int i = 0; i < SpinsForPublish; i++)
        {
            if (ring.IsPublished(ticket))
            {
                return true;
            }

            Thread.SpinWait(1);
        }

        // Its caller is slow. After this barrier it either sees the mark or its row is visible.
        Fence.ProcessWide();
        return ring.IsPublished(ticket);
    }

    /// <summary>
    /// Device side: gives the device up, to resume callers: whoever submits <paramref name="ticket"/> or a later one has a thread take it, but for those
    /// that this thread resumes, who know that it will <see cref="TakeUpAgain"/>.
    /// </summary>
    /// <param name="ticket">The first ticket worth waking for.</param>
    /// <param name="backBy">Until when others count on that as well, as a timestamp.</param>
    protected void GiveUp(long ticket, long backBy)
    {
        Volatile.Write(ref _backBy, backBy);
        Volatile.Write(ref _resumer, Environment.CurrentManagedThreadId);
        _mark.Set(ticket);
    }

    /// <summary>By the thread that gave it up, when it has resumed its callers: takes the device unless another thread has, or will.</summary>
    protected bool TakeUpAgain()
    {
        Volatile.Write(ref _resumer, 0);
        return TryTakeUp();
    }

    /// <summary>
    /// Any thread: whoever resumes callers is not to be relied on any more. Full fence, as in every claim: what that thread submits later
    /// wakes somebody; what it submitted before is visible to the thread that takes the device now.
    /// </summary>
    protected void ForgetResumer() => Interlocked.Exchange(ref _resumer, 0);

    /// <summary>Any thread: takes the device if it is given up and nobody has been woken to take it.</summary>
    protected bool TryTakeUp()
    {
        if (IsParked || !_mark.TryEnd())
        {
            return false;
        }

        if (!IsParked)
        {
            return true;
        }

        // Another thread had taken the device and parked with it just now: it was its sleep that ended here.
        _parker.Unpark();
        return false;
    }

    /// <summary>
    /// Device side: blocks, keeping the device, until <paramref name="rows"/> rows wait, the time has come, or the callers being resumed, if
    /// any were when the policy decided, have been. May return early.
    /// </summary>
    protected internal void Park(long until, int rows, bool forCallers = false)
    {
        Volatile.Write(ref _parked, true);
        Volatile.Write(ref _parkedForCallers, forCallers);
        if (TrySleep(TicketOf(rows), parking: true) && !(forCallers && Desk.Resuming == 0 && _mark.TryEnd()))
        {
            TimeSpan remaining = RemainingUntil(until);
            if (until != long.MaxValue && _time.GetElapsedTime(_decided, until) is var meant && meant > TimeSpan.Zero && meant < remaining)
            {
                // The clock was set back since the policy decided: it meant no more than this.
                remaining = meant;
            }

            bool unparked = _parker.Park(remaining);

            // Out of time, but a caller has ended the sleep already: its unpark is on its way, and must not be left for a later park.
            while (!unparked && !_mark.TryEnd())
            {
                unparked = _parker.Park(Timeout.InfiniteTimeSpan);
            }
        }

        Volatile.Write(ref _parked, false);
    }

    /// <summary>Device side: lets time pass as the policy asked for. False if another thread took the device meanwhile.</summary>
    protected internal bool Wait(long until, int rows)
    {
        if (until - _time.GetTimestampOr(until) > _longestSpin)
        {
            Park(until, rows, _decidedWhileResuming);
            return true;
        }

        return SpinUntil(until, TicketOf(rows), _decidedWhileResuming);
    }

    /// <summary>Device side: waits some microseconds, see <see cref="IsStillToWait"/>. False if another thread took the device.</summary>
    protected virtual bool SpinUntil(long until, long ticket, bool forCallers)
    {
        while (IsStillToWait(until, ticket, forCallers))
        {
            Pause();
        }

        return true;
    }

    /// <summary>
    /// Whether the time has not come, the row <paramref name="ticket"/> is not published, and the callers being resumed, if any were when
    /// the policy decided, are still on their way. Any thread.
    /// </summary>
    protected bool IsStillToWait(long until, long ticket, bool forCallers) =>
        !Lane.Ring.IsPublished(ticket) && !(Lanes.AreSeveral && Lanes.HasNewsElsewhere) && !(forCallers && Desk.Resuming == 0) && IsAhead(until);

    // Nobody spins for longer than that; if it is farther, the clock was set back.
    private bool IsAhead(long until)
    {
        long now = _time.GetTimestampOr(until);
        return now < until && until - now <= _longestSpin;
    }

    /// <summary>Device side: waits a moment for something to do, where there is a core to spare. True if there is.</summary>
    protected internal bool SpinForRow(TimeSpan duration)
    {
        if (Environment.ProcessorCount == 1)
        {
            return false;
        }

        // By a clock that runs, whatever clock the user gave the scheduler.
        long start = Stopwatch.GetTimestamp();
        do
        {
            if (Lane.Ring.IsPublished(Lane.Ring.ReadMark)
                || (Lane.Overflow.Waiting > 0 && Lane.Ring.HasRoom)
                || (Lanes.AreSeveral && Lanes.HasNewsElsewhere))
            {
                return true;
            }

            Pause();
        }
        while (Stopwatch.GetElapsedTime(start) < duration);
        return false;
    }

    // Normal's ticket that makes so many rows, with those that wait in other lanes.
    private long TicketOf(int rows) => Lane.Ring.ReadMark + rows - 1 - Lanes.WaitingElsewhere;

    // On one core, what is waited for needs this one.
    protected internal static void Pause()
    {
        if (Environment.ProcessorCount == 1)
        {
            Thread.Yield();
        }
        else
        {
            Thread.SpinWait(4);
        }
    }

    // By the thread that resumed the last caller, after a full fence: either the sleeper sees that none is left, or this sees it asleep.
    private void WakeForCallers()
    {
        if (Volatile.Read(ref _parkedForCallers) && IsParked && _mark.TryEnd())
        {
            Wake();
        }
    }

    // Another thread may have taken the device since the mark was set, and parked with it: its sleep is not this thread's to end.
    private bool TryTakeBack(bool parking) => parking ? _mark.TryEnd() : TryTakeUp();

    private void NoticeAsleep()
    {
        if (!WillLook && _mark.TryEnd())
        {
            Wake();
        }
    }

    // What a thread's own callers submit while it resumes them, it will find itself, and what others do in the first moments; not so if another thread
    // has parked with the device.
    private bool WillLook
    {
        get
        {
            int resumer = Volatile.Read(ref _resumer);
            bool isReliedOn = resumer == Environment.CurrentManagedThreadId
                || (resumer != 0 && _time.GetTimestampOr(long.MaxValue) < Volatile.Read(ref _backBy));
            return isReliedOn && !IsParked;
        }
    }

    /// <summary>How long it is until then; negative for ever.</summary>
    protected internal TimeSpan RemainingUntil(long until)
    {
        if (until == long.MaxValue)
        {
            return Timeout.InfiniteTimeSpan;
        }

        TimeSpan remaining = _time.GetElapsedTime(_time.GetTimestampOr(until), until);
        return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
    }
}
