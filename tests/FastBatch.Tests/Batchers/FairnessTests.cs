namespace FastBatch.Tests.Batchers;

/// <summary>
/// Callers that come back at once do not keep a thread of the pool for themselves. The other threads are occupied, as on a machine with one
/// processor, so it runs alone: see <see cref="AloneCollection"/>.
/// </summary>
[Collection(nameof(AloneCollection))]
public class FairnessTests
{
    // So many take less than the half second after which the pool adds a thread, which would do the other work.
    private const int Many = 20_000;

    [Fact]
    public async Task A_closed_loop_lets_the_pools_other_work_have_its_thread()
    {
        using var end = new ManualResetEventSlim();
        Task[] occupied = Occupy(Environment.ProcessorCount - 1, end);
        int servedBefore = await Task.Run(ServeAsync);
        end.Set();
        await Task.WhenAll(occupied);
        Assert.InRange(servedBefore, 0, Many - 1);
    }

    // How many requests a caller was served before work that had been queued ahead of them was done.
    private static async Task<int> ServeAsync()
    {
        // Each batch takes a millisecond, as the batcher sees it, so it is the other work's turn after a few.
        var time = new ManualTime();
        await using var batcher = new Echo(_ => time.Advance(TimeSpan.FromMilliseconds(1)))
            .CreateSquareBatcher(new BatcherOptions { TimeProvider = time });
        int served = 0;
        int servedBefore = -1;
        ThreadPool.UnsafeQueueUserWorkItem(_ => Volatile.Write(ref servedBefore, Volatile.Read(ref served)), null);
        for (; Volatile.Read(ref servedBefore) < 0 && served < Many; served++)
        {
            await batcher.SubmitAsync(served).ConfigureAwait(false);
        }

        return Volatile.Read(ref servedBefore) is >= 0 and int before ? before : served;
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
