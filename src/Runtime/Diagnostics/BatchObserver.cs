namespace FastBatch.Diagnostics;

/// <summary>
/// Is told what becomes of batches and requests; see <see cref="Batcher.Observe"/>. Its methods are called by whichever thread is at work,
/// several at once for different batches, and hold up the batcher while they run: they must be quick and must not block. What they throw is
/// swallowed.
/// </summary>
public abstract class BatchObserver
{
    /// <summary>
    /// What it wants to be noted of every request. Asked again after every batch, so that it may depend on who listens; what changes takes
    /// effect with the requests after that.
    /// </summary>
    public virtual RequestDetails Details => RequestDetails.None;

    /// <summary>A batch has run, or was to run, and its callers have been resumed.</summary>
    /// <param name="batcher">The batcher.</param>
    /// <param name="batch">What is known of the batch; gone when this returns.</param>
    public virtual void OnBatch(Batcher batcher, in BatchReport batch)
    {
    }

    /// <summary>
    /// Requests ended outside any batch: refused, cancelled before a batch was made of them, or left when the batcher was closed or its method
    /// stalled. Never those that a <see cref="BatchReport"/> counts, but for <see cref="BatchReport.Gone"/>.
    /// </summary>
    /// <param name="batcher">The batcher.</param>
    /// <param name="outcome">How they ended.</param>
    /// <param name="count">How many; at least 1.</param>
    public virtual void OnEnded(Batcher batcher, RequestOutcome outcome, int count)
    {
    }

    /// <summary>
    /// Batches of one size run without a graph from now on (see <see cref="BatcherOptions.UseCudaGraphs"/>): no answer is wrong, but each takes
    /// as long as without. Once for each size; those refused before it observed are in <see cref="Batcher.GetGraphs"/>.
    /// </summary>
    /// <param name="batcher">The batcher.</param>
    /// <param name="rows">The size.</param>
    /// <param name="reason">Why, as the end of a sentence about the graph.</param>
    public virtual void OnGraphRefused(Batcher batcher, int rows, string reason)
    {
    }
}
