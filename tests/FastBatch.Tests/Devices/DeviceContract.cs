using System.Reflection;

namespace FastBatch.Tests.Devices;

/// <summary>
/// What holds of a batcher whatever its device, with real threads in real time. Each device has a class that derives from this, makes
/// batchers of a method that answers a row of four numbers with itself, sixteen rows at most at once, and has one theory over
/// <see cref="Scenarios"/>.
/// </summary>
public abstract class DeviceContract
{
    private const int MaxBatchSize = 16;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The names of the methods here.</summary>
    public static TheoryData<string> Scenarios => [.. typeof(DeviceContract)
        .GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly)
        .Where(static method => !method.IsSpecialName)
        .Select(static method => method.Name)];

    protected Task Perform(string scenario) => (Task)typeof(DeviceContract).GetMethod(scenario)!.Invoke(this, null)!;

    protected abstract IEcho Open(BatcherOptions options);

    public async Task Each_of_many_callers_gets_its_own_row()
    {
        await using IEcho batcher = Open(new BatcherOptions());
        await Task.WhenAll(Enumerable.Range(0, 64).Select(caller => Task.Run(async () =>
        {
            for (int i = 0; i < 100; i++)
            {
                await Echoed(batcher, (caller * 1000) + i);
            }
        }))).WaitAsync(Patience);
        Assert.Null(batcher.Batcher.Loss);
    }

    public async Task Bursts_of_every_size_are_answered()
    {
        await using IEcho batcher = Open(new BatcherOptions());
        for (int size = 1; size <= (2 * MaxBatchSize) + 1; size++)
        {
            await Task.WhenAll(Enumerable.Range(1, size).Select(id => Echoed(batcher, id))).WaitAsync(Patience);
        }
    }

    public async Task More_requests_than_there_are_rows_wait_their_turn()
    {
        await using IEcho batcher = Open(new BatcherOptions { Capacity = MaxBatchSize });
        await Task.WhenAll(Enumerable.Range(1, 1000).Select(id => Echoed(batcher, id))).WaitAsync(Patience);
    }

    public async Task One_batch_at_a_time_is_answered_as_well()
    {
        await using IEcho batcher = Open(new BatcherOptions { MaxInFlight = 1 });
        await Task.WhenAll(Enumerable.Range(1, 500).Select(id => Echoed(batcher, id))).WaitAsync(Patience);
    }

    public async Task A_cancelled_caller_leaves_at_once_and_the_others_get_their_rows()
    {
        await using IEcho batcher = Open(new BatcherOptions());
        for (int round = 0; round < 50; round++)
        {
            using var cancellation = new CancellationTokenSource();
            Task[] requests = [.. Enumerable.Range(0, 40).Select(i => i % 3 == 0
                ? Ended(batcher.SubmitAsync(i, cancellation.Token).AsTask())
                : Echoed(batcher, i))];
            await cancellation.CancelAsync();
            await Task.WhenAll(requests).WaitAsync(Patience);
        }

        static async Task Ended(Task request) =>
            await request.ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    public async Task What_was_accepted_before_disposal_is_answered_and_what_comes_later_is_refused()
    {
        IEcho batcher = Open(new BatcherOptions());
        Task[] accepted = [.. Enumerable.Range(1, 200).Select(id => Echoed(batcher, id))];
        await batcher.DisposeAsync().AsTask().WaitAsync(Patience);
        await Task.WhenAll(accepted).WaitAsync(Patience);
        await Assert.ThrowsAsync<BatcherClosedException>(async () => await batcher.SubmitAsync(1));
    }

    public async Task Answers_that_are_lent_outlive_the_batcher()
    {
        IEcho batcher = Open(new BatcherOptions());
        var leases = new List<(long Id, RowLease<float> Lease)>();
        for (int id = 1; id <= 50; id++)
        {
            leases.Add((id, await batcher.LeaseAsync(id).AsTask().WaitAsync(Patience)));
        }

        await batcher.DisposeAsync().AsTask().WaitAsync(Patience);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.All(leases, static lease => Assert.Equal(lease.Id, lease.Lease.Span[3]));
        leases.ForEach(static lease => lease.Lease.Dispose());
    }

    public async Task Several_batchers_share_the_device()
    {
        await using IEcho first = Open(new BatcherOptions());
        await using IEcho second = Open(new BatcherOptions());
        await Task.WhenAll(Enumerable.Range(1, 1000).Select(id => Echoed(id % 2 == 0 ? first : second, id))).WaitAsync(Patience);
    }

    private static async Task Echoed(IEcho batcher, int id) => Assert.Equal(id, await batcher.SubmitAsync(id));

    /// <summary>A batcher of the method; a row is four times its id.</summary>
    public interface IEcho : IAsyncDisposable
    {
        /// <summary>The batcher itself.</summary>
        Batcher Batcher { get; }

        /// <summary>Submits a row; answers with its last number if all are the same, else with -1.</summary>
        ValueTask<float> SubmitAsync(float id, CancellationToken cancellationToken = default);

        /// <summary>Submits a row; lends the answer.</summary>
        ValueTask<RowLease<float>> LeaseAsync(float id);
    }
}
