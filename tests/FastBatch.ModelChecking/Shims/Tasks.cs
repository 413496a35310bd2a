using FastBatch.ModelChecking;

namespace FastBatch;

/// <summary>Stands in for the source of the same name; who waits for it blocks.</summary>
internal sealed class TaskCompletionSource(TaskCreationOptions options)
{
    private VolatileField<bool> _isSet;
    private bool _wasSet;

    public TaskCreationOptions Options { get; } = options;

    public TaskCompletionSource Task => this;

    public bool IsSet => _wasSet;

    public void TrySetResult()
    {
        _wasSet = true;
        _isSet.Set(true, "drained");
    }

    public Task WaitAsync(TimeSpan timeout, CancellationToken giveUp)
    {
        // Nothing here gives up early; it would be as if the time had passed.
        _ = giveUp;
        if (timeout >= TimeSpan.Zero && Model.Choose(2) == 1)
        {
            throw new TimeoutException();
        }

        Model.Await("the end of the drain", () => _wasSet);
        _isSet.Get("drained");
        return System.Threading.Tasks.Task.CompletedTask;
    }
}
