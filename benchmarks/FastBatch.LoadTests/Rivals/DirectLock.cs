using FastBatch.LoadTests.Scenarios;

namespace FastBatch.LoadTests.Rivals;

/// <summary>The yardstick: no batching at all, the model is called with one row under a lock.</summary>
internal readonly struct DirectLock<TModel> : IContender<DirectLock<TModel>>
    where TModel : struct, IModel
{
    private readonly Lock _gate;

    private DirectLock(Lock gate) => _gate = gate;

    public static string Name => "direct-lock";

    public static bool IsReference => true;

    public static DirectLock<TModel> Start() => new(new Lock());

    public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer)
    {
        lock (_gate)
        {
            TModel.Run(row.Span, answer.Span);
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask StopAsync() => ValueTask.CompletedTask;
}
