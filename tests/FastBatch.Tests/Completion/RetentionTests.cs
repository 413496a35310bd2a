using System.Runtime.CompilerServices;
using FastBatch.Completion;

namespace FastBatch.Tests.Completion;

/// <summary>What a request must have let go of once it is back in its pool, which may live as long as the process.</summary>
public class RetentionTests
{
    private static readonly CancellationTokenSource Lasting = new();
    private readonly RequestPool<TestRequest> _pool = new(static () => new TestRequest());

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_pooled_request_keeps_nothing_of_the_caller_it_served(bool faulted)
    {
        (TestRequest pooled, WeakReference[] held) = Serve(faulted);
        Collect();
        Assert.All(held, static reference => Assert.False(reference.IsAlive));
        Assert.Same(pooled, _pool.Rent());
    }

    [Fact]
    public void A_token_that_lasts_keeps_no_request_that_has_ended()
    {
        WeakReference[] ended = ServeAndForget();
        Collect();
        Assert.All(ended, static reference => Assert.False(reference.IsAlive));
        Assert.False(Lasting.IsCancellationRequested);
    }

    [Fact]
    public async Task A_batcher_that_idles_keeps_no_memory_of_its_callers()
    {
        await using var batcher = new Echo().CreatePairBatcher();
        WeakReference answer = await AnswerAsync(batcher);

        // This may run inside the delivery, whose stack is not the batcher's to answer for.
        for (int i = 0; i < 1000 && answer.IsAlive; i++)
        {
            await Task.Yield();
            Collect();
        }

        Assert.False(answer.IsAlive);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference> AnswerAsync(Echo.PairBatcher batcher)
    {
        long[] answer = new long[2];
        await batcher.SubmitAsync([1, 1, 1, 1], answer).AsTask();
        return new WeakReference(answer);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private (TestRequest Pooled, WeakReference[] Held) Serve(bool faulted)
    {
        object state = new();
        var context = new SynchronizationContextStub();
        var error = new InvalidDataException();
        TestRequest request = _pool.Rent();
        SynchronizationContext? before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(context);
        request.OnCompleted(static _ => { }, state, request.Version, System.Threading.Tasks.Sources.ValueTaskSourceOnCompletedFlags.UseSchedulingContext);
        SynchronizationContext.SetSynchronizationContext(before);
        long ticket = request.Ticket;
        Assert.True(faulted ? request.TryFail(ticket, error, out _) : request.TryDeliver(ticket, new NoOutputs(), 0, out _));
        try
        {
            _ = request.Task.Result;
        }
        catch (InvalidDataException)
        {
            // Its caller's now. It is forgotten when the next caller begins, so that is looked at too.
            Consume(_pool.Rent());
        }

        return (request, [new WeakReference(state), new WeakReference(context), new WeakReference(error)]);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference[] ServeAndForget()
    {
        var pool = new RequestPool<TestRequest>(static () => new TestRequest());
        TestRequest[] requests = [.. Enumerable.Range(0, 8).Select(_ => pool.Rent())];
        foreach (TestRequest request in requests)
        {
            Assert.True(request.TryListen(Lasting.Token));
            Consume(request);
        }

        // Lets go of this thread's list.
        pool.Close();
        Consume(new RequestPool<TestRequest>(static () => new TestRequest()).Rent());
        return [.. requests.Select(static request => new WeakReference(request))];
    }

    private static void Consume(TestRequest request)
    {
        Assert.True(request.TryDeliver(request.Ticket, new NoOutputs(), 3, out _));
        Assert.Equal(3, request.Task.Result);
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }

    private sealed class SynchronizationContextStub : SynchronizationContext;
}
