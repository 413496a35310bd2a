using System.Threading.Tasks.Sources;
using FastBatch.Completion;

namespace FastBatch.Tests.Completion;

/// <summary>Where a continuation runs: as its awaiter asked, whenever it was registered.</summary>
public class ContinuationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly RequestPool<TestRequest> _pool = new(static () => new TestRequest());

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_task_scheduler_gets_its_continuation(bool late)
    {
        var scheduler = new ExclusiveScheduler();
        TestRequest request = _pool.Rent();
        var ran = new TaskCompletionSource<TaskScheduler>();
        if (late)
        {
            Deliver(request).RunHere();
        }

        await Task.Factory.StartNew(
            () => request.OnCompleted(
                _ => ran.SetResult(TaskScheduler.Current), null, request.Version,
                ValueTaskSourceOnCompletedFlags.UseSchedulingContext | ValueTaskSourceOnCompletedFlags.FlowExecutionContext),
            CancellationToken.None, TaskCreationOptions.None, scheduler).WaitAsync(Patience);
        if (!late)
        {
            Deliver(request).RunHere();
        }

        Assert.Same(scheduler, await ran.Task.WaitAsync(Patience));
    }

    [Fact]
    public async Task A_continuation_that_comes_late_does_not_run_inside_its_registration()
    {
        TestRequest request = _pool.Rent();
        Deliver(request).RunHere();
        int registering = Environment.CurrentManagedThreadId;
        var ran = new TaskCompletionSource<bool>();
        bool registered = false;
        request.OnCompleted(
            _ => ran.SetResult(Volatile.Read(ref registered) || Environment.CurrentManagedThreadId != registering),
            null, request.Version, ValueTaskSourceOnCompletedFlags.None);
        Volatile.Write(ref registered, true);
        Assert.True(await ran.Task.WaitAsync(Patience));
    }

    [Fact]
    public async Task A_queued_continuation_runs_elsewhere_and_with_the_context_it_came_with()
    {
        var local = new AsyncLocal<string> { Value = "caller" };
        TestRequest request = _pool.Rent();
        var ran = new TaskCompletionSource<(string?, object?)>(TaskCreationOptions.RunContinuationsAsynchronously);
        object state = new();
        request.OnCompleted(
            given => ran.SetResult((local.Value, given)), state, request.Version, ValueTaskSourceOnCompletedFlags.FlowExecutionContext);
        local.Value = "later";
        Deliver(request).Queue();
        Assert.Equal(("caller", state), await ran.Task.WaitAsync(Patience));
    }

    [Fact]
    public void The_default_context_and_the_default_scheduler_are_none()
    {
        SynchronizationContext? before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(new SynchronizationContext());
        try
        {
            Assert.Null(Continuation.CaptureContext(ValueTaskSourceOnCompletedFlags.UseSchedulingContext));
            Assert.Null(Continuation.CaptureContext(ValueTaskSourceOnCompletedFlags.None));
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    [Fact]
    public void Nothing_registered_is_nothing_run()
    {
        Continuation none = default;
        none.RunHere();
        none.Queue();
    }

    [Theory]
    [InlineData(ValueTaskSourceOnCompletedFlags.None, false)]
    [InlineData(ValueTaskSourceOnCompletedFlags.None, true)]
    [InlineData(ValueTaskSourceOnCompletedFlags.FlowExecutionContext, false)]
    [InlineData(ValueTaskSourceOnCompletedFlags.FlowExecutionContext, true)]
    public async Task Whoever_runs_it_does_so_itself_and_whoever_queues_it_does_not(ValueTaskSourceOnCompletedFlags flags, bool queues)
    {
        TestRequest request = _pool.Rent();
        var ran = new TaskCompletionSource<(int Thread, bool IsOfPool)>(TaskCreationOptions.RunContinuationsAsynchronously);
        request.OnCompleted(
            _ => ran.SetResult((Environment.CurrentManagedThreadId, Thread.CurrentThread.IsThreadPoolThread)), null, request.Version, flags);
        Continuation continuation = Deliver(request);
        var thread = new Thread(queues ? continuation.Queue : continuation.RunHere);
        thread.Start();
        (int runner, bool isOfPool) = await ran.Task.WaitAsync(Patience);
        Assert.Equal((!queues, queues), (runner == thread.ManagedThreadId, isOfPool));
    }

    [Fact]
    public void A_synchronization_context_that_was_not_asked_for_is_not_used()
    {
        SynchronizationContext? before = SynchronizationContext.Current;
        var context = new Derived();
        SynchronizationContext.SetSynchronizationContext(context);
        try
        {
            Assert.Same(context, Continuation.CaptureContext(ValueTaskSourceOnCompletedFlags.UseSchedulingContext));
            Assert.Null(Continuation.CaptureContext(ValueTaskSourceOnCompletedFlags.None));
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private static Continuation Deliver(TestRequest request)
    {
        Assert.True(request.TryDeliver(request.Ticket, new NoOutputs(), 0, out Continuation continuation));
        return continuation;
    }

    private sealed class Derived : SynchronizationContext;

    // Runs each task on a thread of its own.
    private sealed class ExclusiveScheduler : TaskScheduler
    {
        protected override IEnumerable<Task>? GetScheduledTasks() => null;

        protected override void QueueTask(Task task) => new Thread(() => TryExecuteTask(task)).Start();

        protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;
    }
}
