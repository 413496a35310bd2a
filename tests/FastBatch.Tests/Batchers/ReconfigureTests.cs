using System.Collections.Concurrent;
using FastBatch.Scheduling;

namespace FastBatch.Tests.Batchers;

/// <summary>Options replaced while requests are on their way.</summary>
public class ReconfigureTests
{
    private static readonly BatcherOptions Start = new() { MaxBatchSize = 8, Capacity = 64 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Batches_closed_afterwards_have_the_new_size(bool dedicatedThread)
    {
        var gate = new Gate();
        var sizes = new ConcurrentQueue<int>();
        BatcherOptions options = Start with { DedicatedThread = dedicatedThread };
        await using var batcher = new Echo(size =>
        {
            sizes.Enqueue(size);
            gate.Pass();
        }).CreateSquareBatcher(options);
        Task<int> first = batcher.SubmitAsync(0).AsTask();
        await gate.ArrivedAsync();
        Task<int>[] rest = [.. Enumerable.Range(1, 16).Select(i => batcher.SubmitAsync(i).AsTask())];
        batcher.Reconfigure(options with { MaxBatchSize = 3 });
        Assert.Equal(3, batcher.MaxBatchSize);
        gate.Open();
        Assert.Equal(Enumerable.Range(0, 17).Select(i => i * i), await Task.WhenAll([first, .. rest]));
        Assert.Equal(3, sizes.Max());

        // And back again, up to what there is memory for.
        sizes.Clear();
        batcher.Reconfigure(options);
        await Task.WhenAll(Enumerable.Range(0, 64).Select(i => batcher.SubmitAsync(i).AsTask()));
        Assert.InRange(sizes.Max(), 1, 8);
        Assert.Same(options, batcher.Options);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_waits_for_a_fuller_batch_runs_when_it_no_longer_has_to(bool dedicatedThread)
    {
        BatcherOptions patient = Start with { MaxQueueDelay = TimeSpan.FromHours(1), DedicatedThread = dedicatedThread };
        await using var batcher = new Echo().CreateSquareBatcher(patient);
        for (int round = 0; round < 50; round++)
        {
            batcher.Reconfigure(patient);
            Task<int> waiting = batcher.SubmitAsync(7).AsTask();
            Assert.False(waiting.IsCompleted);
            batcher.Reconfigure(patient with { MaxQueueDelay = TimeSpan.Zero });
            Assert.Equal(49, await waiting.WaitAsync(TimeSpan.FromSeconds(30)));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Requests_end_while_the_options_keep_changing(bool dedicatedThread)
    {
        BatcherOptions options = Start with { DedicatedThread = dedicatedThread };
        await using var batcher = new Echo().CreateSquareBatcher(options);
        using var stopped = new CancellationTokenSource();
        Task changing = Task.Run(() =>
        {
            BatcherOptions[] others =
            [
                options with { MaxQueueDelay = TimeSpan.FromMicroseconds(200) },
                options with { MaxBatchSize = 1, Overload = OverloadMode.Wait },
                options with { DeviceCost = 2 },
                options with { MaxBatchSize = 5, Policy = new SizeOrDelayPolicy(TimeSpan.FromMilliseconds(1), size: 2) },
            ];
            for (int i = 0; !stopped.IsCancellationRequested; i++)
            {
                batcher.Reconfigure(others[i % others.Length]);
            }
        });

        await Task.WhenAll(Enumerable.Range(0, 8).Select(client => Task.Run(async () =>
        {
            for (int i = 0; i < 2000; i++)
            {
                int square = await batcher.SubmitAsync(client + i);
                Assert.Equal((client + i) * (client + i), square);
            }
        }))).WaitAsync(TimeSpan.FromSeconds(60));
        await stopped.CancelAsync();
        await changing;
    }

    [Fact]
    public async Task A_full_batcher_refuses_instead_once_it_is_told_to()
    {
        var gate = new Gate();
        BatcherOptions options = Start with { MaxBatchSize = 1, Capacity = 2 };
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(options);
        Task<int>[] accepted = [.. Enumerable.Range(0, 4).Select(i => batcher.SubmitAsync(i).AsTask())];
        batcher.Reconfigure(options with { Overload = OverloadMode.Reject });
        await Assert.ThrowsAsync<BatcherOverloadedException>(async () => await batcher.SubmitAsync(9));
        gate.Open();
        int[] squares = await Task.WhenAll(accepted);
        Assert.Equal([0, 1, 4, 9], squares);
    }

    [Theory]
    [InlineData(nameof(BatcherOptions.MaxBatchSize), "at most 8 while it serves")]
    [InlineData(nameof(BatcherOptions.Capacity), "it is 64, and 128 is given")]
    [InlineData(nameof(BatcherOptions.ZeroRows), "it is True, and False is given")]
    [InlineData(nameof(BatcherOptions.DedicatedThread), "it is unset, and True is given")]
    [InlineData(nameof(BatcherOptions.InlineContinuations), "it is False, and True is given")]
    [InlineData(nameof(BatcherOptions.IsolateFaults), "it is True, and False is given")]
    [InlineData(nameof(BatcherOptions.MaxQueueDelay), "zero or more")]
    public async Task What_cannot_change_is_refused_by_name_and_nothing_changes(string option, string reason)
    {
        await using var batcher = new Echo().CreateSquareBatcher(Start);
        BatcherOptions options = option switch
        {
            nameof(BatcherOptions.MaxBatchSize) => Start with { MaxBatchSize = 9 },
            nameof(BatcherOptions.Capacity) => Start with { Capacity = 128 },
            nameof(BatcherOptions.ZeroRows) => Start with { ZeroRows = false },
            nameof(BatcherOptions.DedicatedThread) => Start with { DedicatedThread = true },
            nameof(BatcherOptions.InlineContinuations) => Start with { InlineContinuations = true },
            nameof(BatcherOptions.IsolateFaults) => Start with { IsolateFaults = false },
            _ => Start with { MaxQueueDelay = TimeSpan.FromTicks(-1) },
        };
        ArgumentException exception = Assert.ThrowsAny<ArgumentException>(() => batcher.Reconfigure(options));
        Assert.Equal(option, exception.ParamName);
        Assert.Contains($"Echo.Square: BatcherOptions.{option}", exception.Message, StringComparison.Ordinal);
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
        Assert.Same(Start, batcher.Options);
        Assert.Equal(4, await batcher.SubmitAsync(2));
    }

    [Fact]
    public async Task A_clock_cannot_be_exchanged()
    {
        await using var batcher = new Echo().CreateSquareBatcher(Start);
        Assert.Throws<ArgumentException>(
            nameof(BatcherOptions.TimeProvider), () => batcher.Reconfigure(Start with { TimeProvider = new OtherTime() }));
    }

    private sealed class OtherTime : TimeProvider;
}
