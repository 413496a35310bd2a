namespace FastBatch.LoadTests.Harness;

/// <summary>
/// Ends the program when the running measurement completes nothing for ten seconds.
/// It has a thread of its own, because a hang may well have taken the thread pool with it.
/// </summary>
internal sealed class HangGuard : IDisposable
{
    private const int PatienceSeconds = 10;

    private readonly string _what;
    private readonly Func<long> _completed;
    private readonly ManualResetEventSlim _ended = new(initialState: false);
    private readonly Thread _thread;

    public HangGuard(string what, Func<long> completed)
    {
        _what = what;
        _completed = completed;
        _thread = new Thread(Watch) { IsBackground = true, Name = "hang guard" };
        _thread.Start();
    }

    public void Dispose()
    {
        _ended.Set();
        _thread.Join();
        _ended.Dispose();
    }

    private void Watch()
    {
        long last = _completed();
        int secondsWithout = 0;
        while (!_ended.Wait(TimeSpan.FromSeconds(1)))
        {
            long now = _completed();
            secondsWithout = now == last ? secondsWithout + 1 : 0;
            last = now;
            if (secondsWithout == PatienceSeconds)
            {
                Failure.Hang(_what, PatienceSeconds);
            }
        }
    }
}
