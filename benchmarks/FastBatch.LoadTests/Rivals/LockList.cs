using FastBatch.LoadTests.Scenarios;

namespace FastBatch.LoadTests.Rivals;

/// <summary>
/// Two lists that change places under a lock: callers add to one while the loop works through the other.
/// The loop is a thread-pool work item that is queued when the first request arrives and ends when nothing is left.
/// </summary>
internal sealed class LockListBatcher<TModel>(TaskCreationOptions completion) : IThreadPoolWorkItem
    where TModel : struct, IModel
{
    private readonly Lock _gate = new();
    private readonly BatchBuffers<TModel> _buffers = new();
    private List<TaskRequest> _filling = new(256);
    private List<TaskRequest> _draining = new(256);
    private bool _running;

    public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer)
    {
        var request = new TaskRequest(row, answer, completion);
        bool wake;
        lock (_gate)
        {
            _filling.Add(request);
            wake = !_running;
            _running = true;
        }

        if (wake)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
        }

        return new ValueTask(request.Task);
    }

    public void Execute()
    {
        while (true)
        {
            lock (_gate)
            {
                if (_filling.Count == 0)
                {
                    _running = false;
                    return;
                }

                (_filling, _draining) = (_draining, _filling);
            }

            for (int first = 0; first < _draining.Count; first += TModel.MaxBatchSize)
            {
                Answer(first, Math.Min(_draining.Count - first, TModel.MaxBatchSize));
            }

            _draining.Clear();
        }
    }

    private void Answer(int first, int count)
    {
        for (int i = 0; i < count; i++)
        {
            _buffers.SetRow(i, _draining[first + i].Row);
        }

        _buffers.Run(count);
        for (int i = 0; i < count; i++)
        {
            TaskRequest request = _draining[first + i];
            _buffers.CopyAnswer(i, request.Answer);
            request.SetResult();
        }
    }
}

/// <summary>Callers continue on the thread pool.</summary>
internal readonly struct LockList<TModel>(LockListBatcher<TModel> batcher) : IContender<LockList<TModel>>
    where TModel : struct, IModel
{
    public static string Name => "lock-list";

    public static LockList<TModel> Start() => new(new LockListBatcher<TModel>(TaskCreationOptions.RunContinuationsAsynchronously));

    public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row, answer);

    public ValueTask StopAsync() => ValueTask.CompletedTask;
}

/// <summary>Callers continue on the batching loop: a caller that blocks stops everybody.</summary>
internal readonly struct LockListInline<TModel>(LockListBatcher<TModel> batcher) : IContender<LockListInline<TModel>>
    where TModel : struct, IModel
{
    public static string Name => "lock-list-inline";

    public static LockListInline<TModel> Start() => new(new LockListBatcher<TModel>(TaskCreationOptions.None));

    public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row, answer);

    public ValueTask StopAsync() => ValueTask.CompletedTask;
}
