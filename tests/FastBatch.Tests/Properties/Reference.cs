namespace FastBatch.Tests.Properties;

/// <summary>How a request ends.</summary>
internal enum Ending
{
    None,
    Answered,
    Cancelled,
    Faulted,
    Dropped,
    Overloaded,
    Closed,
    WriterThrew,
}

/// <summary>One request as the reference sees it.</summary>
internal sealed class ExpectedRequest(long id, SubmitForm form, bool poison)
{
    public long Id => id;

    public SubmitForm Form => form;

    public bool IsPoison => poison;

    public Ending Ending { get; set; }

    /// <summary>The rows that the method was given when it threw.</summary>
    public int FaultRows { get; set; }

    public void End(Ending ending, int faultRows = 0)
    {
        if (Ending == Ending.None)
        {
            (Ending, FaultRows) = (ending, faultRows);
        }
    }
}

/// <summary>
/// What a batcher is to do, in lists and one thread: rows wait in order, a batch takes the oldest, the method holds it until told to go on,
/// what finds no room is refused or lines up.
/// </summary>
internal sealed class Reference(Story story)
{
    // Tickets of the ring that wait: null for a row that came to nothing.
    private readonly List<ExpectedRequest?> _waiting = [];
    private readonly Queue<ExpectedRequest> _parked = new();
    private bool _isHopeless;
    private bool _isClosed;

    public List<ExpectedRequest> All { get; } = [];

    /// <summary>The rows the method holds; null while it holds none.</summary>
    public List<ExpectedRequest>? Running { get; private set; }

    /// <summary>Tickets of the batch that the method holds, those of cancelled rows included.</summary>
    public int RunningTickets { get; private set; }

    public int WaitingTickets => _waiting.Count;

    public int Parked => _parked.Count;

    /// <summary>What the policy says next: null, or whether it throws rather than drop.</summary>
    public bool? PolicyThrows { get; set; }

    public bool IsIdle => Running is null;

    public ExpectedRequest Submit(Step.Submit step)
    {
        var request = new ExpectedRequest(All.Count + 1, step.Form, step.Poison);
        All.Add(request);
        if (step.Form == SubmitForm.CancelledBefore)
        {
            request.End(Ending.Cancelled);
            return request;
        }

        bool isFull = _parked.Count > 0 || _waiting.Count + RunningTickets >= story.Capacity;
        if (_isClosed || (isFull && story.Overload == OverloadMode.Reject))
        {
            request.End(_isClosed ? Ending.Closed : Ending.Overloaded);
            return request;
        }

        bool writes = step.Form == SubmitForm.WriterThrows;
        if (writes)
        {
            request.End(Ending.WriterThrew);
        }

        if (!isFull)
        {
            _waiting.Add(writes ? null : request);
        }
        else if (!writes)
        {
            _parked.Enqueue(request);
        }

        Settle();
        return request;
    }

    public void Run(bool throws)
    {
        List<ExpectedRequest> batch = Running!;
        bool IsBad(ExpectedRequest request) => throws || request.IsPoison;
        if (!batch.Exists(IsBad))
        {
            batch.ForEach(request => request.End(Ending.Answered));
            _isHopeless = false;
        }
        else if (!story.Isolates || _isHopeless || batch.Count == 1)
        {
            batch.ForEach(request => request.End(Ending.Faulted, batch.Count));
        }
        else
        {
            // Batches are so small here that every bad row can be told apart.
            batch.ForEach(request => request.End(IsBad(request) ? Ending.Faulted : Ending.Answered, 1));
            _isHopeless = batch.TrueForAll(IsBad);
        }

        (Running, RunningTickets) = (null, 0);
        Settle();
    }

    public void Dispose() => _isClosed = true;

    // The device is free: batches are closed until the method holds one or nothing waits.
    private void Settle()
    {
        while (Running is null)
        {
            // What has ended already at the front is given back; further behind it takes its place in the batch, and is not run.
            _waiting.RemoveRange(0, _waiting.TakeWhile(request => request is null or { Ending: not Ending.None }).Count());
            while (_parked.Count > 0 && _waiting.Count < story.Capacity)
            {
                _waiting.Add(_parked.Dequeue());
            }

            int rows = Math.Min(_waiting.Count, story.MaxBatchSize);
            if (rows == 0)
            {
                return;
            }

            List<ExpectedRequest> live = [.. _waiting.Take(rows).OfType<ExpectedRequest>().Where(request => request.Ending == Ending.None)];
            _waiting.RemoveRange(0, rows);
            if (PolicyThrows is { } policyThrows)
            {
                live.ForEach(request => request.End(policyThrows ? Ending.Faulted : Ending.Dropped, live.Count));
                PolicyThrows = null;
            }
            else if (live.Count > 0)
            {
                (Running, RunningTickets) = (live, rows);
            }
        }
    }
}
