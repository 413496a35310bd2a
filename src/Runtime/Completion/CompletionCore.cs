using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using FastBatch.Atomics;

namespace FastBatch.Completion;

/// <summary>
/// The life of one pooled request, decided in one word. Three sides touch it: the awaiter (status, continuation, consume), the device
/// side (win, finish, sign off) and whoever cancels (win, finish).
/// <code>
///   Idle ──Begin──> Pending ──device wins──> Completing ──Finish──> Succeeded | Faulted ──Consume──> Idle (next generation)
///                      └──────caller wins──> Cancelling ──Finish──> Cancelled ──Consume and SignOff, in either order──> Idle (next)
/// </code>
/// One compare-and-swap leaves Pending, so a request has one outcome. The generation is part of the word, so that a stale claim on a
/// request that was pooled and used again fails; and so is whether the awaiter has registered a continuation, so that the winner sees that, or the
/// awaiter the outcome. A winner's last touch is the store of the final phase: after it the awaiter may consume
/// and the request may serve another caller. A request the device won belongs to the awaiter alone from then on; a cancelled one is
/// still referenced by its row, and goes back to the pool only when the device has signed off too.
/// </summary>
internal struct CompletionCore
{
    public const long Pending = 1;
    private const long Completing = 2;
    private const long Cancelling = 3;
    public const long Succeeded = 4;
    public const long Faulted = 5;
    public const long Cancelled = 6;

    private const long PhaseMask = 0xF;
    private const long RowDone = 0x10; // the device no longer refers to the cancelled request
    private const long Consumed = 0x20; // the awaiter has taken the cancelled outcome
    private const long Registered = 0x40; // the awaiter has stored what to run
    private const int GenerationShift = 8;

    private AtomicInt64 _state;
    private Action<object?>? _continuation;
    private object? _continuationState;
    private object? _context;

    /// <summary>The token of the current generation's <see cref="ValueTask"/>: its low 16 bits.</summary>
    public readonly short Version
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (short)(_state.Read() >> GenerationShift);
    }

    /// <summary>The word of the pending generation, which a winner must present.</summary>
    public readonly long Ticket
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (_state.Read() & ~((1L << GenerationShift) - 1)) | Pending;
    }

    /// <summary>Idle to Pending. By the one thread that took the request from its pool.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Begin()
    {
        Debug.Assert((_state.Read() & PhaseMask) == 0, "A request in use was begun again.");
        _state.Write(_state.Read() | Pending);
    }

    /// <summary>Device side: decide the outcome. False if it is decided already, or the request serves another caller by now.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryComplete(long ticket)
    {
        // Awaited by now, as a rule.
        long awaited = ticket + Registered;
        return _state.CompareExchange(awaited, awaited - Pending + Completing) || TryCompleteOther(ticket);
    }

    /// <summary>Caller side: decide that the caller no longer waits.</summary>
    public bool TryCancel()
    {
        long state;
        do
        {
            state = _state.Read();
            if ((state & PhaseMask) != Pending)
            {
                return false;
            }
        }
        while (!_state.CompareExchange(state, state - Pending + Cancelling));
        return true;
    }

    /// <summary>Whether the generation named by <paramref name="ticket"/> is undecided.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool IsPending(long ticket) => (_state.Read() & ~Registered) == ticket;

    /// <summary>Whether the pending generation named by <paramref name="ticket"/> was cancelled (and is thus still held by its row).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool IsCancelled(long ticket)
    {
        long state = _state.Read();
        return (state & PhaseMask) is Cancelling or Cancelled && (state >> GenerationShift) == (ticket >> GenerationShift);
    }

    /// <summary>
    /// The winner publishes the outcome and takes the continuation, if one is registered, to run it. Nothing may touch the request after.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Continuation Finish(long phase)
    {
        long state = _state.Read();
        if ((state & Registered) == 0 || phase == Cancelled)
        {
            return FinishContended(phase);
        }

        var continuation = new Continuation(_continuation!, _continuationState, _context);

        // Nobody else changes the word now. Everything stored for the result is ordered before this.
        _state.Write(state - Completing + phase);
        return continuation;
    }

    /// <summary>
    /// Device side: the row of a cancelled request no longer refers to it. False if it was not cancelled, or another thread has signed off.
    /// <paramref name="recycle"/> says whether the request is now the caller's to return to its pool.
    /// </summary>
    public bool TrySignOff(long ticket, out bool recycle)
    {
        recycle = false;
        while (true)
        {
            long state = _state.Read();
            if (!IsCancelledState(state) || (state >> GenerationShift) != (ticket >> GenerationShift) || (state & RowDone) != 0)
            {
                return false;
            }

            bool last = (state & Consumed) != 0;
            if (_state.CompareExchange(state, last ? NextGeneration(state) : state | RowDone))
            {
                recycle = last;
                return true;
            }
        }
    }

    public readonly ValueTaskSourceStatus GetStatus(short token)
    {
        long state = RequireCurrent(token);
        return (state & PhaseMask) switch
        {
            Succeeded => ValueTaskSourceStatus.Succeeded,
            Faulted => ValueTaskSourceStatus.Faulted,
            Cancelled => ValueTaskSourceStatus.Canceled,
            _ => ValueTaskSourceStatus.Pending,
        };
    }

    /// <summary>Awaiter: registers what to run, once. False if the outcome came first: then the caller runs it, elsewhere.</summary>
    public bool TryRegister(Action<object?> continuation, object? state, object? context, short token)
    {
        while (true)
        {
            long word = RequireCurrent(token);
            if ((word & Registered) != 0)
            {
                ThrowMisuse("it is being awaited already");
            }

            if ((word & PhaseMask) is not (Pending or Completing or Cancelling))
            {
                return false;
            }

            (_continuation, _continuationState, _context) = (continuation, state, context);
            if (_state.CompareExchange(word, word | Registered))
            {
                return true;
            }
        }
    }

    /// <summary>
    /// Awaiter: takes the outcome, once. <paramref name="recycle"/> says whether the request is now the awaiter's to return to its pool.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Consume(short token, out bool recycle)
    {
        long state = RequireCurrent(token);
        long phase = state & PhaseMask;
        if (phase is Succeeded or Faulted)
        {
            // Compare-and-swap, not a store: of two threads that await the same ValueTask one gets the answer, the other an exception.
            if (!_state.CompareExchange(state, NextGeneration(state)))
            {
                ThrowMisuse("it has been awaited already");
            }

            recycle = true;
            return phase;
        }

        return ConsumeCancelled(token, out recycle);
    }

    /// <summary>Forgets what the awaiter registered. By the side that recycles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Clear()
    {
        _continuation = null;
        _continuationState = null;
        _context = null;
    }

    // As long as nobody awaits it the awaiter may yet change the word; or it is decided.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryCompleteOther(long ticket)
    {
        long state;
        do
        {
            state = _state.Read();
            if ((state & ~Registered) != ticket)
            {
                return false;
            }
        }
        while (!_state.CompareExchange(state, state - Pending + Completing));
        return true;
    }

    // The awaiter may register at the same time, and the device sign off a cancelled request; no mark may be lost.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Continuation FinishContended(long phase)
    {
        long decided = phase == Cancelled ? Cancelling : Completing;
        Continuation continuation;
        long state;
        do
        {
            state = _state.Read();
            continuation = (state & Registered) != 0 ? new Continuation(_continuation!, _continuationState, _context) : default;
        }
        while (!_state.CompareExchange(state, state - decided + phase));
        return continuation;
    }

    private long ConsumeCancelled(short token, out bool recycle)
    {
        while (true)
        {
            long state = RequireCurrent(token);
            if ((state & PhaseMask) != Cancelled)
            {
                ThrowMisuse("it has not completed; await it");
            }

            if ((state & Consumed) != 0)
            {
                ThrowMisuse("it has been awaited already");
            }

            recycle = (state & RowDone) != 0;
            if (_state.CompareExchange(state, recycle ? NextGeneration(state) : state | Consumed))
            {
                return Cancelled;
            }
        }
    }

    private static bool IsCancelledState(long state) => (state & PhaseMask) is Cancelling or Cancelled;

    // Idle, one generation on. The sign bit stays clear: 55 bits of generations do not run out.
    private static long NextGeneration(long state) => ((state >> GenerationShift) + 1) << GenerationShift;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly long RequireCurrent(short token)
    {
        long state = _state.Read();
        if ((short)(state >> GenerationShift) != token)
        {
            ThrowMisuse("it has been awaited already");
        }

        return state;
    }

    private static void ThrowMisuse(string why) => throw new InvalidOperationException(
        $"This ValueTask of a FastBatch batcher cannot be used this way: {why}. Await a ValueTask once; to share it, use AsTask() or Preserve().");
}
