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
    private readonly RequestOutcome[] _outcomes = new RequestOutcome[maxBatchSize];
    private RequestPriority[] _priorities = [];
    private RequestPriority _priority;
    private bool _isMixed;
    private RequestDetails _details;
    private bool _allSucceeded = true;

    public int Rows { get; private set; }

    public int MaxRows { get; private set; }

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
    public void Begin(RequestDetails details, int maxRows, int backlog, long timestampFrequency)
    {
        (MaxRows, Backlog) = (maxRows, backlog);
        _details = details;
        TimestampFrequency = timestampFrequency;
        if ((details & RequestDetails.Origins) != 0 && _origins.Length == 0)
        {
            _origins = new ActivityContext[_enqueued.Length];
        }

        if (!_allSucceeded)
        {
            _outcomes.AsSpan().Clear();
            _allSucceeded = true;
        }

        (HostToDevice, DeviceToHost, Ran, IsDropped, Error, _isMixed) = (0, 0, false, false, null, false);
    }

    /// <summary>Device side: the batch is closed.</summary>
    public void Close(int rows, bool isDropped, BatchCloseReason reason, long now)
    {
        (Rows, IsDropped, CloseReason) = (rows, isDropped, reason);
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

    /// <summary>Device side: the priority of all its requests.</summary>
    public void Belong(RequestPriority priority) => _priority = priority;

    /// <summary>Device side: the priority of one request, of a batch that has requests of several.</summary>
    public void Belong(int index, RequestPriority priority)
    {
        _isMixed = true;
        _priorities = _priorities.Length > 0 ? _priorities : new RequestPriority[_enqueued.Length];
        _priorities[index] = priority;
    }

    /// <summary>The priority of one request.</summary>
    public RequestPriority Priority(int index) => _isMixed ? _priorities[index] : _priority;

    /// <summary>A request of the batch ended without a result. By the one thread that found it out.</summary>
    public void End(int index, RequestOutcome outcome)
    {
        _outcomes[index] = outcome;
        _allSucceeded = false;
    }

    /// <summary>How a request of the batch ended.</summary>
    public RequestOutcome Outcome(int index) => _outcomes[index];

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
