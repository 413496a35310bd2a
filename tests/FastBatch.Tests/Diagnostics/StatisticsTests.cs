using FastBatch.Diagnostics;
using FastBatch.Scheduling;

namespace FastBatch.Tests.Diagnostics;

/// <summary>Counts are exact, percentiles within their bound.</summary>
public class StatisticsTests
{
    [Fact]
    public async Task Totals_are_exact_once_everything_has_ended()
    {
        const int Threads = 4;
        const int Each = 2000;
        var batcher = new Picky(static value => value % 97 == 96 ? new InvalidDataException() : null)
            .CreateNegateBatcher(new BatcherOptions { Capacity = 64, Overload = OverloadMode.Reject });
        var seen = new long[Enum.GetValues<RequestOutcome>().Length];
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(async () =>
        {
            var pending = new List<Task<int>>();
            using var cancelled = new CancellationTokenSource();
            for (int i = 0; i < Each; i++)
            {
                pending.Add(batcher.SubmitAsync(i, new int[2], i % 50 == 0 ? cancelled.Token : default).AsTask());
                if (i % 100 == 0)
                {
                    await cancelled.CancelAsync();
                    await Task.WhenAll(pending.Select(static task => task.ContinueWith(static _ => { }, TaskScheduler.Default)));
                }
            }

            foreach (Task<int> task in pending)
            {
                RequestOutcome outcome = RequestOutcome.Succeeded;
                try
                {
                    await task;
                }
                catch (BatchExecutionException)
                {
                    outcome = RequestOutcome.Failed;
                }
                catch (BatcherOverloadedException)
                {
                    outcome = RequestOutcome.Rejected;
                }
                catch (OperationCanceledException)
                {
                    outcome = RequestOutcome.Cancelled;
                }

                Interlocked.Increment(ref seen[(int)outcome]);
            }
        })));
        await batcher.DisposeAsync();
        Assert.Throws<BatcherClosedException>(() => batcher.SubmitAsync(1, new int[2]).AsTask().GetAwaiter().GetResult());

        // A helper may still be leaving the last batch it delivered.
        Assert.True(SpinWait.SpinUntil(() => batcher.GetStatistics().Ended == (Threads * Each) + 1, TimeSpan.FromSeconds(30)));
        BatcherStatistics statistics = batcher.GetStatistics();
        Assert.Equal(seen[(int)RequestOutcome.Succeeded], statistics.Succeeded);
        Assert.Equal(seen[(int)RequestOutcome.Failed], statistics.Failed);
        Assert.Equal(seen[(int)RequestOutcome.Rejected], statistics.Rejected);
        Assert.Equal(seen[(int)RequestOutcome.Cancelled], statistics.Cancelled);
        Assert.Equal(1, statistics.Closed);
        Assert.Equal(0, statistics.Dropped + statistics.Abandoned + statistics.QueueLength);
        Assert.True(seen[(int)RequestOutcome.Failed] > 0 && seen[(int)RequestOutcome.Cancelled] > 0);
        Assert.InRange(statistics.Rows, statistics.Succeeded + statistics.Failed, Threads * Each);
        long batches = 0;
        foreach (long count in statistics.BatchSizes)
        {
            batches += count;
        }

        Assert.Equal(statistics.Batches, batches);
        Assert.InRange(statistics.MeanBatchSize, 1, 64);
        Assert.True(statistics.DeviceTime > TimeSpan.Zero && statistics.DeviceTime < statistics.Uptime);
    }

    [Fact]
    public async Task Waits_and_latencies_are_measured_from_the_first_look_on()
    {
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher();
        Assert.Equal(default, batcher.GetStatistics().Latency);
        Task<int>[] pending = [.. Enumerable.Range(0, 5).Select(i => batcher.SubmitAsync(i).AsTask())];
        await gate.ArrivedAsync();
        gate.Open();
        await Task.WhenAll(pending);
        await batcher.SubmitAsync(5);
        Assert.True(await WaitAsync(() => batcher.GetStatistics().Latency.Count == 6));
        BatcherStatistics statistics = batcher.GetStatistics();
        Assert.Equal(6, statistics.Wait.Count);
        Assert.True(statistics.Latency.Max >= statistics.Latency.P999 && statistics.Latency.P999 >= statistics.Latency.P50);
        Assert.True(statistics.Latency.P50 >= statistics.Wait.P50);
        Assert.True(statistics.Latency.Max < statistics.Uptime);
    }

    [Fact]
    public async Task Each_priority_is_told_apart_and_all_of_them_add_up()
    {
        var gate = new Gate();
        await using var batcher = new Echo(_ => gate.Pass()).CreateSquareBatcher(new BatcherOptions { MaxBatchSize = 4 });
        BatcherStatistics before = batcher.GetStatistics();
        List<Task<int>> pending = [batcher.SubmitAsync(0).AsTask()];
        await gate.ArrivedAsync();

        // The next batches: 3 critical and 1 normal; 3 normal and 1 low; 1 low.
        (RequestPriority Priority, int Count)[] submitted =
            [(RequestPriority.Low, 2), (RequestPriority.Normal, 4), (RequestPriority.Critical, 3)];
        foreach ((RequestPriority priority, int count) in submitted)
        {
            pending.AddRange(Enumerable.Range(0, count).Select(i => batcher.SubmitAsync(i, new RequestOptions { Priority = priority }).AsTask()));
        }

        BatcherStatistics waiting = batcher.GetStatistics();
        Assert.All(submitted, one => Assert.Equal(one.Count, waiting.Of(one.Priority).QueueLength));
        Assert.Equal(5, waiting.Of(RequestPriority.Normal).Submitted);
        Assert.Equal(default, waiting.Of(RequestPriority.High));
        gate.Open();
        await Task.WhenAll(pending);
        Assert.True(await WaitAsync(() => batcher.GetStatistics().Latency.Count == pending.Count));
        BatcherStatistics after = batcher.GetStatistics();
        Assert.Equal((2, 5, 0, 3), (Latencies(RequestPriority.Low), Latencies(RequestPriority.Normal), Latencies(RequestPriority.High), Latencies(RequestPriority.Critical)));
        Assert.Equal(3, after.Of(RequestPriority.Critical).Wait.Count);
        Assert.Equal(pending.Count, after.Wait.Count);
        Assert.Equal(0, after.Of(RequestPriority.Low).QueueLength);
        Assert.True(after.Of(RequestPriority.Critical).Wait.P50 <= after.Of(RequestPriority.Low).Wait.P50);
        Assert.True(after.Latency.Max >= after.Of(RequestPriority.Low).Latency.Max);
        BatcherRates rates = after.Since(before);
        Assert.Equal(3 / rates.Elapsed.TotalSeconds, rates.ThroughputOf(RequestPriority.Critical), 1e-6);
        Assert.Equal(5 / rates.Elapsed.TotalSeconds, rates.ThroughputOf(RequestPriority.Normal), 1e-6);
        Assert.Throws<ArgumentOutOfRangeException>("priority", () => after.Of((RequestPriority)3));

        long Latencies(RequestPriority priority) => after.Of(priority).Latency.Count;
    }

    [Fact]
    public void What_happened_between_two_looks()
    {
        var before = new BatcherStatistics { Uptime = TimeSpan.FromSeconds(1), Succeeded = 10, Batches = 2, Rows = 10, QueueLength = 4 };
        var after = new BatcherStatistics
        {
            Uptime = TimeSpan.FromSeconds(3), Succeeded = 90, Failed = 10, Rejected = 6, Cancelled = 4, Batches = 12, Rows = 100,
            DeviceTime = TimeSpan.FromSeconds(1), QueueLength = 2,
        };
        BatcherRates rates = after.Since(before);
        Assert.Equal((TimeSpan.FromSeconds(2), 40, 49, 5), (rates.Elapsed, rates.Throughput, rates.ArrivalRate, rates.BatchRate));
        Assert.Equal((9, 0.5, 0.1, 0.06, 0.04), (rates.MeanBatchSize, rates.Utilization, rates.FailedShare, rates.RejectedShare, rates.CancelledShare));
        Assert.Equal(0, before.Since(before).Throughput);
        Assert.Equal(30, after.Since(default).Throughput);
    }

    [Fact]
    public async Task The_policy_s_limit_is_shown()
    {
        await using var plain = new Echo().CreateSquareBatcher();
        await using var priced = new Echo().CreateSquareBatcher(new BatcherOptions { DeviceCost = 1 });
        Assert.Equal((1, 16, TimeSpan.Zero), (plain.GetStatistics().ControlLimit, plain.GetStatistics().BatchLimit, plain.MaxQueueDelay));
        Assert.InRange(priced.GetStatistics().ControlLimit, 1, 16);
        await using var delayed = new Echo().CreateSquareBatcher(new BatcherOptions { Policy = new SizeOrDelayPolicy(TimeSpan.FromSeconds(1)) });
        Assert.Equal(TimeSpan.FromSeconds(1), delayed.MaxQueueDelay);
        Assert.Equal((4, 32), (plain.RowBytes, new Echo().CreatePairBatcher().RowBytes));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(4, 2)]
    [InlineData(5, 3)]
    [InlineData(1 << 22, 22)]
    public void Sizes_are_classed_by_powers_of_two(int rows, int index)
    {
        Assert.Equal(index, BatchSizes.IndexOf(rows));
        Assert.InRange(rows, 0, BatchSizes.UpperBound(index));
    }

    [Fact]
    public void Percentiles_are_off_by_1_6_percent_at_most()
    {
        var random = new Random(5);
        foreach (double spread in (double[])[0.1, 2, 12])
        {
            var counts = new DurationCounts();
            long[] durations = [.. Enumerable.Range(0, 5000).Select(_ => (long)Math.Exp((random.NextDouble() * spread) + random.Next(20)))];
            Array.ForEach(durations, counts.Record);
            Array.Sort(durations);
            foreach (double part in (double[])[0, 0.1, 0.5, 0.9, 0.99, 0.999, 1])
            {
                long exact = durations[Math.Max(1, (int)Math.Ceiling(part * durations.Length)) - 1];
                Assert.InRange(counts.Percentile(part), Math.Floor(exact * (1 - 0.016)), Math.Ceiling(exact * (1 + 0.016)));
            }

            Assert.Equal(durations[^1], counts.Max);
        }
    }

    [Fact]
    public void Every_duration_has_a_bucket()
    {
        int last = -1;
        foreach (long duration in (long[])[0, 1, 31, 32, 63, 64, 65, 127, 128, 1000, int.MaxValue, long.MaxValue / 2, long.MaxValue])
        {
            int bucket = DurationCounts.Bucket(duration);
            Assert.InRange(bucket, last + 1 - (duration == 65 ? 1 : 0), DurationCounts.Buckets - 1);
            Assert.InRange(DurationCounts.Middle(bucket), duration * (1 - 1.0 / 64), duration * (1 + 1.0 / 64));
            last = bucket;
        }

        var counts = new DurationCounts();
        counts.Record(-5);
        Assert.Equal((1, 0, 0), (counts.Count, counts.Max, counts.Percentile(0.5)));
        counts.Clear();
        Assert.Equal((0, 0, 0), (counts.Count, counts.Max, counts.Percentile(0.5)));
    }

    [Fact]
    public void Latencies_of_long_ago_are_forgotten()
    {
        var time = new ManualTime();
        var recorder = new LatencyRecorder(time);
        Assert.Equal(0, Record(latency: 100));
        Assert.Equal(2, Count(after: 9));
        Assert.Equal(2, Count(after: 9));
        Assert.Equal(2, Record(latency: 300));
        Assert.Equal(3, Count(after: 9));
        Assert.Equal(1, Count(after: 3));
        Assert.Equal(0, Count(after: 40));

        long Record(long latency)
        {
            var record = new BatchRecord(2);
            record.Begin(RequestDetails.Times, 2, 0, time.TimestampFrequency);
            int rows = latency == 100 ? 2 : 1;
            for (int i = 0; i < rows; i++)
            {
                record.Note(i, time.Now - latency, default);
            }

            record.Close(rows, false, BatchCloseReason.Idle, time.Now - 50);
            record.Start(time.Now - 20);
            record.End(time.Now - 10);
            record.Delivered = time.Now;
            long before = recorder.Complete(default).Latency.Count;
            recorder.OnBatch(null!, new BatchReport(record));
            return before;
        }

        long Count(int after)
        {
            time.Now += after * time.TimestampFrequency;
            return recorder.Complete(default).Latency.Count;
        }
    }

    private static async Task<bool> WaitAsync(Func<bool> condition)
    {
        for (int i = 0; i < 10_000 && !condition(); i++)
        {
            await Task.Yield();
            await Task.Delay(1);
        }

        return condition();
    }

    private sealed class ManualTime : TimeProvider
    {
        public long Now { get; set; } = 1_000_000;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Now;
    }
}
