namespace FastBatch.LoadTests.Soak;

/// <summary>
/// One caller: sends a request, awaits its end, checks what came, sends the next. What the two shapes of service have in common; one thread
/// at a time. A request that was not accepted sends its number again, so that the service sees a refused request that is run after all.
/// </summary>
internal abstract class SoakClient(SoakService service, FaultPlan plan, Ledger ledger, int index, int seed)
{
    private long _sequence;
    private bool _mayBeCancelled;
    private long _ended;

    public Outcomes Outcomes { get; } = new();

    /// <summary>Requests that have ended, for the thread that waits for them.</summary>
    public long Ended => Volatile.Read(ref _ended);

    protected Random Random { get; } = new(seed);

    protected Ledger Ledger => ledger;

    protected FaultPlan Plan => plan;

    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested && await TrySendAsync().ConfigureAwait(false))
            {
                Volatile.Write(ref _ended, Outcomes.Ended);
            }

            LeaveOff();
        }
        catch (Exception exception)
        {
            // Of what surrounds the requests; what they end with has been counted.
            ledger.Unexpected(exception.ToString());
        }

        Volatile.Write(ref _ended, Outcomes.Ended);
    }

    /// <summary>When the service and its batcher are gone: whether anything was written late.</summary>
    public abstract void CheckMemory();

    /// <summary>Sends one request in some form and checks its answer. What it throws, the request ended with.</summary>
    protected abstract ValueTask SendAsync(long id, CancellationTokenSource? source);

    /// <summary>No more requests are sent.</summary>
    protected virtual void LeaveOff()
    {
    }

    protected bool Happens(int chance) => chance > 0 && Random.Next(chance) == 0;

    /// <summary>Before, with, or after the answer.</summary>
    protected void CancelSometimes(CancellationTokenSource? source)
    {
        switch (source is null ? -1 : Random.Next(4))
        {
            case 0:
                source!.Cancel();
                break;
            case 1:
                ThreadPool.UnsafeQueueUserWorkItem(static source => Cancel(source!), source, preferLocal: false);
                break;
            case 2:
                source!.CancelAfter(1);
                break;
        }
    }

    /// <summary>The number of a request sent while another one of this client's is under way.</summary>
    protected long NextId() => Identity.Of(service.Number, index, ++_sequence + 1);

    // False once the batcher is closed.
    private async ValueTask<bool> TrySendAsync()
    {
        long id = Identity.Of(service.Number, index, _sequence + 1);
        id = Happens(plan.PoisonRows) ? Identity.Poison(id) : id;
        using CancellationTokenSource? source = Happens(plan.Cancellations) ? new CancellationTokenSource() : null;
        _mayBeCancelled = source is not null;
        Outcomes.Sent++;
        try
        {
            await SendAsync(id, source).ConfigureAwait(false);
            Outcomes.Answered++;
            if (Identity.IsPoison(id))
            {
                ledger.Crossed($"poison was answered: {id:x}");
            }
        }
        catch (Exception exception)
        {
            return await EndAsync(id, exception).ConfigureAwait(false);
        }

        _sequence++;
        return true;
    }

    private async ValueTask<bool> EndAsync(long id, Exception exception)
    {
        switch (exception)
        {
            case ForgottenException:
                Outcomes.Forgotten++;
                break;
            case OperationCanceledException when _mayBeCancelled:
                Outcomes.Cancelled++;
                break;
            case BatchExecutionException { InnerException: InjectedException or InjectedTimeoutException } or InjectedException:
                Outcomes.Faulted++;
                Outcomes.Innocent += exception.InnerException is InjectedException { Message: "injected: poison" } && !Identity.IsPoison(id) ? 1 : 0;
                break;
            case RequestDroppedException when plan.PolicyFaults > 0:
                Outcomes.Faulted++;
                break;
            case WriterException:
                // Its row was given back: the number has not been used.
                Outcomes.Faulted++;
                return true;
            case BatcherOverloadedException:
                Outcomes.Refused++;
                await Task.Yield();
                return true;
            case BatcherStalledException when plan.StalledBatches > 0:
                // Run or not: its answer goes nowhere.
                Outcomes.Faulted++;
                await Task.Yield();
                break;
            case BatcherClosedException:
                Outcomes.Closed++;
                return false;
            default:
                ledger.Unexpected(exception.ToString());
                Outcomes.Faulted++;
                break;
        }

        _sequence++;
        return true;
    }

    private static void Cancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The request ended first.
        }
    }

    /// <summary>Thrown by the callbacks of this program.</summary>
    protected sealed class WriterException() : Exception("injected: writer");

    /// <summary>The request was left alone on purpose.</summary>
    protected sealed class ForgottenException : Exception;
}
