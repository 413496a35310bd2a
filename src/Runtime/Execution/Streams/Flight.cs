using FastBatch.Atomics;
using FastBatch.Devices;
using FastBatch.Lanes;

namespace FastBatch.Execution.Streams;

/// <summary>
/// A place for one batch on its way through the device, kept from batch to batch: buffers of the device's, and the events at which each stage
/// begins and ends. Invariant: a place is used again only when its last event has happened, so nothing on the device refers to it any more.
/// Device side.
/// </summary>
internal sealed class Flight : IDeviceWork
{
    private readonly Batcher _batcher;

    // Full fences: whoever ends everything looks at the lane first, then here, then at the deliveries; a batch goes the same way.
    private AtomicReference<Delivery> _delivery;

    private Flight(Batcher batcher, int number, DeviceRows rows, Stages stages, Stages check)
    {
        _batcher = batcher;
        Number = number;
        Rows = rows;
        Last = stages;
        First = check;
    }

    /// <summary>Which place it is, from 0.</summary>
    public int Number { get; }

    /// <summary>The device's buffers.</summary>
    public DeviceRows Rows { get; }

    /// <summary>What the batch goes through; the second time, where it does twice.</summary>
    public Stages Last { get; }

    /// <summary>The first time, where a graph is compared with the method.</summary>
    public Stages First { get; }

    public Stage CopyIn => Last.CopyIn;

    public Stage Compute => Last.Compute;

    public Stage CopyOut => Last.CopyOut;

    /// <summary>How the method is run on the batch.</summary>
    public RunPlan Plan { get; set; }

    /// <summary>Where the results of a graph go that are compared; null where none are.</summary>
    public OutputSlab? Compared { get; set; }

    /// <summary>The batch on its way. The reference is read by any thread, see <see cref="StreamPipeline.EndAll"/>.</summary>
    public Delivery? Delivery
    {
        get => _delivery.Read();
        private set => _delivery.Exchange(value);
    }

    public Batch Batch => Delivery!.Batch;

    /// <summary>When the batch was closed.</summary>
    public long Started { get; private set; }

    /// <summary>Whether the device knows nothing of this batch: it has no rows to run, or failed before it got there.</summary>
    public bool IsGrounded { get; set; }

    /// <summary>When each stage should end.</summary>
    public Forecast Expected { get; set; }

    /// <summary>Reserves a place with buffers for the largest batch.</summary>
    /// <param name="batcher">Whose batches it takes.</param>
    /// <param name="device">The device.</param>
    /// <param name="streams">The batcher's part of it.</param>
    /// <param name="number">The number of the place, from 0.</param>
    /// <param name="inputs">Bytes in one row of each input.</param>
    /// <param name="outputs">The same for the outputs.</param>
    /// <param name="checks">Whether batches may go through it twice.</param>
    public static Flight Create(
        Batcher batcher, Device device, DeviceStreams streams, int number, long[] inputs, long[] outputs, bool checks)
    {
        Stage NewStage() => new(streams.CreateEvent(), streams.CreateEvent());
        Stages NewStages() => new(NewStage(), NewStage(), NewStage());
        nint Buffer(long rowBytes) => streams.Allocate(rowBytes * batcher.MaxBatchSize);
        var rows = new DeviceRows(
            device, number * batcher.MaxBatchSize, [.. inputs.Select(Buffer)], [.. outputs.Select(Buffer)]);
        return new Flight(batcher, number, rows, NewStages(), checks ? NewStages() : default);
    }

    public void Begin(Delivery delivery, long started)
    {
        Started = started;
        IsGrounded = false;
        Plan = new RunPlan(delivery.Batch.Count, 0, IsChecked: false);
        delivery.Batch.OnDevice = Rows;
        Delivery = delivery;
    }

    /// <summary>The device has come to the batch's end: what was compared is looked at no more.</summary>
    public void LetGo()
    {
        if (Compared is { } compared)
        {
            Compared = null;
            if (compared.Poisons)
            {
                compared.PoisonDelivered(Batch.Count);
            }

            compared.Release();
        }
    }

    /// <summary>The place is free.</summary>
    public Delivery End()
    {
        Delivery delivery = Delivery!;
        Delivery = null;
        delivery.Batch.OnDevice = null;
        return delivery;
    }

    // The batch is whole again afterwards: a device may call this when the launch is long over.
    void IDeviceWork.Run(int first, int rows)
    {
        Batch batch = Batch;
        (int wasFirst, int wasRows) = (batch.FirstMember, batch.Count);
        batch.Narrow(first, rows);
        try
        {
            _batcher.RunBatch(batch);
        }
        finally
        {
            batch.Narrow(wasFirst, wasRows);
        }
    }

    /// <summary>The events between which a stream works on the batch.</summary>
    internal readonly record struct Stage(nint Begin, nint End);

    internal readonly record struct Stages(Stage CopyIn, Stage Compute, Stage CopyOut);

    /// <summary>Timestamps.</summary>
    internal readonly record struct Forecast(long CopyIn, long ComputeBegins, long Compute, long CopyOut);
}

/// <summary>How the method is run on a batch.</summary>
/// <param name="Rows">How many rows it is given: those of the batch, and rows of zeros behind them.</param>
/// <param name="Graph">What is replayed instead of calling it; 0 for nothing.</param>
/// <param name="IsChecked">Whether both are done, and only what the method itself answers is the callers'.</param>
internal readonly record struct RunPlan(int Rows, nint Graph, bool IsChecked);
