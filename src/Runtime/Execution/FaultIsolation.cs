using System.Numerics;
using System.Runtime.InteropServices;
using FastBatch.Lanes;

namespace FastBatch.Execution;

/// <summary>
/// When a batch throws, runs its halves, and the halves of those that throw again, so that only the rows that make it throw fail: at most
/// 2 log2 n more runs for each such row. One that runs out of memory is run in halves, once. Rows that the method wrote to before it threw are
/// not run again. Device side.
/// </summary>
/// <param name="run">Gives the method the rows that the batch is narrowed to.</param>
/// <param name="enabled">Whether the user lets rows be run again.</param>
internal sealed class FaultIsolation(Action<Batch> run, bool enabled)
{
    // So many bad rows of one batch are told apart; with more, good rows beside them may fail too.
    private const int MostBadRows = 4;

    // The last batch that threw had no part that ran: it is not the rows. Until a batch succeeds others are not tried in parts.
    private bool _hopeless;
    private int _runsLeft;

    /// <summary>A batch ran.</summary>
    public void Succeeded()
    {
        if (_hopeless)
        {
            _hopeless = false;
        }
    }

    /// <summary>Whether fewer rows may fit.</summary>
    public static bool IsOutOfMemory(Exception error) => error
        is OutOfMemoryException
        or IRowFault { IsOutOfMemory: true }
        || (error is ExternalException && IsMemoryShort(error.Message));

    /// <summary>The batch threw: decides which of its rows fail, and gets the others their results.</summary>
    public void Isolate(Batch batch, Exception error)
    {
        int rows = batch.Count;
        if (enabled && rows > 1 && !batch.IsSpoiled && IsOutOfMemory(error))
        {
            // Half as many may fit; see BatchCap for the batches that follow.
            RunOnce(batch, 0, rows / 2);
            RunOnce(batch, rows / 2, rows - (rows / 2));
            batch.Narrow(0, rows);
            return;
        }

        if (!enabled || _hopeless || rows == 1 || batch.IsSpoiled || !MayBeOfRows(error))
        {
            batch.Fail(0, rows, error);
            return;
        }

        _runsLeft = MostBadRows * 2 * (BitOperations.Log2((uint)rows - 1) + 1);
        _hopeless = !Split(batch, 0, rows, error);
        batch.Narrow(0, rows);
    }

    // The window threw. True if a part of it ran.
    private bool Split(Batch batch, int first, int rows, Exception error)
    {
        if (rows == 1 || _runsLeft < 2)
        {
            batch.Fail(first, rows, error);
            return false;
        }

        _runsLeft -= 2;
        int half = rows / 2;
        return TryRun(batch, first, half) | TryRun(batch, first + half, rows - half);
    }

    private bool TryRun(Batch batch, int first, int rows)
    {
        batch.Narrow(first, rows);
        batch.IsSpoiled = false;
        try
        {
            run(batch);
            return true;
        }
        catch (Exception error)
        {
            return MayBeOfRows(error) && !batch.IsSpoiled ? Split(batch, first, rows, error) : FailAll(batch, first, rows, error);
        }
    }

    private void RunOnce(Batch batch, int first, int rows)
    {
        batch.Narrow(first, rows);
        try
        {
            run(batch);
        }
        catch (Exception error)
        {
            batch.Fail(first, rows, error);
        }
    }

    private static bool FailAll(Batch batch, int first, int rows, Exception error)
    {
        batch.Fail(first, rows, error);
        return false;
    }

    // TorchSharp has no exception of its own: what libtorch says, of a device and of the host, is all there is.
    private static bool IsMemoryShort(string message) =>
        message.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
        || message.Contains("can't allocate memory", StringComparison.Ordinal)
        || message.Contains("not enough memory", StringComparison.Ordinal);

    // The others speak of the machine or of time, whatever the rows are.
    private static bool MayBeOfRows(Exception error) => error is IRowFault fault
        ? fault.IsOfRows
        : error is not (OutOfMemoryException or OperationCanceledException or TimeoutException or FastBatchException { IsTransient: true });
}
