namespace FastBatch.Tests.Batchers;

/// <summary>
/// Callers that come back at once do not keep a thread of the pool for themselves. The other threads are occupied, as on a machine with one
/// processor, so it runs alone: see <see cref="AloneCollection"/>.
/// </summary>
[Collection(nameof(AloneCollection))]
public class FairnessTests
{
    private const int Requests = 2000;

    [Fact]
    public async Task A_closed_loop_lets_the_pools_other_work_have_its_thread()
    {
        using var end = new ManualResetEventSlim();
        Task[] occupied = Occupy(Environment.ProcessorCount - 1, end);
        int servedBefore = await Task.Run(ServeAsync);
        end.Set();
        await Task.WhenAll(occupied);
        Assert.InRange(servedBefore, 0, Requests / 2);
    }

    // How many requests a caller was served before work that had been queued ahead of them was done.
    private static async Task<int> ServeAsync()
    {
        // Each batch takes a millisecond, as the batcher sees it, so it is the other work's turn after a few.
        var time = new ManualTime();
        await using var batcher = new Echo(_ => time.Advance(TimeSpan.FromMilliseconds(1)))
            .CreateSquareBatcher(new BatcherOptions { TimeProvider = time });
        int served = 0;
        int servedBefore = Requests;
        ThreadPool.UnsafeQueueUserWorkItem(_ => servedBefore = Volatile.Read(ref served), null);
        for (; served < Requests; served++)
        {
            await batcher.SubmitAsync(served).ConfigureAwait(false);
        }

        return servedBefore;
    }

    private static Task[] Occupy(int threads, ManualResetEventSlim end)
    {
        using var arrived = new CountdownEvent(Math.Max(1, threads));
        var tasks = new Task[threads];
        for (int i = 0; i < threads; i++)
        {
            tasks[i] = Task.Run(() =>
            {
                arrived.Signal();
                end.Wait();
            });
        }

        if (threads > 0)
        {
            arrived.Wait();
        }

        return tasks;
    }
}
