using FastBatch.Completion;

namespace FastBatch.Lanes;

/// <summary>
/// Rows executed together; once closed it never grows. Pooled: one object goes from closing through the run to the last resumed caller.
/// For generated code, which reads its rows and outputs.
/// </summary>
public sealed class Batch
{
    private OutputSlab? _outputs;

    internal Batch(int maxBatchSize) => Members = new BatchMember[maxBatchSize];

    /// <summary>The rows the method is given: at least 1.</summary>
    public int Count { get; private set; }

    /// <summary>The outputs the method fills.</summary>
    public OutputSlab Outputs => _outputs!;

    /// <summary>Where its rows begin, among those of the batcher: batches of equal <see cref="Count"/> that begin there have the same memory.</summary>
    public int FirstRow { get; private set; }

    /// <summary>The ring's rows before this ticket are free once the batch has run.</summary>
    internal long EndTicket { get; private set; }

    internal BatchMember[] Members { get; }

    /// <summary>Whether the outputs hold the rows' results.</summary>
    internal bool HasResult { get; set; }

    /// <summary>Whether the policy dropped the batch before it ran.</summary>
    internal bool IsDropped { get; set; }

    /// <summary>What the method threw.</summary>
    internal Exception? Error { get; set; }

    internal void Close(int firstRow, int count, long endTicket)
    {
        FirstRow = firstRow;
        Count = count;
        EndTicket = endTicket;
        HasResult = false;
        IsDropped = false;
        Error = null;
    }

    /// <summary>Gives the batch outputs of its own, unless it still has those it used last.</summary>
    internal void Attach(Batcher batcher) => _outputs ??= batcher.RentOutputs();

    /// <summary>Lets the outputs go if rows of them are lent; if not they stay with this batch object, for its next use.</summary>
    internal void Detach()
    {
        if (_outputs is { IsLent: true } lent)
        {
            _outputs = null;
            lent.Release();
        }
    }
}

/// <summary>One request of a batch: at index i, the request of row i.</summary>
internal readonly record struct BatchMember(PendingRequest? Request, long Ticket);
