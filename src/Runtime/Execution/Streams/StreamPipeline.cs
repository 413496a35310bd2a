using System.Runtime.ExceptionServices;
using FastBatch.Completion;
using FastBatch.Devices;
using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution.Streams;

/// <summary>
/// The batches that a device has: launches them, and sees how far they are. A batch is given to three streams at once, tied by events, so that
/// its rows are copied in while the one before computes and the results of the one before that are copied out. Device side, and it never
/// waits. Invariants: batches end in the order they were launched; input rows go back to the callers when their copy has ended; a place is
/// used again when its results have arrived; after a loss nothing is given to the device any more.
/// </summary>
internal sealed partial class StreamPipeline : IDisposable
{
    private readonly Batcher _batcher;
    private readonly PriorityLanes _lanes;
    private readonly InputRows[] _inputs;
    private readonly IReadOnlyList<Device> _devices;
    private readonly Device _device;
    private readonly ReleaseOrder? _order;
    private readonly DeviceStreams _streams;
    private readonly FaultIsolation _isolation;
    private readonly Flight[] _flights;
    private readonly int _maxInFlight;
    private readonly BatchGraphs? _graphs;

    // From the oldest on: how many there are, how many of those have given their rows back, how many of those have computed.
    private int _first;
    private volatile int _count;
    private int _read;
    private int _computed;
    private Flight? _running;

    // Once the device is lost: outputs that it may write to.
    private readonly List<OutputSlab> _abandoned = [];

    /// <param name="batcher">Whose batches they are.</param>
    /// <param name="lanes">Where their rows come from.</param>
    /// <param name="inputs">The rows' memory.</param>
    /// <param name="options">The batcher's.</param>
    /// <param name="deviceNumber">Which of its devices this is.</param>
    /// <param name="order">Where rows go back to; null if they go back at once, for want of other devices.</param>
    public StreamPipeline(
        Batcher batcher, PriorityLanes lanes, InputRows[] inputs, BatcherOptions options, int deviceNumber, ReleaseOrder? order)
    {
        _batcher = batcher;
        _lanes = lanes;
        _inputs = inputs;
        _devices = options.Devices;
        _device = _devices[deviceNumber];
        _order = order;
        _maxInFlight = options.MaxInFlight;
        _isolation = new FaultIsolation(RunAgain, options.IsolateFaults);
        Costs = new StageCosts(options.TimeProvider.TimestampFrequency);
        _streams = _device.Open();
        try
        {
            // One of its own for pinning: what is rented is a batch's.
            OutputSlab outputs = batcher.RentOutputs();
            long[] inputBytes = [.. inputs.Select(static rows => rows.RowBytes)];
            long[] outputBytes = [.. outputs.SlabMemory.Outputs.Select(static rows => rows.RowBytes)];
            outputs.SlabMemory.Pin(_devices);
            outputs.Release();

            // One more than may compute or wait for it: the results of a third are copied out meanwhile. One alone has the device to itself.
            int places = _maxInFlight == 1 ? 1 : _maxInFlight + 1;
            _flights = [.. Enumerable.Range(deviceNumber * places, places)
                .Select(number => Flight.Create(
                    batcher, _device, _streams, number, inputBytes, outputBytes, checks: batcher.Settings.GraphSizes is not null))];
            _graphs = batcher.Settings.GraphSizes is { } sizes
                ? new BatchGraphs(batcher, sizes, _streams, _device.Name, places, ThrowIfLost)
                : null;
        }
        catch
        {
            _streams.Dispose();
            throw;
        }
    }

    public StageCosts Costs { get; }

    /// <summary>What the streams said of themselves.</summary>
    public string Description => _streams.Description;

    /// <summary>Batches launched and not yet retired. Any thread.</summary>
    public int Count => _count;

    /// <summary>
    /// Whether another may be closed and launched: not before the rows of the last are read, for rows are closed, skipped and gathered where
    /// those lie.
    /// </summary>
    public bool HasRoom => _read == _count && _count - _computed < _maxInFlight && _count < _flights.Length;

    /// <summary>When the next batch, of so many rows, should be closed while the device computes; null if it does not.</summary>
    public long? CloseAt(int rows) => _computed == _count
        ? null
        : LateClose.At(
            this[_computed].Expected.ComputeBegins, this[_count - 1].Expected.Compute, Costs.Compute, Costs.CopyIn, rows);

    /// <summary>When the oldest batch has something to say: its rows are read, there is room again, or its results are there.</summary>
    public long NextEvent
    {
        get
        {
            Flight.Forecast oldest = this[0].Expected;
            return _read < _count ? this[_read].Expected.CopyIn
                : _computed == 0 ? oldest.Compute
                : _computed < _count ? Math.Min(oldest.CopyOut, this[_computed].Expected.Compute)
                : oldest.CopyOut;
        }
    }

    private Flight this[int age] => _flights[(_first + age) % _flights.Length];

    /// <summary>How the graphs fare. Any thread.</summary>
    public IEnumerable<GraphReport> Graphs => _graphs?.Report() ?? [];

    /// <summary>The batch is to be retired from now on, whatever happens. Room for it there is; <see cref="Launch"/> follows.</summary>
    /// <param name="delivery">The batch.</param>
    /// <param name="started">When it was closed.</param>
    public void Add(Delivery delivery, long started)
    {
        this[_count].Begin(delivery, started);
        _count++;
    }

    /// <summary>Gives the batch that was added last to the device. What its method throws becomes its fault.</summary>
    /// <param name="now">The current timestamp.</param>
    /// <param name="mostRows">The most rows that fit into memory, as far as is known.</param>
    /// <param name="ranOutOfMemory">Told how many rows did not fit.</param>
    /// <exception cref="DeviceException">The device is lost.</exception>
    public void Launch(long now, int mostRows, Action<int> ranOutOfMemory)
    {
        Flight flight = this[_count - 1];
        Batch batch = flight.Batch;
        flight.IsGrounded = batch is { Count: 0 } or { Fate: not BatchFate.Runs } or { HasFaults: true } || !TryAttach(batch);
        if (!flight.IsGrounded)
        {
            Plan(flight, mostRows, isOfCallers: true);
        }

        flight.Expected = Costs.Expect(batch.Count, flight.Plan.Rows, now, _count == 1 ? default : this[_count - 2].Expected);
        if (!flight.IsGrounded)
        {
            batch.Record?.Start(now);
            Give(flight, ranOutOfMemory);
        }
    }

    /// <summary>Runs a batch that nobody waits for, in a free place, and waits for its end. What the method throws comes out.</summary>
    /// <param name="delivery">The batch, with outputs.</param>
    /// <param name="mostRows">As <see cref="Launch"/>.</param>
    /// <param name="place">Which of the free places: 0 is the next.</param>
    public void RunAlone(Delivery delivery, int mostRows, int place = 0)
    {
        Flight flight = this[_count + place];
        delivery.Batch.Outputs.SlabMemory.Pin(_devices);
        flight.Begin(delivery, 0);
        try
        {
            Plan(flight, mostRows, isOfCallers: false);

            // The place is free when all that was given to the streams is done, whatever the method made of it.
            ExceptionDispatchInfo? failure = Give(flight);
            while (!_streams.IsDone(flight.CopyOut.End))
            {
                Thread.Yield();
            }

            if (failure is null)
            {
                Costs.Record(flight, _streams);
                Compare(flight, isOfCallers: false);
            }

            flight.LetGo();
            failure?.Throw();
        }
        catch (DeviceException exception) when (exception.Failure == DeviceFailure.Lost && delivery.Batch.AbandonOutputs() is { } outputs)
        {
            // As in Forfeit: the device may write to them yet.
            _abandoned.Add(outputs);
            throw;
        }
        finally
        {
            flight.End();
        }
    }

    /// <summary>The places in which graphs of so many rows are to be recorded and compared: those free now, as for <see cref="RunAlone"/>.</summary>
    public bool WantsRehearsal(int rows, int place) => _graphs!.WantsRehearsal(rows, this[_count + place]);

    /// <summary>The sizes of graphs; empty where none are recorded.</summary>
    public IReadOnlyList<int> GraphSizes => (IReadOnlyList<int>?)_graphs?.Sizes ?? [];

    /// <summary>How many places no batch is in.</summary>
    public int FreePlaces => _flights.Length - _count;

    /// <summary>Looks how far the batches are: gives rows back, and makes room.</summary>
    /// <returns>Whether anything has changed.</returns>
    /// <exception cref="DeviceException">The device is lost.</exception>
    public bool Poll()
    {
        (int read, int computed) = (_read, _computed);
        while (_read < _count && Has(this[_read], this[_read].CopyIn))
        {
            Release(this[_read++].Batch);
        }

        while (_computed < _read && Has(this[_computed], this[_computed].Compute))
        {
            _computed++;
        }

        return read != _read || computed != _computed;
    }

    /// <summary>The oldest batch, if its results are there, to be given to its callers. It counts until <see cref="Retire"/>.</summary>
    public Flight? Landed()
    {
        if (_computed == 0 || !Has(this[0], this[0].CopyOut))
        {
            return null;
        }

        Flight flight = this[0];
        Batch batch = flight.Batch;
        if (!flight.IsGrounded && !batch.HasFaults)
        {
            _isolation.Succeeded();
            Costs.Record(flight, _streams);
            Compare(flight, isOfCallers: true);
            batch.HasResult = true;
        }

        flight.LetGo();
        return flight;
    }

    /// <summary>The device will not finish the oldest batch: the same, all its rows failed. Null if there is none.</summary>
    public Flight? Forfeit(DeviceException loss)
    {
        if (_count == 0)
        {
            return null;
        }

        Flight flight = this[0];
        flight.Batch.Fail(0, flight.Batch.Count, loss);
        if (!flight.IsGrounded && flight.Batch.AbandonOutputs() is { } outputs)
        {
            // It may write to them yet, and batches of other devices must not get them.
            _abandoned.Add(outputs);
        }

        if (_read == 0)
        {
            Release(flight.Batch);
        }

        return flight;
    }

    /// <summary>The oldest batch is its callers' now: its place is free.</summary>
    public Delivery Retire()
    {
        Delivery delivery = this[0].End();
        _first = (_first + 1) % _flights.Length;
        _read = Math.Max(0, _read - 1);
        _computed = Math.Max(0, _computed - 1);
        _count--;
        return delivery;
    }

    /// <summary>
    /// Any thread: as <see cref="PriorityLanes.EndAll"/>, for the batches that the device has. It may never finish them, and their memory stays reserved
    /// until it does. A batch may be replaced by another meanwhile; that is to end as well.
    /// </summary>
    public void EndAll(Func<FastBatchException?> fault, RequestOutcome outcome, Ledger ledger)
    {
        foreach (Flight flight in _flights)
        {
            foreach (BatchMember member in flight.Delivery?.Batch.Members ?? [])
            {
                if (member.Request is not { } request || !request.IsPending(member.Ticket))
                {
                    continue;
                }

                if (fault() is not { } error)
                {
                    return;
                }

                if (request.TryFail(member.Ticket, error, out Continuation continuation))
                {
                    ledger.End(outcome);
                    continuation.Queue();
                }
            }
        }
    }

    /// <summary>Gives everything back to the device. None of its batches is under way.</summary>
    public void Dispose()
    {
        _graphs?.Free();
        _streams.Dispose();
    }

    /// <summary>The batch's rows have been read, or will not be.</summary>
    public void Release(Batch batch)
    {
        if (_order is null)
        {
            _lanes.Release(batch);
        }
        else
        {
            _order.Read(batch);
        }
    }

    private bool Has(Flight flight, Flight.Stage stage) => flight.IsGrounded || _streams.IsDone(stage.End);

    private bool TryAttach(Batch batch)
    {
        try
        {
            batch.Attach(_batcher);
            batch.Outputs.SlabMemory.Pin(_devices);
            return true;
        }
        catch (Exception exception)
        {
            batch.Fail(0, batch.Count, exception);
            return false;
        }
    }
}
