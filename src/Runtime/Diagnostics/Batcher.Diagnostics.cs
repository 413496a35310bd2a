using System.Diagnostics;
using System.Runtime.CompilerServices;
using FastBatch.Completion;
using FastBatch.Diagnostics;

namespace FastBatch;

/// <content>What a batcher tells of itself.</content>
public abstract partial class Batcher
{
    /// <summary>Has an observer told of every batch from now on, until what is returned is disposed. Any thread.</summary>
    /// <param name="observer">The observer; may observe several batchers.</param>
    public IDisposable Observe(BatchObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        return Ledger.Add(observer);
    }

    // Out of line: nobody wants to know, usually.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private long Note(PendingRequest request)
    {
        RequestDetails details = Ledger.Details;
        if ((details & RequestDetails.Origins) != 0)
        {
            request.NoteOrigin(Activity.Current?.Context ?? default);
        }

        return (details & RequestDetails.Times) != 0 ? Options.TimeProvider.GetTimestamp() : 0;
    }
}
