using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using FastBatch.Atomics;
using FastBatch.Completion;
using FastBatch.Devices;
using FastBatch.Diagnostics;
using FastBatch.Execution;
using FastBatch.Execution.Streams;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch;

/// <summary>
/// Serves one <see cref="BatchableAttribute"/> method to single callers. The generator derives a typed batcher per method, which adds
/// <c>SubmitAsync</c>; any number of threads may call it at once.
/// </summary>
public abstract partial class Batcher : IAsyncDisposable
{
    private readonly List<InputRows> _inputs = [];
    private readonly List<RequestPool> _pools = [];
    private readonly Shelf<OutputSlab> _slabs = new(limit: 64);
    private readonly int _largestBatch;
    private readonly Lock _disposal = new();
    private readonly CancellationTokenSource _giveUp = new();
    private AtomicReference<BatcherSettings> _settings;
    private bool _isWatched;
    private bool _requiresFinite;
    private PriorityLanes _lanes = null!;

    // Normal's.
    private Lane _lane = null!;
    private DeviceExecutor _executor = null!;
    private Task? _disposed;

    /// <summary>For generated code.</summary>
    /// <param name="name">The method, as <c>Type.Method</c>.</param>
    /// <param name="options">The user's settings, or null.</param>
    /// <param name="maxBatchSize">The attribute's setting.</param>
    /// <param name="maxQueueDelayMicroseconds">The attribute's setting.</param>
    /// <param name="deadlineMicroseconds">The attribute's setting.</param>
    /// <param name="useCudaGraphs">The attribute's setting.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected Batcher(
        string name,
        BatcherOptions? options,
        int maxBatchSize,
        int maxQueueDelayMicroseconds,
        int deadlineMicroseconds = 0,
        bool useCudaGraphs = false)
    {
        Name = name;
        var settings = new BatcherSettings(
            name,
            options ?? new BatcherOptions(),
            maxBatchSize,
            TimeSpan.FromMicroseconds(maxQueueDelayMicroseconds),
            TimeSpan.FromMicroseconds(deadlineMicroseconds),
            useCudaGraphs);
        _settings.Write(settings);
        _largestBatch = settings.MaxBatchSize;
        _madeAt = settings.Options.TimeProvider.GetTimestamp();
        Ledger = new Ledger(this, settings.StampsRequests);
    }

    /// <summary>The method it serves, as <c>Type.Method</c>.</summary>
    public string Name { get; }

    /// <summary>The options in force: those it was made with, or those of the last <see cref="Reconfigure"/>.</summary>
    public BatcherOptions Options => Settings.Options;

    /// <summary>The most rows the method is given at once.</summary>
    public int MaxBatchSize => Settings.MaxBatchSize;

    /// <summary>Whether it serves. A moment's view.</summary>
    public BatcherState State => Volatile.Read(ref _disposed) is not { } disposed
        ? Loss is not null ? BatcherState.Lost
            : _executor.FindStall() is not null ? BatcherState.Stalled
            : _executor.IsDegraded ? BatcherState.Degraded
            : BatcherState.Serving
        : disposed.IsCompleted ? BatcherState.Closed
        : BatcherState.Closing;

    /// <summary>The most rows submitted and not yet run; see <see cref="BatcherOptions.Capacity"/>.</summary>
    public int Capacity => _lane.Capacity;

    /// <summary>
    /// Why it can serve no more: what its device was lost to (see <see cref="DeviceLostException"/>), or the first of several when all are.
    /// Null while it can. Never null again after that: the process is to be replaced.
    /// </summary>
    public Exception? Loss => _executor.Loss;

    /// <summary>Rows submitted and not yet taken into a batch. A moment's view.</summary>
    public int QueueLength => _lanes.Backlog;

    internal BatcherSettings Settings => _settings.Read()!;

    /// <summary>What becomes of its requests, and who is told.</summary>
    internal Ledger Ledger { get; }

    /// <summary>
    /// Replaces the options while it serves: for the batches closed from now on, without dropping or reordering a request. May be called
    /// from any thread.
    /// </summary>
    /// <param name="options">All of the options, as when it was made; what is left unset comes from the attribute.</param>
    /// <exception cref="ArgumentException">
    /// A value is impossible, or differs from the one it was made with where that is fixed: <see cref="BatcherOptions.Capacity"/>,
    /// <see cref="BatcherOptions.MaxQueueBytes"/>, <see cref="BatcherOptions.ZeroRows"/>, <see cref="BatcherOptions.DedicatedThread"/> (which also stays what it is where the options
    /// leave it open), <see cref="BatcherOptions.InlineContinuations"/>, <see cref="BatcherOptions.IsolateFaults"/>,
    /// <see cref="BatcherOptions.RunLimit"/>, <see cref="BatcherOptions.RequireFinite"/>, <see cref="BatcherOptions.Checked"/>,
    /// <see cref="BatcherOptions.TimeProvider"/>, <see cref="BatcherOptions.Devices"/>, <see cref="BatcherOptions.MaxInFlight"/>,
    /// <see cref="BatcherOptions.UseCudaGraphs"/>, <see cref="BatcherOptions.GraphSizes"/>; or the largest batch is larger than it was then.
    /// Nothing has changed.
    /// </exception>
    public void Reconfigure(BatcherOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        lock (_disposal)
        {
            BatcherSettings settings = Settings.With(options, _largestBatch);
            Ledger.NoteTimes(settings.StampsRequests || _lanes.HaveLevels);

            // Full fence: a device side that goes to sleep on the old settings is seen asleep here, or sees the new ones there.
            _settings.Exchange(settings);
            _executor.Notice(WakeMark.Always);
        }
    }

    /// <summary>
    /// Refuses new requests, runs those accepted, and ends what has not run within <see cref="BatcherOptions.DrainTimeout"/> with a
    /// <see cref="BatcherClosedException"/>. Every accepted request has ended when the returned task completes; leases stay valid. May be
    /// called several times, from anywhere.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return new ValueTask(BeginClose());
    }

    /// <summary>As <see cref="DisposeAsync"/>, and what has not run when the token is cancelled ends then, if that is earlier.</summary>
    /// <param name="giveUp">Ends the wait for accepted requests to run; the returned task completes all the same.</param>
    public async Task CloseAsync(CancellationToken giveUp)
    {
        // Admission ends before this returns.
        Task closed = BeginClose();
        using (giveUp.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _giveUp))
        {
            await closed.ConfigureAwait(false);
        }
    }

    private Task BeginClose()
    {
        lock (_disposal)
        {
            if (_disposed is null)
            {
                _lanes.Close();

                // Not under the lock, nor in the caller's context: it runs code of others.
                _disposed = Task.Run(EndAsync);
            }

            return _disposed;
        }
    }

    /// <summary>
    /// Runs the method on batches of 1, 2, 4 and so on rows of zeros, up to the largest, so that what it does only at first is done before a
    /// request waits for it, and its cost is known from the start; where it runs as graphs, of every size, these are recorded first. On all
    /// its devices at once. Meanwhile requests wait; call it before the batcher serves.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait; the runs go on.</param>
    /// <returns>What was run.</returns>
    /// <exception cref="InvalidOperationException">It is being warmed up already, or it is closed.</exception>
    /// <exception cref="BatcherClosedException">It is closed meanwhile.</exception>
    /// <exception cref="DeviceLostException">A device is lost meanwhile.</exception>
    public Task<WarmUpReport> WarmUpAsync(CancellationToken cancellationToken = default)
    {
        if (State is not (BatcherState.Serving or BatcherState.Degraded))
        {
            throw new InvalidOperationException($"{Name} is {State}; it can be warmed up while it is {BatcherState.Serving}.");
        }

        _lanes.ReserveMixed();
        Task<WarmUpReport> warmUp = _executor.WarmUpAsync();
        if (State is not (BatcherState.Serving or BatcherState.Degraded))
        {
            _executor.AbandonWarmUp();
        }

        return warmUp.WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Adds an input parameter. For generated code, in the constructor.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="name">The parameter's name.</param>
    /// <param name="rowLength">Elements in one row.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected InputRows<T> AddInput<T>(string name, int rowLength)
        where T : unmanaged
    {
        var rows = new InputRows<T>(name, rowLength);
        rows.Index = _inputs.Count;
        _inputs.Add(rows);
        return rows;
    }

    /// <summary>Adds the requests of one form of <c>SubmitAsync</c>. For generated code, in the constructor.</summary>
    /// <typeparam name="TRequest">The form's request.</typeparam>
    /// <param name="create">Makes one.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected RequestPool<TRequest> AddRequests<TRequest>(Func<TRequest> create)
        where TRequest : PendingRequest
    {
        var pool = new RequestPool<TRequest>(create);
        _pools.Add(pool);
        return pool;
    }

    /// <summary>Reserves the rows and opens admission. For generated code, last in the constructor.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [MemberNotNull(nameof(_lane), nameof(_lanes), nameof(_executor))]
    protected void Open()
    {
        BatcherOptions options = Options;
        InputRows[] inputs = [.. _inputs];
        RequireTensors(options.Devices);
        _inputs.ForEach(rows => rows.Devices = options.Devices);
        options.RequireGraphSizes(Name, _largestBatch);
        options.RequireQueueBytes(Name, Lane.RowBytes(inputs), _largestBatch);
        _lanes = new PriorityLanes(inputs, _largestBatch, options);
        _lane = _lanes.Normal;
        _isWatched = options.RunLimit is not null;
        _requiresFinite = (options.RequireFinite & FiniteChecks.Inputs) != 0;
        bool dedicated = options.DedicatedThread ?? (Settings.Policy.UsesEnqueueTime || options.InlineContinuations);
        _executor = options.Devices.Count > 0
            ? StreamExecutor.Start(this, _lanes, inputs, options)
            : dedicated
            ? new ThreadExecutor(this, _lanes, options)
            : new PoolExecutor(this, _lanes, options);
    }

    /// <summary>Whether the method takes tensors, whose elements C# never sees: they may be in any device's memory. For generated code.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected virtual bool TakesTensors => false;

    /// <summary>Makes the outputs of one batch. For generated code.</summary>
    /// <param name="maxRows">The most rows a batch has.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected abstract OutputSlab CreateOutputs(int maxRows);

    /// <summary>Calls the method on the batch's rows and outputs. For generated code.</summary>
    /// <param name="batch">The batch.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected abstract void Run(Batch batch);

    /// <summary>
    /// Frees what <see cref="Run"/> keeps from batch to batch. Once, when every request has ended; a method that outlasted
    /// <see cref="BatcherOptions.DrainTimeout"/> may run still. For generated code.
    /// </summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected virtual void OnClosed()
    {
    }

    /// <summary>Checks that each device has an instance to run the method of. For generated code.</summary>
    /// <typeparam name="T">The type that has the method.</typeparam>
    /// <param name="models">The instances, in the order of <see cref="BatcherOptions.Devices"/>.</param>
    /// <returns>The instances, by <see cref="Batch.DeviceNumber"/>.</returns>
    /// <exception cref="ArgumentException">There are more, or fewer, than devices; one where there are none.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected T[] RequireModels<T>(IReadOnlyList<T> models)
    {
        ArgumentNullException.ThrowIfNull(models);
        int devices = Math.Max(1, Options.Devices.Count);
        if (models.Count != devices || models.Any(static model => model is null))
        {
            throw new ArgumentException(
                $"{Name}: each device runs an instance of its own, in the order of {nameof(BatcherOptions)}.{nameof(BatcherOptions.Devices)}. There are "
                + $"{Options.Devices.Count} devices, and {models.Count(static model => model is not null)} instances are given.",
                nameof(models));
        }

        return [.. models];
    }

    /// <summary>Checks the length of a caller's row. For generated code.</summary>
    /// <param name="actual">Elements given.</param>
    /// <param name="expected">Elements in one row.</param>
    /// <param name="parameter">The parameter's name.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected void RequireLength(int actual, int expected, string parameter)
    {
        if (actual != expected)
        {
            ThrowLength(actual, expected, parameter);
        }
    }

    internal OutputSlab RentOutputs()
    {
        OutputSlab slab = _slabs.TryTake() ?? CreateOutputs(_largestBatch);
        slab.Home = _slabs;
        slab.Poisons = Options.Checked;
        slab.RequiresFinite = (Options.RequireFinite & FiniteChecks.Outputs) != 0;
        slab.Open();
        return slab;
    }

    internal void RunBatch(Batch batch) => Run(batch);

    // In the direction requests move: what has left the lane meanwhile is seen on the device, and what has left that among the deliveries.
    private bool TryEndAll()
    {
        bool allWritten = _lanes.TryFailAll(Name, Ledger);
        _executor.EndInFlight(() => new BatcherClosedException(Name), RequestOutcome.Closed);
        return allWritten && _executor.AllDelivered;
    }

    private async Task EndAsync()
    {
        if (!await _executor.DrainAsync(Options.DrainTimeout, _giveUp.Token).ConfigureAwait(false))
        {
            // A row still being written keeps its caller inside SubmitAsync; it is ended as soon as it is published.
            while (!TryEndAll())
            {
                await Task.Delay(1).ConfigureAwait(false);
            }
        }

        _executor.AbandonWarmUp();
        _executor.EndWatch();
        foreach (RequestPool pool in _pools)
        {
            pool.Close();
        }

        OnClosed();
    }

    private void RequireTensors(IReadOnlyList<Device> devices)
    {
        if (!TakesTensors && devices.FirstOrDefault(static device => !device.IsHostMemory) is { } device)
        {
            throw new NotSupportedException(
                $"{Name} takes spans, which C# reads and writes: it cannot run on {device.Name}. A method over tensors can.");
        }
    }

    [DoesNotReturn]
    private void ThrowLength(int actual, int expected, string parameter) => throw new ArgumentException(
        $"{Name}: {parameter} has {actual} elements; one row has {expected}.", parameter);
}
