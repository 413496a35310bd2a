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
/// request that was pooled and used again fails. A winner's last touch is the store of the final phase: after it the awaiter may consume
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
    private const int GenerationShift = 8;

    private static readonly Action<object?> Finished = static _ => Debug.Fail("The completed marker was invoked.");

    private AtomicInt64 _state;
    private AtomicReference<Action<object?>> _continuation;
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
        _continuation.Write(null);
        _state.Write(_state.Read() | Pending);
    }

    /// <summary>Device side: decide the outcome. False if it is decided already, or the request serves another caller by now.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryComplete(long ticket) => _state.CompareExchange(ticket, ticket - Pending + Completing);

    /// <summary>Caller side: decide that the caller no longer waits.</summary>
    public bool TryCancel()
    {
        long state = _state.Read();
        return (state & PhaseMask) == Pending && _state.CompareExchange(state, state - Pending + Cancelling);
    }

    /// <summary>Whether the generation named by <paramref name="ticket"/> is undecided.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool IsPending(long ticket) => _state.Read() == ticket;

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
    public Continuation Finish(long phase)
    {
        Continuation continuation = default;
        // The registered continuation orders its state and context before itself; the marker tells a later registration that it is late.
        Action<object?>? action = _continuation.Read();
        if (action is not null || !_continuation.CompareExchange(null, Finished))
        {
            continuation = new Continuation(action ?? _continuation.Read()!, _continuationState, _context);
        }

        if (phase == Cancelled)
        {
            // The device may sign off at the same time; neither mark may be lost.
            long state;
            do
            {
                state = _state.Read();
            }
            while (!_state.CompareExchange(state, state - Cancelling + Cancelled));
        }
        else
        {
            // Everything stored for the result is ordered before this.
            _state.Write(_state.Read() - Completing + phase);
        }

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
        RequireCurrent(token);
        if (_continuation.Read() is null)
        {
            _continuationState = state;
            _context = context;
            if (_continuation.CompareExchange(null, continuation))
            {
                return true;
            }
        }

        if (!ReferenceEquals(_continuation.Read(), Finished))
        {
            ThrowMisuse("it is being awaited already");
        }

        // Between its marker and its final store the winner runs a handful of instructions; without them there is no result to take.
        SpinWait spin = default;
        while (GetStatus(token) == ValueTaskSourceStatus.Pending)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }

        return false;
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
        _continuationState = null;
        _context = null;
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
