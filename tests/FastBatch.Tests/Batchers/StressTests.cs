using System.Globalization;

namespace FastBatch.Tests.Batchers;

/// <summary>
/// Many clients in every form at once, with random cancellation, slow readers, faults, a full lane and disposal under load. Each answer is
/// checked against its own request, and every request must end, once. FASTBATCH_STRESS_SECONDS makes it longer (default 6).
/// </summary>
[Collection(nameof(AloneCollection))]
public class StressTests
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(
        double.Parse(Environment.GetEnvironmentVariable("FASTBATCH_STRESS_SECONDS") ?? "6", CultureInfo.InvariantCulture));

    [Fact]
    public async Task Every_request_ends_once_with_its_own_answer()
    {
        long end = Environment.TickCount64 + (long)Duration.TotalMilliseconds;
        var counts = new StressCounts();
        for (int seed = 0; Environment.TickCount64 < end; seed++)
        {
            var random = new Random(seed);
            int maxBatchSize = random.Next(1, 33);
            bool dedicatedThread = random.Next(3) == 0;
            var options = new BatcherOptions
            {
                MaxBatchSize = maxBatchSize,
                Capacity = maxBatchSize + random.Next(0, 200),
                Overload = (OverloadMode)random.Next(3),
                Deadline = random.Next(4) == 0 ? TimeSpan.FromMicroseconds(random.Next(1, 5000)) : null,
                DedicatedThread = dedicatedThread,
                InlineContinuations = dedicatedThread && random.Next(2) == 0,
                MaxQueueDelay = random.Next(4) == 0 ? TimeSpan.FromMicroseconds(random.Next(1, 500)) : null,
                IsolateFaults = random.Next(2) == 0,
            };
            try
            {
                await RunAsync(options, random.Next(1, 80), random.Next(20, 400), seed, counts).WaitAsync(TimeSpan.FromSeconds(60));
            }
            catch (TimeoutException)
            {
                Assert.Fail($"Seed {seed} hangs after {counts}, with {options}.");
            }
        }

        Assert.Equal(counts.Sent, counts.Answered + counts.Cancelled + counts.Faulted + counts.Refused);
        Assert.True(counts.Answered > 0);
        Console.WriteLine(counts);
    }

    private static async Task RunAsync(BatcherOptions options, int clients, int milliseconds, int seed, StressCounts counts)
    {
        int batches = 0;
        var model = new Echo(_ =>
        {
            if (++batches % 1000 == 999)
            {
                throw new ArithmeticException("injected");
            }
        });
        var batcher = model.CreatePairBatcher(options);
        using var stop = new CancellationTokenSource();
        Task[] running = [.. Enumerable.Range(0, clients).Select(client => Task.Run(
            () => new StressClient(batcher, client, (seed * 1000) + client, counts).RunAsync(stop.Token)))];
        await Task.Delay(milliseconds);

        // Half the time the batcher goes first, under its clients' feet.
        if (seed % 2 == 0)
        {
            await batcher.DisposeAsync();
        }

        await stop.CancelAsync();
        await Task.WhenAll(running);
        await batcher.DisposeAsync();
        Assert.Equal(0, batcher.QueueLength);
    }

    private sealed class StressClient(Echo.PairBatcher batcher, int client, int seed, StressCounts counts)
    {
        private readonly Random _random = new(seed);
        private readonly long[] _row = new long[4];
        private readonly long[] _answer = new long[2];
        private readonly List<(RowLease<long> Lease, long Id)> _leases = [];

        public async Task RunAsync(CancellationToken stop)
        {
            for (long i = 1; !stop.IsCancellationRequested; i++)
            {
                long id = ((long)client << 40) + i;
                Interlocked.Increment(ref counts.Sent);
                try
                {
                    await SendAsync(id).ConfigureAwait(false);
                    Interlocked.Increment(ref counts.Answered);
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref counts.Cancelled);
                }
                catch (BatchExecutionException exception) when (exception.InnerException is ArithmeticException)
                {
                    Interlocked.Increment(ref counts.Faulted);
                }
                catch (FormatException)
                {
                    Interlocked.Increment(ref counts.Faulted);
                }
                catch (Exception exception) when (exception is BatcherOverloadedException or RequestDroppedException or DeadlineExceededException)
                {
                    Interlocked.Increment(ref counts.Refused);
                    await Task.Yield();
                }
                catch (BatcherClosedException)
                {
                    Interlocked.Increment(ref counts.Refused);
                    break;
                }
            }

            CheckLeases(keep: 0);
        }

        private async ValueTask SendAsync(long id)
        {
            using CancellationTokenSource? source = _random.Next(4) == 0 ? new CancellationTokenSource() : null;
            CancellationToken token = source?.Token ?? default;
            Array.Fill(_row, id);
            Array.Fill(_answer, -1);
            switch (_random.Next(5))
            {
                case 0:
                    ValueTask<RowLease<long>> leasing = batcher.SubmitAsync(_row, token);
                    CancelSometimes(source);
                    _leases.Add((await leasing.ConfigureAwait(false), id));
                    CheckLeases(keep: 4);
                    break;
                case 1:
                    await batcher.SubmitAsync(id, static (id, row) => row.Fill(id), _answer, Options(), token).ConfigureAwait(false);
                    Assert.Equal([id, id + 1], _answer);
                    break;
                case 2 when _random.Next(50) == 0:
                    await batcher.SubmitAsync(id, static (_, _) => throw new FormatException(), _answer, token).ConfigureAwait(false);
                    Assert.Fail("The writer's exception was lost.");
                    break;
                default:
                    ValueTask copying = _random.Next(2) == 0
                        ? batcher.SubmitAsync(_row, _answer, token)
                        : batcher.SubmitAsync(_row, _answer, Options(), token);
                    Array.Fill(_row, -2);
                    CancelSometimes(source);
                    try
                    {
                        await copying.ConfigureAwait(false);
                    }
                    catch (Exception)
                    {
                        Assert.Equal([-1, -1], _answer);
                        throw;
                    }

                    Assert.Equal([id, id + 1], _answer);
                    break;
            }
        }

        private RequestOptions Options() => new()
        {
            Priority = (RequestPriority)_random.Next(-1, 3),
            Deadline = _random.Next(3) == 0 ? TimeSpan.FromMicroseconds(_random.Next(0, 3000)) : null,
        };

        // Before, with, or after the answer.
        private void CancelSometimes(CancellationTokenSource? source)
        {
            switch (source is null ? -1 : _random.Next(4))
            {
                case 0:
                    source!.Cancel();
                    break;
                case 1:
                    ThreadPool.UnsafeQueueUserWorkItem(static source => Cancel(source!), source, preferLocal: false);
                    break;
                case 2:
                    source!.CancelAfter(1);
                    break;
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

        // Slow readers: a lease is read long after it was given, and must still hold its own answer.
        private void CheckLeases(int keep)
        {
            while (_leases.Count > keep)
            {
                (RowLease<long> lease, long id) = _leases[0];
                _leases.RemoveAt(0);
                Assert.Equal([id, id + 1], lease.Span.ToArray());
                lease.Dispose();
                if (_random.Next(2) == 0)
                {
                    lease.Dispose();
                }
            }
        }
    }

    private sealed class StressCounts
    {
        public long Sent;
        public long Answered;
        public long Cancelled;
        public long Faulted;
        public long Refused;

        public override string ToString() =>
            $"{Sent:N0} sent = {Answered:N0} answered + {Cancelled:N0} cancelled + {Faulted:N0} faulted + {Refused:N0} refused";
    }
}
