using FastBatch.ModelChecking;

namespace FastBatch;

// Stand in for the types of these names in System and System.Threading: those of an enclosing namespace are found first.

internal static class Environment
{
    public static int ProcessorCount => Trial.Current?.Scenario.Processors ?? 1;

    public static int SystemPageSize => System.Environment.SystemPageSize;

    public static int CurrentManagedThreadId => (Trial.CurrentThread?.Id ?? 0) + 1;
}

internal sealed class Thread(Action body)
{
    public bool IsBackground { get; init; }

    public string Name { get; init; } = "";

    public void UnsafeStart() => Trial.Current!.Spawn(Name.Replace("FastBatch ", "device:", StringComparison.Ordinal), IsBackground, body);

    /// <summary>In loops that end by themselves.</summary>
    public static void SpinWait(int iterations) => Trial.Current!.RequirePoint();

    public static void Yield() => Trial.Current!.Spin("yields");
}

internal struct SpinWait
{
    public readonly void SpinOnce(int sleep1Threshold) => Trial.Current!.Spin("spins");
}

/// <summary>A clock by which everything takes forever: loops that are bounded by time run once.</summary>
internal static class Stopwatch
{
    public static long GetTimestamp() => 0;

    public static TimeSpan GetElapsedTime(long start) => TimeSpan.MaxValue;
}

/// <summary>Every work item gets a thread.</summary>
internal static class ThreadPool
{
    public static long PendingWorkItemCount => 1;

    public static void UnsafeQueueUserWorkItem(IThreadPoolWorkItem item, bool preferLocal)
    {
        Trial.Current!.Spawn("pool", isBackground: false, item.Execute);
    }

    public static void UnsafeQueueUserWorkItem<TState>(Action<TState> action, TState state, bool preferLocal)
    {
        Trial.Current!.Spawn("pool", isBackground: false, () => action(state));
    }
}

/// <summary>Fires as often as the scenario lets it, at any time while it is set.</summary>
internal sealed class Timer(Action<object?> callback, object? state, int dueTime, int period) : IDisposable
{
    private bool _isSet = dueTime >= 0 && period >= 0;
    private int _ticks;

    public void Change(int dueTime, int period)
    {
        _isSet = dueTime >= 0;
        Trial trial = Trial.Current!;
        if (_isSet && _ticks < trial.Scenario.TimerTicks)
        {
            _ticks++;
            trial.Spawn("timer", isBackground: false, Tick);
        }
    }

    public void Dispose() => _isSet = false;

    private void Tick()
    {
        if (_isSet)
        {
            callback(state);
        }
    }
}
