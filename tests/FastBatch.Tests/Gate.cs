namespace FastBatch.Tests;

/// <summary>Holds a model until the test opens it, and tells the test when the model has arrived.</summary>
internal sealed class Gate
{
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly ManualResetEventSlim _open = new(false);

    public void Pass()
    {
        _arrived.Release();
        _open.Wait();
    }

    public Task ArrivedAsync() => _arrived.WaitAsync().WaitAsync(TimeSpan.FromSeconds(30));

    public void Open() => _open.Set();

    public void Close() => _open.Reset();
}
