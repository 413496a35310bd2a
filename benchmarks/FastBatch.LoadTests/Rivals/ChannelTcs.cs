using System.Threading.Channels;
using FastBatch.LoadTests.Scenarios;

namespace FastBatch.LoadTests.Rivals;

/// <summary>
/// The batcher most people write: a channel of requests, each with a task of its own, and one loop that takes whatever
/// waits, up to the batch size. Tuned: one object per request, one copy each way, no wait that work could fill.
/// </summary>
internal sealed class ChannelTcsBatcher<TModel>
    where TModel : struct, IModel
{
    // Quicker here than a bounded channel, and than one made for several readers.
    private readonly Channel<TaskRequest> _channel =
        Channel.CreateUnbounded<TaskRequest>(new UnboundedChannelOptions { SingleReader = true });

    private readonly TaskCreationOptions _completion;
    private readonly BatchBuffers<TModel> _buffers = new();
    private readonly TaskRequest[] _batch = new TaskRequest[TModel.MaxBatchSize];
    private readonly Task _loop;

    public ChannelTcsBatcher(TaskCreationOptions completion)
    {
        _completion = completion;
        _loop = Task.Run(RunAsync);
    }

    public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer)
    {
        var request = new TaskRequest(row, answer, _completion);
        return _channel.Writer.TryWrite(request)
            ? new ValueTask(request.Task)
            : throw new ChannelClosedException();
    }

    public ValueTask StopAsync()
    {
        _channel.Writer.Complete();
        return new ValueTask(_loop);
    }

    private async Task RunAsync()
    {
        ChannelReader<TaskRequest> reader = _channel.Reader;
        while (await reader.WaitToReadAsync().ConfigureAwait(false))
        {
            int count;
            while ((count = Take(reader)) > 0)
            {
                Answer(count);
            }
        }
    }

    private int Take(ChannelReader<TaskRequest> reader)
    {
        int count = 0;
        while (count < _batch.Length && reader.TryRead(out TaskRequest? request))
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
            TaskRequest request = _batch[i];
            _buffers.CopyAnswer(i, request.Answer);
            request.SetResult();
        }
    }
}

/// <summary>Callers continue on the thread pool, as is good practice: a slow caller cannot hold up the loop.</summary>
internal readonly struct ChannelTcs<TModel>(ChannelTcsBatcher<TModel> batcher) : IContender<ChannelTcs<TModel>>
    where TModel : struct, IModel
{
    public static string Name => "channel-tcs";

    public static ChannelTcs<TModel> Start() => new(new ChannelTcsBatcher<TModel>(TaskCreationOptions.RunContinuationsAsynchronously));

    public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row, answer);

    public ValueTask StopAsync() => batcher.StopAsync();
}

/// <summary>Callers continue on the batching loop itself: risky (a blocking caller stops everybody) but quicker.</summary>
internal readonly struct ChannelTcsInline<TModel>(ChannelTcsBatcher<TModel> batcher) : IContender<ChannelTcsInline<TModel>>
    where TModel : struct, IModel
{
    public static string Name => "channel-tcs-inline";

    public static ChannelTcsInline<TModel> Start() => new(new ChannelTcsBatcher<TModel>(TaskCreationOptions.None));

    public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row, answer);

    public ValueTask StopAsync() => batcher.StopAsync();
}
