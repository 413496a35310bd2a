using FastBatch.Completion;
using FastBatch.Devices;
using FastBatch.Diagnostics;

namespace FastBatch.Lanes;

/// <summary>
/// Rows executed together; once closed it never grows. Pooled: one object goes from closing through the run to the last resumed caller.
/// For generated code, which reads its rows and outputs.
/// </summary>
public sealed class Batch
{
    // Per row. Reserved at the start: recording a fault must not fail.
    private readonly RunFault[] _faults;
    internal const long NoTicket = -1;

    private OutputSlab? _outputs;
    private BatchRecord? _record;
    private int _start;

    internal Batch(int maxBatchSize)
    {
        Members = new BatchMember[maxBatchSize];
        _faults = new RunFault[maxBatchSize];
    }

    /// <summary>The rows the method is given: at least 1.</summary>
    public int Count { get; private set; }

    /// <summary>The outputs the method fills.</summary>
    public OutputSlab Outputs => _outputs!;

    /// <summary>Where its rows begin, among those of the batcher: batches of equal <see cref="Count"/> that begin there have the same memory.</summary>
    public int FirstRow => (OnDevice is null ? _start : OnDevice.FirstRow) + FirstMember;

    /// <summary>Whose memory the rows and outputs are in; null for the host's.</summary>
    public Device? Device => OnDevice?.Device;

    /// <summary>Which of <see cref="BatcherOptions.Devices"/> it is for; 0 if there are none. Before it is closed.</summary>
    public int DeviceNumber { get; internal set; }

    /// <summary>Its number among those whose rows go back in order, see <see cref="ReleaseOrder"/>.</summary>
    internal long ReleaseNumber { get; set; }

    /// <summary>Where it lies, if a device has it.</summary>
    internal DeviceRows? OnDevice { get; set; }

    /// <summary>Where its rows were put by callers, or gathered; see <see cref="RowPlace"/>.</summary>
    internal int HostRow => _start;

    /// <summary>The request of that row, and its place in the outputs: 0, unless the method is run on a part of the batch.</summary>
    internal int FirstMember { get; private set; }

    /// <summary>Its lane's rows before this ticket are free once the batch has run.</summary>
    internal long EndTicket { get; private set; }

    /// <summary>The same for a batch gathered from several lanes, by lane: none of whose rows it has, <see cref="NoTicket"/>.</summary>
    internal long[] EndTickets { get; private set; } = [];

    /// <summary>Whether it was gathered from several lanes.</summary>
    internal bool IsMixed => _start >= RowPlace.Mixed;

    /// <summary>The lane it is a run of rows of.</summary>
    internal int LaneIndex => RowPlace.Lane(_start);

    internal BatchMember[] Members { get; }

    /// <summary>Whether the outputs hold the results of all rows, about which nothing more is to be asked.</summary>
    internal bool HasResult
    {
        get;
        set => field = value && _outputs is not { RequiresFinite: true };
    }

    /// <summary>Whether some rows have failed.</summary>
    internal bool HasFaults { get; private set; }

    /// <summary>Whether the rows that the method was given last are no longer the callers'. See <see cref="Spoil"/>.</summary>
    internal bool IsSpoiled { get; set; }

    /// <summary>What becomes of it.</summary>
    internal BatchFate Fate { get; set; }

    /// <summary>What is noted for observers; null if there are none.</summary>
    internal BatchRecord? Record { get; private set; }

    /// <summary>Requests that had been cancelled when it was closed, and are not among its rows.</summary>
    internal int CancelledBefore { get; private set; }

    /// <summary>
    /// The method wrote to the rows it was given, and threw: they fail as a whole, and are not run again, which would compute on what it wrote.
    /// </summary>
    public void Spoil() => IsSpoiled = true;

    /// <summary>Before it is closed.</summary>
    internal void Observe(RequestDetails details, int maxRows, int backlog, long timestampFrequency)
    {
        Record = _record ??= new BatchRecord(Members.Length);
        Record.Begin(details, maxRows, backlog, timestampFrequency);
    }

    /// <summary>Before it is closed.</summary>
    internal void Ignore() => Record = null;

    internal void Close(int firstRow, int count, long endTicket, int cancelledBefore = 0)
    {
        CancelledBefore = cancelledBefore;
        _start = firstRow;
        Narrow(0, count);
        EndTicket = endTicket;
        HasResult = false;
        IsSpoiled = false;
        Fate = BatchFate.Runs;
        if (HasFaults)
        {
            HasFaults = false;
            _faults.AsSpan().Clear();
        }
    }

    /// <summary>Before rows of several lanes are gathered.</summary>
    internal void Mix()
    {
        EndTickets = EndTickets.Length > 0 ? EndTickets : new long[RowPlace.Lanes];
        EndTickets.AsSpan().Fill(NoTicket);
    }

    /// <summary>Makes it the list of those members of other batches that do not run; see <see cref="Add"/>.</summary>
    internal void CloseEmpty(BatchFate fate)
    {
        Close(0, 0, 0);
        Fate = fate;
    }

    /// <summary>One member more, of a batch that never runs.</summary>
    internal void Add(BatchMember member) => Members[Count++] = member;

    /// <summary>What the method is given next: some of the batch's rows.</summary>
    internal void Narrow(int firstMember, int count)
    {
        FirstMember = firstMember;
        Count = count;
    }

    /// <summary>The method threw when it was given these rows.</summary>
    internal void Fail(int firstMember, int count, Exception error)
    {
        HasFaults = true;
        _faults.AsSpan(firstMember, count).Fill(new RunFault(error, count));
    }

    /// <summary>Why the row has no result; without an error if it has one, or was dropped.</summary>
    internal RunFault Fault(int member) => HasFaults ? _faults[member] : default;

    /// <summary>The first error recorded, if any.</summary>
    internal Exception? FirstError => HasFaults ? _faults.FirstOrDefault(static fault => fault.Error is not null).Error : null;

    /// <summary>Gives the batch outputs of its own, unless it still has those it used last.</summary>
    internal void Attach(Batcher batcher) => _outputs ??= batcher.RentOutputs();

    /// <summary>Takes the outputs from it, to which a device may yet write: its next use gets others.</summary>
    internal OutputSlab? AbandonOutputs()
    {
        OutputSlab? outputs = _outputs;
        _outputs = null;
        return outputs;
    }

    /// <summary>Lets the outputs go if rows of them are lent; if not they stay with this batch object, for its next use.</summary>
    internal void Detach()
    {
        if (_outputs is { Poisons: true } poisoned)
        {
            poisoned.PoisonDelivered(Count);
        }

        if (_outputs is { IsLent: true } lent)
        {
            _outputs = null;
            lent.Release();
        }
    }
}

/// <summary>What becomes of a batch.</summary>
internal enum BatchFate : byte
{
    Runs,

    /// <summary>The policy dropped it.</summary>
    Dropped,

    /// <summary>Its answers would come after their deadlines.</summary>
    Late,
}

/// <summary>One request of a batch: at index i, the request of row i.</summary>
internal readonly record struct BatchMember(PendingRequest? Request, long Ticket);

/// <summary>What the method threw when it was given so many rows; nothing where it ran.</summary>
internal readonly record struct RunFault(Exception? Error, int Rows);
