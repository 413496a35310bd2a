using BenchmarkDotNet.Attributes;
using FastBatch.Completion;
using FastBatch.Lanes;

namespace FastBatch.Benchmarks;

/// <summary>One pooled request: rent, await, deliver, resume, recycle; next to a TaskCompletionSource that does the same.</summary>
[MemoryDiagnoser]
public class CompletionBenchmarks
{
    private const int Requests = 1024;

    private readonly RequestPool<Request> _pool = new(static () => new Request());
    private readonly OutputSlab _outputs = new NoOutputs();

    [Benchmark(OperationsPerInvoke = Requests)]
    public async Task<int> PendingRequest()
    {
        int sum = 0;
        for (int i = 0; i < Requests; i++)
        {
            Request request = _pool.Rent();
            ValueTask<int> awaiting = AwaitAsync(new ValueTask<int>(request, request.Version));
            request.TryDeliver(request.Ticket, _outputs, i, out Continuation continuation);
            continuation.RunHere();
            sum += await awaiting.ConfigureAwait(false);
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Requests, Baseline = true)]
    public async Task<int> TaskCompletionSource()
    {
        int sum = 0;
        for (int i = 0; i < Requests; i++)
        {
            var source = new TaskCompletionSource<int>();
            ValueTask<int> awaiting = AwaitAsync(new ValueTask<int>(source.Task));
            source.SetResult(i);
            sum += await awaiting.ConfigureAwait(false);
        }

        return sum;
    }

    [System.Runtime.CompilerServices.AsyncMethodBuilder(typeof(System.Runtime.CompilerServices.PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<int> AwaitAsync(ValueTask<int> task) => await task.ConfigureAwait(false);

    private sealed class Request : PendingRequest<int>
    {
        protected override void Deliver(OutputSlab outputs, int row) => Result = row;

        protected override void Forget() => Result = 0;
    }

    private sealed class NoOutputs() : OutputSlab(1);
}
