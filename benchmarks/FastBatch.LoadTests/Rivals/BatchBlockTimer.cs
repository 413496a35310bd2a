using System.Threading.Tasks.Dataflow;
using FastBatch.LoadTests.Scenarios;

namespace FastBatch.LoadTests.Rivals;

/// <summary>
/// TPL Dataflow: a BatchBlock groups requests, a timer pushes out what is left when the group does not fill.
/// The one rival that waits by design; nothing in a BatchBlock says that its target has become idle.
/// Callers continue on the thread pool.
/// </summary>
internal sealed class BatchBlockBatcher<TModel>
    where TModel : struct, IModel
{
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMilliseconds(1);

    private readonly BatchBlock<TaskRequest> _groups;
    private readonly ActionBlock<TaskRequest[]> _runs;
    private readonly BatchBuffers<TModel> _buffers = new();
    private readonly Timer _timer;

    public BatchBlockBatcher()
    {
        _groups = new BatchBlock<TaskRequest>(TModel.MaxBatchSize);
        _runs = new ActionBlock<TaskRequest[]>(Answer, new ExecutionDataflowBlockOptions { SingleProducerConstrained = true });
        _groups.LinkTo(_runs, new DataflowLinkOptions { PropagateCompletion = true });
        _timer = new Timer(static groups => ((BatchBlock<TaskRequest>)groups!).TriggerBatch(), _groups, s_longestWait, s_longestWait);
    }

    public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer)
    {
        var request = new TaskRequest(row, answer, TaskCreationOptions.RunContinuationsAsynchronously);
        return _groups.Post(request)
            ? new ValueTask(request.Task)
            : throw new InvalidOperationException("The block takes no more requests.");
    }

    public async ValueTask StopAsync()
    {
        _groups.Complete();
        await _runs.Completion.ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
    }

    private void Answer(TaskRequest[] batch)
    {
        for (int i = 0; i < batch.Length; i++)
        {
            _buffers.SetRow(i, batch[i].Row);
        }

        _buffers.Run(batch.Length);
        for (int i = 0; i < batch.Length; i++)
        {
            _buffers.CopyAnswer(i, batch[i].Answer);
            batch[i].SetResult();
        }
    }
}

internal readonly struct BatchBlockTimer<TModel>(BatchBlockBatcher<TModel> batcher) : IContender<BatchBlockTimer<TModel>>
    where TModel : struct, IModel
{
    public static string Name => "batchblock";

    public static BatchBlockTimer<TModel> Start() => new(new BatchBlockBatcher<TModel>());

    public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row, answer);

    public ValueTask StopAsync() => batcher.StopAsync();
}
