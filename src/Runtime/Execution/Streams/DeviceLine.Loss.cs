using FastBatch.Devices;

namespace FastBatch.Execution.Streams;

/// <content>
/// What becomes of everybody when the device fails. Invariant: nothing is given to a device that is lost; the requests of the batches that it had
/// end with the loss, and so does all that waits once no device is left.
/// </content>
internal sealed partial class DeviceLine
{
    // Those whose device has not come to an end: it may write to their memory yet.
    private static readonly List<StreamPipeline> s_quarantine = [];

    private volatile DeviceException? _loss;

    /// <summary>Why nothing can be run on it any more; null while something can. Any thread.</summary>
    public DeviceException? Loss => _loss ?? _executor.OwnLoss;

    /// <summary>Once stopped.</summary>
    internal void Close()
    {
        bool isClean = Loss is null && _pipeline!.Count == 0;
        if (isClean)
        {
            _pipeline!.Dispose();
        }
        else
        {
            lock (s_quarantine)
            {
                s_quarantine.Add(_pipeline!);
            }
        }

        _executor.NoteEnd(isClean);
    }

    // Nothing is run on it from now on; nor on any other, if rows were in hand.
    private void Lose(DeviceException loss)
    {
        _loss = loss;
        if (_closes)
        {
            _executor.Lose(loss);
        }

        _executor.NoteLoss(this);
        Stalls?.End();
        if (_closed is { } delivery)
        {
            _closed = null;
            Fail(delivery);
        }
    }

    // What it had ends, and what waits if no other is left.
    private bool FailNext()
    {
        if (WarmUp.IsAsked)
        {
            WarmUp.Forget(new DeviceLostException(_batcher.Name, Loss!));
        }

        if (_pipeline!.Forfeit(Loss!) is { } flight)
        {
            Deliver(flight);

            // Whoever has the lanes may wait for its rows.
            _executor.CallHolder(this);
            return true;
        }

        if (!_relay.Has(Number) || (_executor.Loss is null && _relay.TryLeave(Number)))
        {
            return false;
        }

        _executor.Answer();
        if (_executor.TryCloseLost(this) is not { } delivery)
        {
            _waitsForOther = !_executor.TryEndLost();
            return false;
        }

        Fail(delivery);
        return true;
    }

    // A batch that the device has not been given.
    private void Fail(Delivery delivery)
    {
        delivery.Batch.Fail(0, delivery.Batch.Count, Loss!);
        _executor.Desk.Announce(delivery);
        _pipeline!.Release(delivery.Batch);
        Deliver(delivery);
    }
}
