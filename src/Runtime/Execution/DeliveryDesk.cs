using System.Diagnostics;
using FastBatch.Atomics;
using FastBatch.Lanes;

namespace FastBatch.Execution;

/// <summary>
/// The deliveries of one executor: how many callers are being resumed, how many threads that should take, and a slow look every few
/// milliseconds for one whose thread is stuck in a caller's code, so that the callers behind it go on.
/// </summary>
internal sealed class DeliveryDesk : IDisposable
{
    // A thread is worth waking for a helper's share of work longer than this.
    private const double HelpNanoseconds = 200_000;
    private const double FloorNanoseconds = 200;
    private const int RescueMilliseconds = 10;

    // Measuring costs two timestamps: not worth it for a few callers.
    private const int MeasuredCallers = 8;

    // A delivery that takes longer is not to be waited for.
    private static readonly double NanosecondsPerTick = 1e9 / Stopwatch.Frequency;
    private static readonly long SlowDelivery = Stopwatch.Frequency / 50_000;

    private readonly Lock _gate = new();
    private readonly List<Delivery> _all = [];
    private readonly List<int> _seenEpochs = [];

    // All are kept: there are never more than were needed at once, and the watch knows each.
    private readonly Shelf<Delivery> _free = new(limit: int.MaxValue);
    private readonly string _batcher;
    private readonly int _maxBatchSize;
    private readonly Timer _rescue;
    private AtomicInt32 _resuming;
    private AtomicInt32 _watching;
    private double _resumeNanoseconds;
    private bool _disposed;

    // Of the thread that delivers last. Deliveries may overlap, and one then count from another's start: no harm.
    private long _deliveryStarted;

    public DeliveryDesk(string batcher, int maxBatchSize)
    {
        _batcher = batcher;
        _maxBatchSize = maxBatchSize;
        _rescue = new Timer(static desk => ((DeliveryDesk)desk!).Rescue(), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>Raised whenever no callers are left to resume, by the thread that resumed the last.</summary>
    public event Action? AllDelivered;

    /// <summary>
    /// Raised when <see cref="DeliverHere"/> takes, or can be expected to take, more than some microseconds, by whoever notices.
    /// </summary>
    public event Action? Slow;

    /// <summary>Callers whose results are ready and who have not been resumed, counted by whole batches.</summary>
    public int Resuming => _resuming.Read();

    public Delivery Take() => _free.TryTake() ?? Create();

    public void Return(Delivery delivery) => _free.Return(delivery);

    /// <summary>By the thread that ran the batch, while it has the device: its callers count as being resumed from now on.</summary>
    public void Announce(Delivery delivery) => _resuming.Add(delivery.Batch.Count);

    /// <summary>Resumes the callers, on this thread and helpers. By the thread that ran the batch, once it has given the device away.</summary>
    public void DeliverHere(Delivery delivery)
    {
        int helpers = Math.Min(Helpers(delivery), Environment.ProcessorCount - 1);
        _deliveryStarted = Stopwatch.GetTimestamp();
        if (delivery.Batch.Count * _resumeNanoseconds > SlowDelivery * NanosecondsPerTick)
        {
            RaiseSlow();
        }

        Begin(delivery, participants: 1 + helpers);
        Queue(delivery, helpers);
        Measure(delivery, static delivery => delivery.Run());
    }

    /// <summary>By <see cref="DeliverHere"/>'s thread, now and then.</summary>
    public void CheckPace()
    {
        if (Stopwatch.GetTimestamp() - _deliveryStarted > SlowDelivery)
        {
            RaiseSlow();
        }
    }

    /// <summary>Has the thread pool resume the callers.</summary>
    public void DeliverOnPool(Delivery delivery)
    {
        int helpers = Math.Clamp(1 + Helpers(delivery), 1, Environment.ProcessorCount);
        Begin(delivery, helpers);
        Queue(delivery, helpers);
    }

    /// <summary>By a delivery all of whose members are decided.</summary>
    public void Delivered(int callers)
    {
        if (_resuming.Add(-callers) == 0)
        {
            AllDelivered?.Invoke();
        }
    }

    /// <summary>The fault of one member: an exception of its own, since each is thrown, and its stack trace written, separately.</summary>
    public FastBatchException Fault(Batch batch) => batch.Error is { } cause
        ? new BatchExecutionException(_batcher, batch.Count, cause)
        : new RequestDroppedException(_batcher);

    /// <summary>Stops the watch. A delivery may still come, from a method that returns after all.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _rescue.Dispose();
        }
    }

    /// <summary>Runs one thread's part of a delivery, and learns from a large one what resuming a caller takes.</summary>
    public void Measure(Delivery delivery, Func<Delivery, int> deliver)
    {
        if (delivery.Batch.Count < MeasuredCallers)
        {
            deliver(delivery);
            return;
        }

        long started = Stopwatch.GetTimestamp();
        int delivered = deliver(delivery);
        if (delivered > 0)
        {
            // Clamped, so that one pause of the thread does not pass for slow callers. Two threads may write at once and one be lost.
            double each = Stopwatch.GetElapsedTime(started).TotalNanoseconds / delivered;
            _resumeNanoseconds += (Math.Min(each, (2 * _resumeNanoseconds) + FloorNanoseconds) - _resumeNanoseconds) / 8;
        }
    }

    private void RaiseSlow()
    {
        // Once per delivery is enough.
        _deliveryStarted = long.MaxValue;
        Slow?.Invoke();
    }

    private int Helpers(Delivery delivery) => (int)(delivery.Batch.Count * _resumeNanoseconds / HelpNanoseconds);

    private void Begin(Delivery delivery, int participants)
    {
        delivery.Begin(participants);
        if (_watching.Read() == 0 && _watching.Exchange(1) == 0)
        {
            SetWatch(RescueMilliseconds);
        }
    }

    private void SetWatch(int milliseconds)
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _rescue.Change(milliseconds, milliseconds);
            }
        }
    }

    private static void Queue(Delivery delivery, int times)
    {
        for (int i = 0; i < times; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(delivery, preferLocal: false);
        }
    }

    private Delivery Create()
    {
        var delivery = new Delivery(this, _maxBatchSize);
        lock (_gate)
        {
            _all.Add(delivery);
            _seenEpochs.Add(0);
        }

        return delivery;
    }

    // By the timer, one at a time.
    private void Rescue()
    {
        lock (_gate)
        {
            bool active = false;
            for (int i = 0; i < _all.Count; i++)
            {
                int epoch = _all[i].Epoch;
                active |= epoch != _seenEpochs[i];
                if (epoch == _seenEpochs[i] && _all[i].TryRescue())
                {
                    active = true;
                    Slow?.Invoke();
                }

                _seenEpochs[i] = epoch;
            }

            if (!active)
            {
                StopWatching();
            }
        }
    }

    private void StopWatching()
    {
        SetWatch(Timeout.Infinite);
        _watching.Exchange(0);

        // A delivery that began before the exchange saw the watch on, and relies on it; the exchange and its own fence order the two.
        if (_all.Exists(static delivery => delivery.IsUnderWay) && _watching.Exchange(1) == 0)
        {
            SetWatch(RescueMilliseconds);
        }
    }
}
