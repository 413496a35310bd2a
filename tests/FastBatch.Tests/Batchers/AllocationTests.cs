using FastBatch.Diagnostics;
using FastBatch.Tests.Devices.Simulated;

namespace FastBatch.Tests.Batchers;

/// <summary>
/// What a request allocates, counted over the whole process. Exact, so it runs alone: see <see cref="AloneCollection"/>.
/// </summary>
[Collection(nameof(AloneCollection))]
public class AllocationTests
{
    private const int Windows = 40;

    public static TheoryData<bool, bool, int> Cases
    {
        get
        {
            var cases = new TheoryData<bool, bool, int>();
            foreach (int clients in (int[])[1, 8, 64, 512])
            {
                cases.Add(false, false, clients);
                cases.Add(true, false, clients);
                cases.Add(true, true, clients);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Copy_form(bool dedicatedThread, bool inlineContinuations, int clients)
    {
        await using var batcher = new Echo().CreatePairBatcher(Options(dedicatedThread, inlineContinuations));
        await AssertNothingAllocatedAsync(clients, async (id, load) =>
        {
            long[] row = [id, id, id, id];
            long[] answer = new long[2];
            while (load.Next(id))
            {
                await batcher.SubmitAsync(row, answer).ConfigureAwait(false);
            }
        });
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task With_a_cancellation_token(bool dedicatedThread, bool inlineContinuations, int clients)
    {
        await using var batcher = new Echo().CreatePairBatcher(Options(dedicatedThread, inlineContinuations));
        await AssertNothingAllocatedAsync(clients, async (id, load) =>
        {
            using var source = new CancellationTokenSource();
            long[] row = [id, id, id, id];
            long[] answer = new long[2];
            while (load.Next(id))
            {
                await batcher.SubmitAsync(row, answer, source.Token).ConfigureAwait(false);
            }
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task With_a_deadline_and_a_priority(bool dedicatedThread)
    {
        await using var batcher = new Echo().CreatePairBatcher(Options(dedicatedThread, inlineContinuations: false) with { Deadline = TimeSpan.FromHours(1) });
        await AssertNothingAllocatedAsync(64, async (id, load) =>
        {
            long[] row = [id, id, id, id];
            long[] answer = new long[2];
            while (load.Next(id))
            {
                RequestPriority priority = (RequestPriority)((id % 4) - 1);
                await batcher.SubmitAsync(row, answer, new RequestOptions { Deadline = TimeSpan.FromMinutes(1), Priority = priority }).ConfigureAwait(false);
                await batcher.SubmitAsync(row, answer).ConfigureAwait(false);
            }
        });
    }

    [Fact]
    public async Task Lease_form_and_in_place_form_and_by_value()
    {
        await using var pair = new Echo().CreatePairBatcher();
        await using var square = new Echo().CreateSquareBatcher();
        await AssertNothingAllocatedAsync(16, async (id, load) =>
        {
            while (load.Next(id))
            {
                using (await pair.SubmitAsync((long)id, static (id, row) => row.Fill(id)).ConfigureAwait(false))
                {
                }

                await square.SubmitAsync(id).ConfigureAwait(false);
            }
        });
    }

    [Fact]
    public async Task Waiting_for_room()
    {
        await using var batcher = new Echo().CreatePairBatcher(new BatcherOptions { Capacity = 16 });
        await AssertNothingAllocatedAsync(128, async (id, load) =>
        {
            long[] row = [id, id, id, id];
            long[] answer = new long[2];
            while (load.Next(id))
            {
                await batcher.SubmitAsync(row, answer).ConfigureAwait(false);
            }
        });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public async Task With_a_price_for_device_time(int clients)
    {
        await using var batcher = new Echo().CreatePairBatcher(new BatcherOptions { DeviceCost = 0.5 });
        await AssertNothingAllocatedAsync(clients, async (id, load) =>
        {
            long[] row = [id, id, id, id];
            long[] answer = new long[2];
            while (load.Next(id))
            {
                await batcher.SubmitAsync(row, answer).ConfigureAwait(false);
            }
        });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public async Task Observed_and_with_statistics(int clients)
    {
        await using var batcher = new Echo().CreatePairBatcher();
        var counter = new CountingObserver();
        batcher.Observe(counter);
        batcher.GetStatistics();
        await AssertNothingAllocatedAsync(clients, async (id, load) =>
        {
            long[] row = [id, id, id, id];
            long[] answer = new long[2];
            while (load.Next(id))
            {
                await batcher.SubmitAsync(row, answer).ConfigureAwait(false);
                if (id == 0 && (load.Requests & 1023) == 0)
                {
                    Assert.True(batcher.GetStatistics().Ended >= 0);
                }
            }
        });
        Assert.True(Volatile.Read(ref counter.Rows) > 0);
    }

    private static BatcherOptions Options(bool dedicatedThread, bool inlineContinuations) =>
        new() { DedicatedThread = dedicatedThread, InlineContinuations = inlineContinuations };

    // The clients run all the time; windows over their steady state are counted. What the process allocates now and then for itself (a
    // pool thread, say) may hit some windows: one with thousands of requests and not a byte shows that requests need none.
    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(false, 2)]
    public async Task On_devices_with_graphs_and_without(bool graphs, int devices)
    {
        await using var batcher = Echo.CreatePairBatcher(
            [.. Enumerable.Range(0, devices).Select(static _ => new Echo())],
            new BatcherOptions { Devices = ImmediateDevice.Several(devices), UseCudaGraphs = graphs, GraphSizes = [16] });
        await batcher.WarmUpAsync();
        await AssertNothingAllocatedAsync(8, async (id, load) =>
        {
            long[] row = [id, id, id, id];
            long[] answer = new long[2];
            while (load.Next(id))
            {
                await batcher.SubmitAsync(row, answer).ConfigureAwait(false);
            }
        });
        Assert.All(batcher.GetGraphs(), static size => Assert.True(size is { Replays: > 1000, Refusal: null }));
        Assert.Equal(graphs, batcher.GetGraphs().Count == 1);
    }

    private static async Task AssertNothingAllocatedAsync(int clients, Func<int, Load, Task> client)
    {
        var load = new Load(clients);
        Task running = Task.WhenAll(Enumerable.Range(0, clients).Select(id => Task.Run(() => client(id, load))));
        var seen = new List<string>();
        bool clean = false;
        for (int window = 0; window < Windows && !clean; window++)
        {
            long requestsBefore = load.Requests;
            long bytesBefore = GC.GetTotalAllocatedBytes(precise: true);
            Thread.Sleep(50);
            long bytes = GC.GetTotalAllocatedBytes(precise: true) - bytesBefore;
            long requests = load.Requests - requestsBefore;
            clean = bytes == 0 && requests > 1000;
            seen.Add($"{bytes} bytes for {requests} requests");
        }

        load.Stop();
        await running;
        Assert.True(clean, string.Join("; ", seen));
    }

    private sealed class CountingObserver : BatchObserver
    {
        public long Rows;

        public override RequestDetails Details => RequestDetails.Times | RequestDetails.Origins;

        public override void OnBatch(Batcher batcher, in BatchReport batch) =>
            Interlocked.Add(ref Rows, batch.Enqueued.Length + batch.Origins.Length);
    }

    private sealed class Load(int clients)
    {
        private readonly long[] _requests = new long[clients];
        private volatile bool _stopped;

        public long Requests
        {
            get
            {
                long sum = 0;
                for (int i = 0; i < _requests.Length; i++)
                {
                    sum += Volatile.Read(ref _requests[i]);
                }

                return sum;
            }
        }

        public bool Next(int client)
        {
            _requests[client]++;
            return !_stopped;
        }

        public void Stop() => _stopped = true;
    }
}

/// <summary>Tests that count what the whole process does.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;
