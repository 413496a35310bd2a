using System.Threading.Channels;
using FastBatch.LoadTests.Scenarios;

namespace FastBatch.LoadTests.Rivals;

/// <summary>
/// The channel batcher as it is first written: whatever waits becomes a list, the list a new array, the array a new tensor, and the result
/// an array again. Everything is new for every batch, and a task for every request.
/// </summary>
internal sealed class ChannelNaiveBatcher<TModel>
    where TModel : struct, IModel
{
    private readonly Channel<TaskRequest> _channel = Channel.CreateUnbounded<TaskRequest>();
    private readonly Task _loop;

    public ChannelNaiveBatcher() => _loop = Task.Run(RunAsync);

    public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer)
    {
        var request = new TaskRequest(row, answer, TaskCreationOptions.RunContinuationsAsynchronously);
        return _channel.Writer.TryWrite(request) ? new ValueTask(request.Task) : throw new ChannelClosedException();
    }

    public ValueTask StopAsync()
    {
        _channel.Writer.Complete();
        return new ValueTask(_loop);
    }

    private async Task RunAsync()
    {
        while (await _channel.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            var batch = new List<TaskRequest>();
            while (batch.Count < TModel.MaxBatchSize && _channel.Reader.TryRead(out TaskRequest? request))
            {
                batch.Add(request);
            }

            Answer(batch);
        }
    }

    private static void Answer(List<TaskRequest> batch)
    {
        float[] rows = [.. batch.SelectMany(static request => request.Row.ToArray())];
        float[] answers = new float[batch.Count * Computation.AnswerLength];
        TModel.Run(rows, answers);
        for (int i = 0; i < batch.Count; i++)
        {
            answers.AsMemory(i * Computation.AnswerLength, Computation.AnswerLength).CopyTo(batch[i].Answer);
            batch[i].SetResult();
        }
    }
}

/// <summary>Callers continue on the thread pool.</summary>
internal readonly struct ChannelNaive<TModel>(ChannelNaiveBatcher<TModel> batcher) : IContender<ChannelNaive<TModel>>
    where TModel : struct, IModel
{
    public static string Name => "channel-naive";

    public static ChannelNaive<TModel> Start() => new(new ChannelNaiveBatcher<TModel>());

    public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row, answer);

    public ValueTask StopAsync() => batcher.StopAsync();
}
