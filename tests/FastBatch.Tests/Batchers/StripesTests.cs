using System.Runtime.CompilerServices;
using FastBatch.Execution;
using FastBatch.Lanes;
using FastBatch.Tests.Lanes;

namespace FastBatch.Tests.Batchers;

/// <summary>
/// Closed loops of callers over a batcher whose threads use stripes whenever they may: nobody is refused for whom there is room, each answer is its
/// caller's own, and in the end every row and all room has been given back. They load all processors, so they run alone: see
/// <see cref="AloneCollection"/>.
/// </summary>
[Collection(nameof(AloneCollection))]
public class StripesTests
{
    private const int MaxBatchSize = 4;
    private const int Capacity = 64;
    private const int Requests = 200_000;

    private readonly Counts _counts = new();

    [SeveralProcessorsTheory]
    [InlineData(OverloadMode.Reject, Capacity)]
    [InlineData(OverloadMode.Reject, Capacity / 2)]
    [InlineData(OverloadMode.Wait, Capacity)]
    [InlineData(OverloadMode.Wait, Capacity + 8)]
    public async Task Callers_get_their_own_answers_and_nobody_is_refused(OverloadMode overload, int callers)
    {
        Echo.SquareBatcher batcher = Create(overload);
        await RunAsync(callers, caller => AskAsync(batcher, caller, Requests / callers, cancels: false));
        Assert.Equal(Requests / callers * callers, _counts.Answered);
        Assert.Equal((0, 0, 0), (_counts.Cancelled, _counts.Refused, _counts.Closed));
        await EndAsync(batcher, usesStripes: true);
    }

    // A row whose request was cancelled has its place until the device side comes by, so here some may be refused.
    [SeveralProcessorsTheory]
    [InlineData(OverloadMode.Reject, Capacity)]
    [InlineData(OverloadMode.Wait, Capacity + 8)]
    public async Task Callers_that_cancel_get_their_own_answers_and_leave_no_row_behind(OverloadMode overload, int callers)
    {
        Echo.SquareBatcher batcher = Create(overload);
        await RunAsync(callers, caller => AskAsync(batcher, caller, Requests / callers / 2, cancels: true));
        Assert.Equal(Requests / callers / 2 * callers, _counts.Answered + _counts.Cancelled + _counts.Refused);
        Assert.True(_counts is { Answered: > 0, Cancelled: > 0, Closed: 0 });
        Assert.True(overload == OverloadMode.Reject || _counts.Refused == 0);
        await EndAsync(batcher, usesStripes: true);
    }

    [SeveralProcessorsTheory]
    [InlineData(OverloadMode.Reject, Capacity, false)]
    [InlineData(OverloadMode.Wait, Capacity + 8, false)]
    [InlineData(OverloadMode.Wait, Capacity + 8, true)]
    public async Task Disposal_under_load_ends_everybody_once(OverloadMode overload, int callers, bool cancels)
    {
        for (int round = 1; round <= 20; round++)
        {
            var counts = new Counts();
            Echo.SquareBatcher batcher = Create(overload, drains: round % 2 == 0);
            var loaded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Task all = RunAsync(callers, caller => AskAsync(batcher, caller, int.MaxValue, cancels, counts, sent =>
            {
                if (sent > round * 250)
                {
                    loaded.TrySetResult();
                }
            }));
            await loaded.Task.WaitAsync(TimeSpan.FromSeconds(60));
            await batcher.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60));
            await all;
            Assert.Equal(callers, counts.Closed);
            Assert.Equal(counts.Sent, counts.Answered + counts.Cancelled + counts.Refused + counts.Closed);
            await EndAsync(batcher, usesStripes: false);
        }
    }

    // The watch is stopped once it has found the first stuck, so nobody but whoever is woken by a request from elsewhere is left to look.
    [SeveralProcessorsFact]
    public async Task Where_callers_are_known_to_block_the_next_that_does_holds_up_nobody()
    {
        Echo.SquareBatcher batcher = Create(OverloadMode.Wait);
        PriorityLanes lanes = Lanes(batcher);
        using var gate = new ManualResetEventSlim();
        int toBlock = 1;
        int blocked = 0;
        int stopped = 0;
        async Task AskAsync(int caller)
        {
            while (Volatile.Read(ref stopped) == 0)
            {
                Assert.Equal(caller * caller, await batcher.SubmitAsync(caller).ConfigureAwait(false));
                bool mayBlock = Volatile.Read(ref blocked) > 0 || lanes.Current.IsStripe;
                if (mayBlock && Volatile.Read(ref toBlock) > 0 && Interlocked.Decrement(ref toBlock) >= 0)
                {
                    Interlocked.Increment(ref blocked);
                    gate.Wait();
                }
            }
        }

        Task all = RunAsync(Capacity, AskAsync);
        try
        {
            DeliveryDesk desk = Executor(batcher).Desk;
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref blocked) == 1 && desk.IsStuck, TimeSpan.FromSeconds(60)));
            desk.Dispose();
            Volatile.Write(ref toBlock, 1);
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref blocked) == 2, TimeSpan.FromSeconds(60)));
            Assert.Equal(9, await batcher.SubmitAsync(3).AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
            Assert.Equal(16, await batcher.SubmitAsync(4).AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
        }
        finally
        {
            Volatile.Write(ref stopped, 1);
            gate.Set();
        }

        await all;
        await EndAsync(batcher, usesStripes: true);
    }

    private static Task RunAsync(int callers, Func<int, Task> call) =>
        Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(() => call(caller)))).WaitAsync(TimeSpan.FromSeconds(120));

    private async Task AskAsync(
        Echo.SquareBatcher batcher, int caller, int requests, bool cancels, Counts? counts = null, Action<long>? onSent = null)
    {
        counts ??= _counts;
        var random = new Random(caller);
        for (int i = 0; i < requests; i++)
        {
            int value = (caller * 100) + (i % 100);
            using CancellationTokenSource? source = cancels && random.Next(4) == 0 ? new CancellationTokenSource() : null;
            onSent?.Invoke(Interlocked.Increment(ref counts.Sent));
            try
            {
                ValueTask<int> asking = batcher.SubmitAsync(value, source?.Token ?? default);
                if (source is not null && random.Next(2) == 0)
                {
                    source.Cancel();
                }
                else if (source is not null)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(static source => Cancel(source), source, preferLocal: false);
                }

                Assert.Equal(value * value, await asking.ConfigureAwait(false));
                Interlocked.Increment(ref counts.Answered);
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref counts.Cancelled);
            }
            catch (BatcherOverloadedException)
            {
                Interlocked.Increment(ref counts.Refused);
                await Task.Yield();
            }
            catch (BatcherClosedException)
            {
                Interlocked.Increment(ref counts.Closed);
                return;
            }

            // Those for whom there is no room come in bursts: while somebody waits for room no stripe is entered.
            for (int pause = caller >= Capacity && i % 16 == 15 ? 300 : 0; pause > 0; pause--)
            {
                await Task.Yield();
            }
        }
    }

    private static void Cancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The request was answered first.
        }
    }

    private static Echo.SquareBatcher Create(OverloadMode overload, bool drains = true)
    {
        // It takes a moment, so that answers are awaited, and more batches wait.
        Echo.SquareBatcher batcher = new Echo(static _ => Thread.SpinWait(20)).CreateSquareBatcher(new BatcherOptions
        {
            MaxBatchSize = MaxBatchSize,
            Capacity = Capacity,
            Overload = overload,
            DrainTimeout = drains ? Timeout.InfiniteTimeSpan : TimeSpan.Zero,
        });

        // What would be tried, and given up where it does not gain, is done for good.
        OverlapTrial trial = Trial(Assert.IsType<PoolExecutor>(Executor(batcher)));
        SetOverlaps(trial, true);
        SlicesLeft(trial) = int.MaxValue;
        return batcher;
    }

    private static async Task EndAsync(Echo.SquareBatcher batcher, bool usesStripes)
    {
        await batcher.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60));
        PriorityLanes lanes = Lanes(batcher);
        Lane[] stripes = [.. Enumerable.Range(RowPlace.Priorities, RowPlace.Lanes - RowPlace.Priorities).Select(index => lanes[index]!).Where(
            static lane => lane is not null)];
        if (usesStripes)
        {
            Assert.True(lanes.IsStriped);
            long striped = stripes.Sum(static stripe => stripe.Ring.Claimed);
            Assert.True(striped > 100, $"Only {striped} rows were put into stripes.");
        }

        // Where it did not wait for that, rows may still be on their way.
        Assert.True(
            SpinWait.SpinUntil(
                () => lanes.IsEmpty && lanes.Normal.Ring.Bound + stripes.Sum(static stripe => stripe.Ring.Bound) == Capacity,
                TimeSpan.FromSeconds(60)),
            "Rows or room were not given back.");
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_lanes")]
    private static extern ref PriorityLanes Lanes(Batcher batcher);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_executor")]
    private static extern ref DeviceExecutor Executor(Batcher batcher);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_trial")]
    private static extern ref OverlapTrial Trial(PoolExecutor executor);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_Overlaps")]
    private static extern void SetOverlaps(OverlapTrial trial, bool overlaps);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_slicesLeft")]
    private static extern ref int SlicesLeft(OverlapTrial trial);

    private sealed class Counts
    {
        public long Sent;
        public long Answered;
        public long Cancelled;
        public long Refused;
        public long Closed;
    }
}
