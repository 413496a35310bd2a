using System.Diagnostics;
using System.Runtime.CompilerServices;
using FastBatch.Completion;
using FastBatch.Diagnostics;

namespace FastBatch;

/// <content>What a batcher tells of itself.</content>
public abstract partial class Batcher
{
    private readonly long _madeAt;
    private LatencyRecorder? _latency;

    /// <summary>The most rows a batch may have at the moment: <see cref="MaxBatchSize"/>, or less where that did not fit into memory.</summary>
    public int BatchLimit => _executor.BatchLimit;

    /// <summary>How long rows may wait for a fuller batch while the device is free; zero where they do not wait, or where the policy is the user's own.</summary>
    public TimeSpan MaxQueueDelay => Settings.Policy switch
    {
        Scheduling.SizeOrDelayPolicy policy => policy.MaxQueueDelay,
        Scheduling.AdaptivePolicy policy => policy.MaxQueueDelay ?? TimeSpan.Zero,
        _ => TimeSpan.Zero,
    };

    /// <summary>Batches that the method runs on. A moment's view.</summary>
    public int BatchesRunning => _executor.Running;

    /// <summary>The bytes of one row, all inputs together.</summary>
    public long RowBytes => _inputs.Sum(static rows => (long)rows.RowBytes);

    /// <summary>How its devices are doing, in the order of <see cref="BatcherOptions.Devices"/>. Any thread.</summary>
    public IReadOnlyList<DeviceStatus> GetDeviceStatus() => _executor.DeviceStatus();

    /// <summary>
    /// How the method's graphs fare (see <see cref="BatcherOptions.UseCudaGraphs"/>): one entry for each size, on all devices together, smallest
    /// first; none where there are none. A moment's view.
    /// </summary>
    public IReadOnlyList<GraphReport> GetGraphs() => [.. _executor.Graphs];

    /// <summary>Has an observer told of every batch from now on, until what is returned is disposed. Any thread.</summary>
    /// <param name="observer">The observer; may observe several batchers.</param>
    public IDisposable Observe(BatchObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        return Ledger.Add(observer);
    }

    /// <summary>
    /// What it has done and how it stands. Any thread; allocates nothing after the first call. That one has waits and latencies measured
    /// from then on, for a timestamp per request; before they are zero.
    /// </summary>
    public BatcherStatistics GetStatistics()
    {
        if (_latency is null)
        {
            lock (_disposal)
            {
                if (_latency is null)
                {
                    _latency = new LatencyRecorder(Options.TimeProvider);
                    Ledger.Add(_latency);
                }
            }
        }

        return _latency.Complete(_executor.Statistics() with
        {
            Uptime = Options.TimeProvider.GetElapsedTime(_madeAt),
            QueueLength = QueueLength,
        });
    }

    // Out of line: nobody wants to know, usually.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private long Note(PendingRequest request)
    {
        RequestDetails details = Ledger.Details;
        if ((details & RequestDetails.Origins) != 0)
        {
            request.NoteOrigin(Activity.Current?.Context ?? default);
        }

        return (details & RequestDetails.Times) != 0 ? Options.TimeProvider.GetTimestamp() : 0;
    }
}
