using System.Collections.Concurrent;
using System.Threading.Channels;
using System.Threading.Tasks.Sources;
using FastBatch.LoadTests.Scenarios;

namespace FastBatch.LoadTests.Rivals;

/// <summary>
/// The channel batcher without allocation: requests are pooled value-task sources. One waits in a field per thread,
/// the rest in a shared queue, as ObjectPool does it; a request goes back when its caller has seen the end of it.
/// </summary>
internal sealed class ChannelPooledBatcher<TModel>
    where TModel : struct, IModel
{
    // Quicker here than a bounded channel, and than one made for several readers.
    private readonly Channel<Request> _channel =
        Channel.CreateUnbounded<Request>(new UnboundedChannelOptions { SingleReader = true });

    private readonly bool _continueInline;
    private readonly BatchBuffers<TModel> _buffers = new();
    private readonly Request[] _batch = new Request[TModel.MaxBatchSize];
    private readonly ConcurrentQueue<Request> _pool = new();
    private readonly Task _loop;

    public ChannelPooledBatcher(bool continueInline)
    {
        _continueInline = continueInline;
        _loop = Task.Run(RunAsync);
    }

    public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer)
    {
        Request request = Rent();
        request.Row = row;
        request.Answer = answer;
        short version = request.Version; // Read before the request is handed over.
        return _channel.Writer.TryWrite(request)
            ? new ValueTask(request, version)
            : throw new ChannelClosedException();
    }

    public ValueTask StopAsync()
    {
        _channel.Writer.Complete();
        return new ValueTask(_loop);
    }

    private async Task RunAsync()
    {
        ChannelReader<Request> reader = _channel.Reader;
        while (await reader.WaitToReadAsync().ConfigureAwait(false))
        {
            int count;
            while ((count = Take(reader)) > 0)
            {
                Answer(count);
            }
        }
    }

    private int Take(ChannelReader<Request> reader)
    {
        int count = 0;
        while (count < _batch.Length && reader.TryRead(out Request? request))
        {
            _buffers.SetRow(count, request.Row);
            _batch[count++] = request;
        }

        return count;
    }

    private void Answer(int count)
    {
        _buffers.Run(count);
        for (int i = 0; i < count; i++)
        {
            Request request = _batch[i];
            _buffers.CopyAnswer(i, request.Answer);
            request.Complete();
        }
    }

    private Request Rent()
    {
        Request? request = Request.OfThisThread;
        if (request is not null && ReferenceEquals(request.Owner, this))
        {
            Request.OfThisThread = null;
            return request;
        }

        return _pool.TryDequeue(out request) ? request : new Request(this, _continueInline);
    }

    private void Return(Request request)
    {
        request.Row = default;
        request.Answer = default;
        if (Request.OfThisThread is { } other && ReferenceEquals(other.Owner, this))
        {
            _pool.Enqueue(request);
        }
        else
        {
            Request.OfThisThread = request;
        }
    }

    private sealed class Request : IValueTaskSource
    {
        [ThreadStatic]
        public static Request? OfThisThread;

        private ManualResetValueTaskSourceCore<bool> _core;

        public Request(ChannelPooledBatcher<TModel> owner, bool continueInline)
        {
            Owner = owner;
            _core.RunContinuationsAsynchronously = !continueInline;
        }

        public ChannelPooledBatcher<TModel> Owner { get; }

        public ReadOnlyMemory<float> Row { get; set; }

        public Memory<float> Answer { get; set; }

        public short Version => _core.Version;

        public void Complete() => _core.SetResult(true);

        public void GetResult(short token)
        {
            _core.GetResult(token);
            _core.Reset();
            Owner.Return(this);
        }

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);
    }
}

/// <summary>Callers continue on the thread pool.</summary>
internal readonly struct ChannelPooled<TModel>(ChannelPooledBatcher<TModel> batcher) : IContender<ChannelPooled<TModel>>
    where TModel : struct, IModel
{
    public static string Name => "channel-pooled";

    public static ChannelPooled<TModel> Start() => new(new ChannelPooledBatcher<TModel>(continueInline: false));

    public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row, answer);

    public ValueTask StopAsync() => batcher.StopAsync();
}

/// <summary>Callers continue on the batching loop, with the same risk as for tasks; the quickest of the rivals.</summary>
internal readonly struct ChannelPooledInline<TModel>(ChannelPooledBatcher<TModel> batcher) : IContender<ChannelPooledInline<TModel>>
    where TModel : struct, IModel
{
    public static string Name => "channel-pooled-inline";

    public static ChannelPooledInline<TModel> Start() => new(new ChannelPooledBatcher<TModel>(continueInline: true));

    public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row, answer);

    public ValueTask StopAsync() => batcher.StopAsync();
}
