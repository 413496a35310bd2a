using FastBatch.Devices;
using FastBatch.Diagnostics;
using FastBatch.Lanes;

namespace FastBatch.Execution.Streams;

/// <summary>
/// The method's runs as graphs: recorded once for each size and place, and replayed without calling the method. A graph knows its place's
/// buffers by address, from the rows read to the outputs written, so it is of use nowhere else. Device side, but for <see cref="Report"/>.
/// Invariant: callers are answered by a graph only after it was compared, in its place and on callers' rows, with what the method answers
/// itself. What speaks against a size ends its graphs for good: then its batches run as without any.
/// </summary>
internal sealed class BatchGraphs
{
    // In the first runs of a size libtorch compiles, tries what is fastest and takes memory to work in, none of which can be recorded.
    private const int WarmUpRuns = 3;

    private readonly Batcher _batcher;
    private readonly DeviceStreams _streams;
    private readonly GraphSizes _sizes;
    private readonly Size[] _graphs;
    private readonly int _places;
    private readonly Action<Exception?> _throwIfLost;

    /// <param name="batcher">Whose method it is.</param>
    /// <param name="sizes">The sizes.</param>
    /// <param name="streams">What records.</param>
    /// <param name="deviceName">Where.</param>
    /// <param name="places">How many places there are.</param>
    /// <param name="throwIfLost">Throws if the device is lost; told what was heard last.</param>
    public BatchGraphs(
        Batcher batcher, GraphSizes sizes, DeviceStreams streams, string deviceName, int places, Action<Exception?> throwIfLost)
    {
        _batcher = batcher;
        _streams = streams;
        _sizes = sizes;
        _places = places;
        _throwIfLost = throwIfLost;
        _graphs = [.. sizes.Select(rows => new Size(rows, places))];
        if (!streams.RecordsGraphs)
        {
            Array.ForEach(_graphs, size => Refuse(size, $"{deviceName} records none"));
        }
    }

    // How far a graph is to be trusted.
    private enum Trust : byte
    {
        None,

        /// <summary>It agrees with the method on rows of zeros, which show little.</summary>
        OnZeros,

        /// <summary>It agrees on rows of callers.</summary>
        OnRows,
    }

    public GraphSizes Sizes => _sizes;

    /// <summary>
    /// How to run the batch that is in the place now, with its outputs. Records the graph if it is the first that is to be run as one there.
    /// </summary>
    /// <param name="flight">The place.</param>
    /// <param name="mostRows">The most rows the method may be given at the moment.</param>
    /// <param name="isOfCallers">Whether its rows are callers'; zeros otherwise.</param>
    /// <exception cref="DeviceException">The device is lost.</exception>
    public RunPlan Choose(Flight flight, int mostRows, bool isOfCallers)
    {
        int rows = flight.Batch.Count;
        if (Find(rows) is not { } size || size.Rows > mostRows)
        {
            return Plain(rows);
        }

        ref Graph graph = ref size.Graphs[PlaceOf(flight)];
        if (size.Refusal is not null)
        {
            // Nothing uses it any more: the place has been free.
            Free(size, ref graph);
            return Plain(rows);
        }

        if (size.Runs < WarmUpRuns)
        {
            return new RunPlan(size.Rows, 0, IsChecked: false);
        }

        if (graph.Handle == 0 && !TryRecord(flight, size, ref graph))
        {
            return Plain(rows);
        }

        bool isTrusted = graph.Trust == Trust.OnRows || (graph.Trust == Trust.OnZeros && !isOfCallers);
        return new RunPlan(size.Rows, graph.Handle, IsChecked: !isTrusted);
    }

    /// <summary>The rows as they are, without a graph.</summary>
    public static RunPlan Plain(int rows) => new(rows, 0, IsChecked: false);

    /// <summary>Whether batches of this many rows have something to do in that place before callers' rows come.</summary>
    public bool WantsRehearsal(int rows, Flight place) =>
        Find(rows) is { Refusal: null } size && size.Graphs[PlaceOf(place)].Trust == Trust.None;

    /// <summary>The method was given so many rows, of callers or zeros, and did not throw.</summary>
    public void Ran(int rows)
    {
        if (Find(rows) is { } size && size.Rows == rows)
        {
            size.Runs++;
        }
    }

    /// <summary>A graph of that size answers callers.</summary>
    public void Answered(int rows) => Find(rows)!.Replays++;

    /// <summary>The place's batch was run both ways, and all is there: what the method answered is the batch's, the graph's is beside it.</summary>
    public void Compare(Flight flight, bool isOfCallers)
    {
        Size size = Find(flight.Plan.Rows)!;
        SlabMemory answers = flight.Batch.Outputs.SlabMemory;
        if (flight.Compared!.SlabMemory.FindDifference(answers, flight.Plan.Rows) is { } difference)
        {
            Refuse(size, $"it answers otherwise than the method: {difference}");
            return;
        }

        size.Graphs[PlaceOf(flight)].Trust = isOfCallers ? Trust.OnRows : Trust.OnZeros;
    }

    /// <summary>Batches of this size have no graphs any more.</summary>
    public void Refuse(int rows, string reason) => Refuse(Find(rows)!, reason);

    /// <summary>Any thread: how each size fares.</summary>
    public IEnumerable<GraphReport> Report() => _graphs.Select(
        static size => new GraphReport(size.Rows, size.Recorded, size.Graphs.Length, size.Replays, size.Refusal));

    /// <summary>Frees all graphs: nothing is under way.</summary>
    public void Free()
    {
        foreach (Size size in _graphs)
        {
            for (int place = 0; place < size.Graphs.Length; place++)
            {
                Free(size, ref size.Graphs[place]);
            }
        }
    }

    // They are numbered on from one device to the next.
    private int PlaceOf(Flight flight) => flight.Number % _places;

    private Size? Find(int rows) => _sizes.IndexFor(rows) is >= 0 and int index ? _graphs[index] : null;

    private bool TryRecord(Flight flight, Size size, ref Graph graph)
    {
        bool isRecording = false;
        try
        {
            _streams.BeginGraph();
            isRecording = true;
            _streams.Run(flight, 0, size.Rows);
            isRecording = false;
            graph.Handle = _streams.EndGraph(keep: true);
            size.Recorded++;
            return true;
        }
        catch (Exception exception)
        {
            if (isRecording)
            {
                Abandon();
            }

            _throwIfLost(exception);
            Refuse(size, $"it cannot be recorded: {exception.Message}");
            return false;
        }
    }

    // The streams are ready for the next call, whatever this one finds; if they are lost, that is seen next.
    private void Abandon()
    {
        try
        {
            _ = _streams.EndGraph(keep: false);
        }
        catch (DeviceException)
        {
        }
    }

    private void Refuse(Size size, string reason)
    {
        if (size.Refusal is null)
        {
            size.Refusal = reason;
            _batcher.Ledger.RefuseGraph(size.Rows, reason);
        }
    }

    private void Free(Size size, ref Graph graph)
    {
        if (graph.Handle != 0)
        {
            nint handle = graph.Handle;
            graph = default;
            size.Recorded--;
            _streams.FreeGraph(handle);
        }
    }

    // Of one place.
    private struct Graph
    {
        public nint Handle;
        public Trust Trust;
    }

    // Written by the device side. What is reported is whole at any moment: words and references.
    private sealed class Size(int rows, int places)
    {
        public int Rows { get; } = rows;

        public Graph[] Graphs { get; } = new Graph[places];

        public int Runs { get; set; }

        public int Recorded { get; set; }

        public long Replays { get; set; }

        public string? Refusal { get; set; }
    }
}
