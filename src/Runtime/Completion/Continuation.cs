using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;

namespace FastBatch.Completion;

/// <summary>What an awaiter asked to be run, taken from its request. Runs at most once.</summary>
internal readonly struct Continuation(Action<object?> action, object? state, object? context)
{
    private readonly Action<object?>? _action = action;
    private readonly object? _state = state;
    private readonly object? _context = context;

    /// <summary>What <c>OnCompleted</c> must remember for <paramref name="flags"/>; null in the common case.</summary>
    public static object? CaptureContext(ValueTaskSourceOnCompletedFlags flags)
    {
        object? scheduler = null;
        if ((flags & ValueTaskSourceOnCompletedFlags.UseSchedulingContext) != 0)
        {
            SynchronizationContext? synchronization = SynchronizationContext.Current;
            if (synchronization is not null && synchronization.GetType() != typeof(SynchronizationContext))
            {
                scheduler = synchronization;
            }
            else if (TaskScheduler.Current != TaskScheduler.Default)
            {
                scheduler = TaskScheduler.Current;
            }
        }

        if ((flags & ValueTaskSourceOnCompletedFlags.FlowExecutionContext) != 0
            && ExecutionContext.Capture() is { } execution)
        {
            return new FlowedContext(execution, scheduler);
        }

        return scheduler;
    }

    /// <summary>Runs it on this thread, or where its awaiter asked for it. Nothing it throws gets out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void RunHere()
    {
        if (_action is null)
        {
            return;
        }

        if (_context is null)
        {
            try
            {
                _action(_state);
            }
            catch (Exception exception)
            {
                Rethrow(exception);
            }
        }
        else
        {
            RunInContext(queue: false);
        }
    }

    /// <summary>Has it run by the thread pool, or where its awaiter asked for it.</summary>
    public void Queue()
    {
        if (_action is null)
        {
            return;
        }

        if (_context is null)
        {
            ThreadPool.UnsafeQueueUserWorkItem(_action, _state, preferLocal: false);
        }
        else
        {
            RunInContext(queue: true);
        }
    }

    private void RunInContext(bool queue)
    {
        (ExecutionContext? execution, object? scheduler) = _context is FlowedContext flowed
            ? (flowed.Execution, flowed.Scheduler)
            : (null, _context);
        Continuation inner = execution is null
            ? new Continuation(_action!, _state, null)
            : new Continuation(RunFlowed, new Flowed(execution, _action!, _state), null);

        try
        {
            Schedule(inner, scheduler, queue);
        }
        catch (Exception exception)
        {
            // The context is gone, or refuses: that is its caller's trouble, not that of whoever resumes others.
            Rethrow(exception);
        }
    }

    private static void Schedule(Continuation inner, object? scheduler, bool queue)
    {
        switch (scheduler)
        {
            case SynchronizationContext synchronization:
                synchronization.Post(static boxed => ((Continuation)boxed!).RunHere(), inner);
                break;
            case TaskScheduler taskScheduler:
                _ = Task.Factory.StartNew(
                    static boxed => ((Continuation)boxed!).RunHere(), inner, CancellationToken.None, TaskCreationOptions.DenyChildAttach, taskScheduler);
                break;
            default:
                if (queue)
                {
                    inner.Queue();
                }
                else
                {
                    inner.RunHere();
                }

                break;
        }
    }

    private static void RunFlowed(object? boxed)
    {
        var flowed = (Flowed)boxed!;
        ExecutionContext.Run(flowed.Execution, static state => ((Flowed)state!).Invoke(), flowed);
    }

    // Awaiters of async methods never throw. A bare continuation that does must not take other callers' results with it: it ends where an
    // unhandled exception of a work item ends.
    private static void Rethrow(Exception exception) => ThreadPool.UnsafeQueueUserWorkItem(
        static boxed => ExceptionDispatchInfo.Throw((Exception)boxed!), (object?)exception, preferLocal: false);

    private sealed record FlowedContext(ExecutionContext Execution, object? Scheduler);

    private sealed record Flowed(ExecutionContext Execution, Action<object?> Action, object? State)
    {
        public void Invoke() => Action(State);
    }
}
