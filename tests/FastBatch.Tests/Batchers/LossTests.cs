using FastBatch.Diagnostics;
using FastBatch.Scheduling;

namespace FastBatch.Tests.Batchers;

/// <summary>
/// The device side itself fails: here because its clock throws, at every look in turn. Nobody is left waiting, nothing is run any more, and the
/// process goes on.
/// </summary>
public class LossTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static TheoryData<bool, bool> Executors => new() { { false, false }, { true, false }, { true, true } };

    [Theory]
    [MemberData(nameof(Executors))]
    public async Task Every_request_ends_with_the_loss_of_what_drives_the_device(bool dedicatedThread, bool inlineContinuations)
    {
        var time = new FailingTime();
        var gate = new Gate();
        var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(new BatcherOptions
        {
            TimeProvider = time,
            DedicatedThread = dedicatedThread,
            InlineContinuations = inlineContinuations,
            MaxBatchSize = 4,
            Capacity = 8,
            DrainTimeout = TimeSpan.FromHours(1),
        });
        using var cancellation = new CancellationTokenSource();
        Task<int> running = batcher.SubmitAsync(1).AsTask();
        await gate.ArrivedAsync();

        // In the ring, in another level's ring, beside the ring, and one that leaves.
        Task<int>[] waiting = [.. Enumerable.Range(0, 20).Select(i => batcher.SubmitAsync(i).AsTask())];
        Task<int> high = batcher.SubmitAsync(2, new RequestOptions { Priority = RequestPriority.High }).AsTask();
        Task<int> cancelled = batcher.SubmitAsync(3, cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        Task warmUp = batcher.WarmUpAsync();
        time.Fails = true;
        gate.Open();
        foreach (Task<int> request in (Task<int>[])[running, high, .. waiting])
        {
            var exception = await Assert.ThrowsAsync<DeviceLostException>(() => request.WaitAsync(Patience));
            Assert.Contains("the clock stopped", exception.Message, StringComparison.Ordinal);
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(Patience));
        await Assert.ThrowsAsync<DeviceLostException>(() => warmUp.WaitAsync(Patience));
        Assert.Equal(BatcherState.Lost, batcher.State);
        Assert.Same(time.Failure, batcher.Loss!.InnerException);
        Assert.Equal(0, batcher.BatchesRunning);

        // For good, whatever becomes of the clock.
        time.Fails = false;
        await Assert.ThrowsAsync<DeviceLostException>(async () => await batcher.SubmitAsync(1));
        await batcher.DisposeAsync().AsTask().WaitAsync(Patience);
        Assert.Equal(0, batcher.QueueLength);
        BatcherStatistics statistics = batcher.GetStatistics();
        Assert.Equal((22, 1, 0), (statistics.Failed, statistics.Cancelled, statistics.Succeeded));
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public async Task Whenever_the_clock_throws_each_request_has_its_answer_or_the_loss(bool dedicatedThread, bool inlineContinuations)
    {
        // Until it is asked so rarely that it never throws.
        bool lost = true;
        for (int after = 0; lost; after++)
        {
            Assert.InRange(after, 0, 10_000);
            lost = await RunAsync(after, dedicatedThread, inlineContinuations);
        }
    }

    // Whether the batcher was lost.
    private static async Task<bool> RunAsync(int after, bool dedicatedThread, bool inlineContinuations)
    {
        var time = new FailingTime();
        var batcher = new Echo().CreateSquareBatcher(new BatcherOptions
        {
            TimeProvider = time,
            DedicatedThread = dedicatedThread,
            InlineContinuations = inlineContinuations,
            MaxBatchSize = 16,
            DrainTimeout = TimeSpan.FromHours(1),
            Policy = new SizeOrDelayPolicy(TimeSpan.FromMicroseconds(30)),
        });
        using IDisposable observing = batcher.Observe(new Idle());
        time.FailAfter(after);
        for (int round = 0; round < 3; round++)
        {
            var requests = new List<(int Id, Task<int> Request)>();
            for (int i = 0; i < 20; i++)
            {
                try
                {
                    requests.Add((i, batcher.SubmitAsync(i).AsTask()));
                }
                catch (TimeZoneNotFoundException)
                {
                    // The caller is the one who asked.
                }
            }

            foreach ((int id, Task<int> request) in requests)
            {
                try
                {
                    Assert.Equal(id * id, await request.WaitAsync(Patience));
                }
                catch (DeviceLostException)
                {
                    Assert.NotNull(batcher.Loss);
                }
            }
        }

        bool lost = batcher.Loss is not null;
        await batcher.DisposeAsync().AsTask().WaitAsync(Patience);
        Assert.Equal(0, batcher.QueueLength);
        return lost;
    }

    private sealed class Idle : BatchObserver
    {
        public override RequestDetails Details => RequestDetails.Times;
    }

    /// <summary>A clock that throws when it is told to.</summary>
    private sealed class FailingTime : TimeProvider
    {
        private int _left = int.MaxValue;

        public Exception Failure { get; } = new TimeZoneNotFoundException("the clock stopped");

        public bool Fails
        {
            set => Volatile.Write(ref _left, value ? 0 : int.MaxValue);
        }

        public void FailAfter(int looks) => Volatile.Write(ref _left, looks);

        public override long GetTimestamp() => Volatile.Read(ref _left) switch
        {
            int.MaxValue => base.GetTimestamp(),
            _ when Interlocked.Decrement(ref _left) >= 0 => base.GetTimestamp(),
            _ => throw Failure,
        };
    }
}
