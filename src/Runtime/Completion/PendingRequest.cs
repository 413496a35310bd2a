using System.ComponentModel;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;
using FastBatch.Lanes;

namespace FastBatch.Completion;

/// <summary>
/// The pooled completion of one <c>SubmitAsync</c>. Taken from a <see cref="RequestPool{TRequest}"/> by the caller's thread, handed to the
/// device side with the row, returned to the pool by whoever is last done with it (see <see cref="CompletionCore"/>). For generated code,
/// which derives one sealed class per form of <c>SubmitAsync</c>.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class PendingRequest : IValueTaskSource
{
    private CompletionCore _core;
    private Exception? _error;

    // Written before the request is published, and by nobody else while it is; read by whoever may end it, any thread.
    private long _deadline;

    // Of a request that can be cancelled; none otherwise.
    private CancellationToken _cancellationToken;

    // Null until it is needed.
    private Extras? _extras;

    internal RequestPool? Home { get; set; }

    /// <summary>The next free request, while this one is in its pool.</summary>
    internal PendingRequest? NextFree { get; set; }

    /// <summary>The token of the <see cref="ValueTask"/> made of this request.</summary>
    public short Version
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _core.Version;
    }

    /// <summary>When the caller no longer wants the answer, as a timestamp; <see cref="long.MaxValue"/> for never.</summary>
    internal long Deadline
    {
        get => Volatile.Read(ref _deadline);
        set => _deadline = value;
    }

    internal long Ticket
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _core.Ticket;
    }

    /// <summary>Takes the result out of the outputs: copies it to the caller's memory, reads its value, or borrows its row.</summary>
    /// <param name="outputs">The batch's outputs.</param>
    /// <param name="row">The request's place in the batch.</param>
    protected abstract void Deliver(OutputSlab outputs, int row);

    /// <summary>Forgets the caller's memory and result, before the request goes back to its pool.</summary>
    protected abstract void Forget();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Begin()
    {
        _error = null;
        _deadline = long.MaxValue;
        _core.Begin();
    }

    /// <summary>
    /// Ends the request when its caller no longer waits. Before the claim: nobody else knows the request yet. False if that is so already.
    /// </summary>
    internal bool TryListen(CancellationToken cancellationToken)
    {
        _cancellationToken = cancellationToken;
        (_extras ??= new Extras()).Registration = cancellationToken.UnsafeRegister(static request => ((PendingRequest)request!).Cancel(), this);
        if (!_core.IsCancelled(_core.Ticket))
        {
            return true;
        }

        SignOff(_core.Ticket);
        return false;
    }

    /// <summary>Ends a request that has no row. By its caller, who is still submitting it. False if its caller has cancelled it.</summary>
    internal bool TryRefuse(Exception error) => TryRefuse(_core.Ticket, error);

    /// <summary>Ends a request that has no row any more. False if it has ended.</summary>
    internal bool TryRefuse(long ticket, Exception error)
    {
        if (TryFail(ticket, error, out Continuation continuation))
        {
            continuation.Queue();
            return true;
        }

        SignOff(ticket);
        return false;
    }

    /// <summary>Caller side, before the row is published: the trace that the request belongs to.</summary>
    internal void NoteOrigin(in ActivityContext origin)
    {
        _extras ??= new Extras();
        (_extras.Origin, _extras.OriginTicket) = (origin, _core.Ticket);
    }

    /// <summary>Device side, while a row refers to the request: what was noted of it, if anything.</summary>
    internal ActivityContext Origin(long ticket) => _extras is { } extras && extras.OriginTicket == ticket ? extras.Origin : default;

    /// <summary>Device side: gives the request its result. False if its outcome was decided before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryDeliver(long ticket, OutputSlab outputs, int row, out Continuation continuation)
    {
        if (!_core.TryComplete(ticket))
        {
            continuation = default;
            return false;
        }

        try
        {
            Deliver(outputs, row);
            continuation = _core.Finish(CompletionCore.Succeeded);
        }
        catch (Exception exception)
        {
            // The caller's own memory manager threw.
            continuation = Finish(exception);
        }

        return true;
    }

    /// <summary>Device side: gives the request its fault. False if its outcome was decided before.</summary>
    internal bool TryFail(long ticket, Exception error, out Continuation continuation)
    {
        bool won = _core.TryComplete(ticket);
        continuation = won ? Finish(error) : default;
        return won;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool IsPending(long ticket) => _core.IsPending(ticket);

    /// <summary>
    /// Device side: no row refers to the request any more, if it was cancelled; no other outcome needs this. True for the one call that
    /// finds it cancelled.
    /// </summary>
    internal bool SignOff(long ticket)
    {
        bool cancelled = _core.TrySignOff(ticket, out bool recycle);
        if (recycle)
        {
            Recycle();
        }

        return cancelled;
    }

    /// <inheritdoc/>
    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    /// <inheritdoc/>
    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        object? context = flags == ValueTaskSourceOnCompletedFlags.None ? null : Continuation.CaptureContext(flags);
        if (!_core.TryRegister(continuation, state, context, token))
        {
            new Continuation(continuation, state, context).Queue();
        }
    }

    /// <inheritdoc/>
    void IValueTaskSource.GetResult(short token)
    {
        if (Consume(token))
        {
            Recycle();
        }
    }

    /// <summary>
    /// Takes the outcome, once: returns on success, throws otherwise. True if the request is now the awaiter's to recycle, which it does
    /// when it has read the result.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected bool Consume(short token)
    {
        // Read first: once the outcome is consumed, the device side may recycle a cancelled request at any moment.
        Exception? error = _error;
        CancellationToken cancellationToken = _cancellationToken;
        long phase = _core.Consume(token, out bool recycle);
        if (cancellationToken.CanBeCanceled && phase != CompletionCore.Cancelled)
        {
            StopListening();
        }

        if (phase != CompletionCore.Succeeded)
        {
            Throw(error, cancellationToken, recycle);
        }

        return recycle;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected void Recycle()
    {
        if (_cancellationToken.CanBeCanceled)
        {
            _cancellationToken = default;
            _extras!.Registration = default;
        }

        _core.Clear();
        Forget();
        Home!.Return(this);
    }

    private Continuation Finish(Exception error)
    {
        _error = error;
        return _core.Finish(CompletionCore.Faulted);
    }

    private void Cancel()
    {
        if (_core.TryCancel())
        {
            // Not here: the thread that cancels is not to run the continuations of everyone it cancels.
            _core.Finish(CompletionCore.Cancelled).Queue();
        }
    }

    // Not of a cancelled request: its callback has run and will not touch it again. By whoever consumed the outcome, and so before anyone
    // else may use the request.
    private void StopListening()
    {
        // A callback that has started may still run when this request serves its next caller, and would cancel that one: then this
        // request is not used again.
        if (!_extras!.Registration.Unregister())
        {
            Home = RequestPool.None;
        }
    }

    [DoesNotReturn]
    private void Throw(Exception? error, CancellationToken cancellationToken, bool recycle)
    {
        if (recycle)
        {
            Recycle();
        }

        if (error is not null)
        {
            ExceptionDispatchInfo.Throw(error);
        }

        throw new OperationCanceledException(cancellationToken);
    }

    // What many requests have no use for: without it one is smaller by a cache line, and there are as many as callers.
    private sealed class Extras
    {
        public CancellationTokenRegistration Registration;

        // Where somebody wants it: the trace the request belongs to, and the generation for which that was noted.
        public ActivityContext Origin;
        public long OriginTicket;
    }
}

/// <summary>A <see cref="PendingRequest"/> that has a value for its caller. For generated code.</summary>
/// <typeparam name="TResult">What <c>SubmitAsync</c> returns.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class PendingRequest<TResult> : PendingRequest, IValueTaskSource<TResult>
{
    /// <summary>Set by <see cref="PendingRequest.Deliver"/>, cleared by <see cref="PendingRequest.Forget"/>.</summary>
    protected TResult? Result { get; set; }

    /// <inheritdoc/>
    TResult IValueTaskSource<TResult>.GetResult(short token)
    {
        bool recycle = Consume(token);
        TResult result = Result!;
        if (recycle)
        {
            Recycle();
        }

        return result;
    }
}
