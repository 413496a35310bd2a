using System.Runtime.CompilerServices;

// What listeners are told is told to the whole process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace FastBatch.Diagnostics.Tests;

/// <summary>The method that the tests serve; throws on negative values, and lets the test hold it up.</summary>
public sealed partial class Squares(Action? onRun = null)
{
    [Batchable(MaxBatchSize = 8)]
    public void Square(ReadOnlySpan<int> values, Span<int> squares)
    {
        onRun?.Invoke();
        for (int i = 0; i < values.Length; i++)
        {
            squares[i] = values[i] >= 0 ? values[i] * values[i] : throw new InvalidDataException("negative");
        }
    }
}

/// <summary>A method with large batches.</summary>
public sealed partial class Wide(Action onRun)
{
    [Batchable(MaxBatchSize = 256)]
    public void Pass(ReadOnlySpan<int> values, Span<int> same)
    {
        onRun();
        values.CopyTo(same);
    }
}

/// <summary>Holds the method until the test opens it.</summary>
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
}

internal static class Until
{
    /// <summary>Reports come when the last caller has been resumed, which may be the test; so it is not to block.</summary>
    public static async Task TrueAsync(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        for (int i = 0; i < 30_000 && !condition(); i++)
        {
            await Task.Delay(1);
        }

        Assert.True(condition(), what);
    }

    public static string Repository([CallerFilePath] string path = "")
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "FastBatch.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new DirectoryNotFoundException(path);
    }
}
