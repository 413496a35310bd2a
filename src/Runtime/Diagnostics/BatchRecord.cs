using System.Diagnostics;

namespace FastBatch.Diagnostics;

/// <summary>
/// Notes on one batch for its observers. Goes with the batch from thread to thread, and is written by whoever has it. Nobody asked for it:
/// then the batch has none.
/// </summary>
internal sealed class BatchRecord(int maxBatchSize)
{
    private readonly long[] _enqueued = new long[maxBatchSize];
    private ActivityContext[] _origins = [];
    private RequestDetails _details;

    public int Rows { get; private set; }

    public int Backlog { get; private set; }

    public BatchCloseReason CloseReason { get; private set; }

    public bool Ran { get; private set; }

    public bool IsDropped { get; private set; }

    public long Closed { get; private set; }

    public long Started { get; private set; }

    public long Ended { get; private set; }

    public long Delivered { get; set; }

    public long HostToDevice { get; set; }

    public long DeviceToHost { get; set; }

    public int Undelivered { get; set; }

    public int Cancelled { get; set; }

    public int Gone { get; set; }

    public Exception? Error { get; set; }

    public long TimestampFrequency { get; private set; }

    public ReadOnlySpan<long> Enqueued => (_details & RequestDetails.Times) != 0 ? _enqueued.AsSpan(0, Rows) : default;

    public ReadOnlySpan<ActivityContext> Origins => (_details & RequestDetails.Origins) != 0 ? _origins.AsSpan(0, Rows) : default;

    /// <summary>Device side: a batch is about to be closed.</summary>
    public void Begin(RequestDetails details, long timestampFrequency)
    {
        _details = details;
        TimestampFrequency = timestampFrequency;
        if ((details & RequestDetails.Origins) != 0 && _origins.Length == 0)
        {
            _origins = new ActivityContext[_enqueued.Length];
        }

        (HostToDevice, DeviceToHost, Ran, IsDropped, Error) = (0, 0, false, false, null);
    }

    /// <summary>Device side: the batch is closed.</summary>
    public void Close(int rows, bool isDropped, int backlog, BatchCloseReason reason, long now)
    {
        (Rows, IsDropped, Backlog, CloseReason) = (rows, isDropped, backlog, reason);
        (Closed, Started, Ended) = (now, now, now);
    }

    /// <summary>Device side: the method is about to be called.</summary>
    public void Start(long now) => (Ran, Started) = (true, now);

    /// <summary>Device side: the method has returned.</summary>
    public void End(long now) => Ended = now;

    /// <summary>Device side: what was noted of one request.</summary>
    public void Note(int index, long enqueued, in ActivityContext origin)
    {
        _enqueued[index] = enqueued;
        if (_origins.Length > 0)
        {
            _origins[index] = origin;
        }
    }

    /// <summary>Device side: the request takes the place of one that has ended.</summary>
    public void Move(int from, int to)
    {
        _enqueued[to] = _enqueued[from];
        if (_origins.Length > 0)
        {
            _origins[to] = _origins[from];
        }
    }
}
