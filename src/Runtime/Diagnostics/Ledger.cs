using FastBatch.Atomics;

namespace FastBatch.Diagnostics;

/// <summary>
/// What became of a batcher's requests, and who is told. Any thread. Counted here are only those that did not simply succeed, where a locked
/// instruction more does no harm; <see cref="Execution.Delivery"/> counts the others. With no observers, all a batch pays is one look.
/// </summary>
internal sealed class Ledger
{
    private readonly Batcher _batcher;
    private volatile RequestDetails _always;
    private readonly Lock _gate = new();
    private readonly AtomicInt64[] _ended = new AtomicInt64[Enum.GetValues<RequestOutcome>().Length];
    private volatile BatchObserver[]? _observers;

    /// <param name="batcher">Whose requests they are.</param>
    /// <param name="notesTimes">See <see cref="NoteTimes"/>.</param>
    public Ledger(Batcher batcher, bool notesTimes)
    {
        _batcher = batcher;
        NoteTimes(notesTimes);
    }

    /// <summary>What callers note of their requests: what the policy needs, always, and what observers want at the moment.</summary>
    public RequestDetails Details { get; private set; }

    public bool IsObserved => _observers is not null;

    public long Count(RequestOutcome outcome) => _ended[(int)outcome].Read();

    /// <summary>Whether the policy needs the times of requests, observed or not. A request without one counts as an old one.</summary>
    public void NoteTimes(bool needed)
    {
        _always = needed ? RequestDetails.Times : RequestDetails.None;
        AskDetails();
    }

    /// <summary>Adds an observer, until what is returned is disposed.</summary>
    public IDisposable Add(BatchObserver observer)
    {
        lock (_gate)
        {
            _observers = [.. _observers ?? [], observer];
        }

        AskDetails();
        return new Observation(this, observer);
    }

    /// <summary>Requests ended outside any batch.</summary>
    public void End(RequestOutcome outcome, int count = 1)
    {
        Tally(outcome, count);
        foreach (BatchObserver observer in _observers ?? [])
        {
            try
            {
                observer.OnEnded(_batcher, outcome, count);
            }
            catch (Exception)
            {
                // An observer must not change what it observes.
            }
        }
    }

    /// <summary>Batches of this size have no graph any more.</summary>
    public void RefuseGraph(int rows, string reason)
    {
        foreach (BatchObserver observer in _observers ?? [])
        {
            try
            {
                observer.OnGraphRefused(_batcher, rows, reason);
            }
            catch (Exception)
            {
                // An observer must not change what it observes.
            }
        }
    }

    /// <summary>Requests of a batch ended this way; their batch reports them.</summary>
    public void Tally(RequestOutcome outcome, int count) => _ended[(int)outcome].Add(count);

    /// <summary>A batch is delivered.</summary>
    public void Report(BatchRecord record)
    {
        foreach (BatchObserver observer in _observers ?? [])
        {
            try
            {
                observer.OnBatch(_batcher, new BatchReport(record));
            }
            catch (Exception)
            {
                // An observer must not change what it observes.
            }
        }

        AskDetails();
    }

    private void AskDetails()
    {
        RequestDetails wanted = RequestDetails.None;
        foreach (BatchObserver observer in _observers ?? [])
        {
            try
            {
                wanted |= observer.Details;
            }
            catch (Exception)
            {
                // It gets what the others want.
            }
        }

        if (Details == (_always | wanted))
        {
            return;
        }

        lock (_gate)
        {
            // Under the lock: what another thread has changed since is not undone.
            Details = _observers is null ? _always : _always | wanted;
        }
    }

    private void Remove(Observation observation)
    {
        lock (_gate)
        {
            // Once, however often it is disposed: the same observer may be here twice.
            if (observation.Observer is not { } observer)
            {
                return;
            }

            observation.Observer = null;
            var left = new List<BatchObserver>(_observers ?? []);
            left.Remove(observer);
            _observers = left.Count > 0 ? [.. left] : null;
        }

        AskDetails();
    }

    private sealed class Observation(Ledger ledger, BatchObserver observer) : IDisposable
    {
        public BatchObserver? Observer { get; set; } = observer;

        public void Dispose() => ledger.Remove(this);
    }
}
