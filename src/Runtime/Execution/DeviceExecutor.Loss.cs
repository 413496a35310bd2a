using FastBatch.Atomics;
using FastBatch.Devices;
using FastBatch.Diagnostics;

namespace FastBatch.Execution;

/// <content>
/// What becomes of everybody when the device side itself fails: its clock throws, there is no memory for its next batch. Invariant: after that
/// nothing is run any more, no request is accepted, and each that was, or is being submitted, ends with the loss. Device side, but for
/// <see cref="Loss"/>.
/// </content>
internal abstract partial class DeviceExecutor
{
    // Written once; read by any thread.
    private volatile DeviceException? _loss;

    /// <summary>Why nothing can be run any more; null while something can. Any thread.</summary>
    public virtual DeviceException? Loss => _loss;

    /// <summary>The same, where it was the device side itself that failed, not its devices. Any thread.</summary>
    internal DeviceException? OwnLoss => _loss;

    /// <summary>Nothing is run from now on.</summary>
    protected internal void Lose(DeviceException loss)
    {
        // In this order: whoever is refused because the lanes are closed is told why.
        _loss ??= loss;
        Lanes.Close();
        _stalls?.End();
        _running = 0;
    }

    /// <summary>The same, for what must not happen and did.</summary>
    protected void Lose(Exception exception) => Lose(new DeviceException(
        DeviceFailure.Lost, $"What drives it failed with {exception.GetType().Name}: {FastBatchException.MessageOf(exception)}", exception));

    /// <summary>After a loss: ends what waits and what was about to run, and gives their rows back. Asks neither clock nor policy.</summary>
    protected void EndLost()
    {
        EndWaiting();
        if (Lanes.Forfeit() is > 0 and int cancelled)
        {
            _ledger.End(RequestOutcome.Cancelled, cancelled);
        }

        _warmUp.Forget(new DeviceLostException(_batcher.Name, Loss!));
    }

    /// <summary>After a loss: ends what waits and what was about to run. Its rows stay taken.</summary>
    protected void EndWaiting()
    {
        DeviceException loss = Loss!;
        Lanes.EndAll(() => new DeviceLostException(_batcher.Name, loss), RequestOutcome.Failed, _ledger);
    }
}
