using FastBatch.Atomics;
using FastBatch.Devices;
using FastBatch.Diagnostics;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Execution;

/// <summary>
/// The deliveries of one executor: how many callers are being resumed, how many threads that should take, and a slow look every few
/// milliseconds for one whose thread is stuck in a caller's code, so that the callers behind it go on.
/// </summary>
internal sealed class DeliveryDesk : IDisposable
{
    private const int RescueMilliseconds = 10;

    // Ten seconds, of those that there are deliveries in.
    private const int WaryLooks = 1000;

    // Measuring costs a timestamp: not worth it for a few callers.
    private const int MeasuredCallers = 8;

    // One delivery in so many has no helpers, to learn what resuming a caller takes without them.
    private const int SoloDelivery = 16;

    private static readonly TimeSpan TypicalResume = TimeSpan.FromMicroseconds(0.1);

    // How long the device may stay idle while its last thread resumes callers: a part of the batch, within limits. Another thread that
    // took over would have to move the callers' state to its own core, a microsecond or so for each, and they would stay slow from then on.
    private const int PatienceFraction = 4;
    private static readonly TimeSpan LeastPatience = TimeSpan.FromMicroseconds(100);
    private static readonly TimeSpan MostPatience = TimeSpan.FromMicroseconds(300);

    private readonly Lock _gate = new();
    private readonly List<Delivery> _all = [];
    private readonly List<int> _seenEpochs = [];

    // All are kept: there are never more than were needed at once, and the watch knows each.
    private readonly Shelf<Delivery> _free = new(limit: int.MaxValue);
    private readonly string _batcher;
    private readonly TimeProvider _time;
    private readonly Ledger _ledger;
    private readonly double _typicalResume;
    private readonly double _leastPatience;
    private readonly double _mostPatience;
    private readonly int _maxBatchSize;
    private readonly Timer _rescue;

    private readonly bool _areSeveral;

    // Callers so far. Announced by the device side alone, delivered by whoever has been through a batch.
    private AtomicInt64 _announced;
    private AtomicInt64 _delivered;
    private AtomicInt32 _watching;

    // What resuming one caller takes, in timestamp units: learned, and of those measured last.
    private double _resumeTime;
    private double _lastResumeTime;

    // Looks of the watch until callers that were found to block are forgotten.
    private volatile int _wary;
    private bool _disposed;
    private volatile bool _isStuck;

    private AtomicInt64 _resumingSince;

    /// <param name="batcher">The batcher's name.</param>
    /// <param name="maxBatchSize">The most rows of a batch.</param>
    /// <param name="time">The clock.</param>
    /// <param name="ledger">Told how requests ended.</param>
    /// <param name="areSeveral">Whether several devices announce batches, each on its thread.</param>
    public DeliveryDesk(string batcher, int maxBatchSize, TimeProvider time, Ledger ledger, bool areSeveral = false)
    {
        _areSeveral = areSeveral;
        _ledger = ledger;
        _time = time;
        _typicalResume = time.ToTimestamp(TypicalResume);
        _leastPatience = time.ToTimestamp(LeastPatience);
        _mostPatience = time.ToTimestamp(MostPatience);
        _batcher = batcher;
        _maxBatchSize = maxBatchSize;
        _rescue = new Timer(static desk => ((DeliveryDesk)desk!).Rescue(), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>Raised whenever no callers are left to resume, by the thread that resumed the last.</summary>
    public event Action? AllDelivered;

    /// <summary>
    /// Raised when <see cref="DeliverHere"/> takes, or can be expected to take, more than some microseconds, by whoever notices. True if a caller does
    /// not return.
    /// </summary>
    public event Action<bool>? Slow;

    /// <summary>Callers whose results are ready and who have not been resumed, counted by whole batches.</summary>
    public int Resuming => (int)(_announced.Read() - _delivered.Read());

    /// <summary>When a thread of the pool last began with a batch that no other thread resumes; 0 before the first. Any thread.</summary>
    public long ResumingSince => _resumingSince.Read();

    /// <summary>Callers that have been given a result so far.</summary>
    public long Succeeded
    {
        get
        {
            lock (_gate)
            {
                long sum = 0;
                foreach (Delivery delivery in _all)
                {
                    sum += delivery.Succeeded;
                }

                return sum;
            }
        }
    }

    /// <summary>Whether a caller that was resumed had not returned from one look of the watch to the next. Any thread; as of the last look.</summary>
    public bool IsStuck => _isStuck;

    /// <summary>
    /// Whether one thread is known to resume so many callers within this, in timestamp units: by those measured last as well, since what is learned
    /// follows them slowly, and no caller has blocked of late. Of fewer callers than are measured it is not known, nor by a clock too coarse for that.
    /// </summary>
    public bool AreQuick(int callers, long time) =>
        callers >= MeasuredCallers && _wary == 0 && _lastResumeTime > 0 && callers * Math.Max(_resumeTime, _lastResumeTime) <= time;

    /// <summary>Whether so many callers can be expected to be resumed within the time that is not long.</summary>
    public bool IsQuick(int callers) => callers * _resumeTime <= _leastPatience;

    public Delivery Take() => _free.TryTake() ?? Create();

    public void Return(Delivery delivery) => _free.Return(delivery);

    /// <summary>By the thread that ran the batch, while it has the device: its callers count as being resumed from now on.</summary>
    public void Announce(Delivery delivery)
    {
        if (_areSeveral)
        {
            _announced.Add(delivery.Batch.Count);
        }
        else
        {
            _announced.Write(_announced.Read() + delivery.Batch.Count);
        }
    }

    /// <summary>
    /// Resumes the callers, on this thread and helpers. By the thread that ran the batch, once it has given the device away. True if nobody
    /// else is at it any more: then the caller may use the delivery again.
    /// </summary>
    /// <param name="delivery">The batch.</param>
    /// <param name="now">The current timestamp.</param>
    /// <param name="batchDuration">How long the batch ran, in timestamp units.</param>
    public bool DeliverHere(Delivery delivery, long now, long batchDuration)
    {
        int callers = delivery.Batch.Count;
        int helpers = Math.Min(Helpers(delivery), Environment.ProcessorCount - 1);
        double patience = Math.Clamp((double)batchDuration / PatienceFraction, _leastPatience, _mostPatience);
        delivery.Due = now + (long)patience;
        if (helpers > 0 || callers * _resumeTime > patience)
        {
            RaiseSlow(delivery);
        }

        delivery.IsOnPool = false;
        Begin(delivery, participants: 1 + helpers);
        Queue(delivery, helpers);
        bool isSample = IsSample(delivery);
        bool isLast = delivery.Run();
        if (helpers == 0 && callers >= MeasuredCallers && (isSample || !isLast || delivery.Due == long.MaxValue))
        {
            Learn(callers, _time.GetTimestampOr(now) - now);
        }

        return isLast;
    }

    /// <summary>Has the thread pool resume the callers.</summary>
    public void DeliverOnPool(Delivery delivery)
    {
        int helpers = Math.Clamp(Helpers(delivery), 1, Environment.ProcessorCount);
        delivery.IsOnPool = true;
        Begin(delivery, helpers);
        Queue(delivery, helpers);
    }

    /// <summary>By a thread of the pool that was queued to deliver.</summary>
    public void Help(Delivery delivery)
    {
        int callers = delivery.Batch.Count;
        bool learns = delivery.IsSolo && callers >= MeasuredCallers;
        bool isOnPool = delivery.IsOnPool;
        long started = learns || isOnPool ? _time.GetTimestampOr(0) : 0;
        if (isOnPool)
        {
            // The first one; of two at once either.
            delivery.IsOnPool = false;
            _resumingSince.Write(started);
        }

        if (delivery.RunBackwards())
        {
            Return(delivery);
        }

        if (learns)
        {
            Learn(callers, _time.GetTimestampOr(started) - started);
        }
    }

    /// <summary>By <see cref="DeliverHere"/>'s thread, now and then.</summary>
    public void CheckPace(Delivery delivery)
    {
        if (_time.GetTimestampOr(0) > delivery.Due)
        {
            RaiseSlow(delivery);
        }
    }

    /// <summary>By a delivery all of whose members are decided.</summary>
    public void Delivered(int callers)
    {
        // Full fence: what is looked at to see whether the batcher is drained is read after this.
        if (_delivered.Add(callers) == _announced.Read())
        {
            AllDelivered?.Invoke();
        }
    }

    /// <summary>
    /// The fault of one member, if it failed: an exception of its own, since each is thrown, and its stack trace written, separately.
    /// </summary>
    public Exception? Fault(Batch batch, int row) => batch.Fate switch
    {
        BatchFate.Dropped => new RequestDroppedException(_batcher),
        BatchFate.Late => new DeadlineExceededException(_batcher),
        _ => batch.Fault(row) is { Error: { } error, Rows: int rows }
            ? error is DeviceException { Failure: DeviceFailure.Lost }
                ? new DeviceLostException(_batcher, error)
                : new BatchExecutionException(_batcher, rows, error)
            : batch.Outputs.RequiresFinite ? batch.Outputs.FindNonFinite(row, _batcher)
            : null,
    };

    /// <summary>By the first thread that has been through an observed batch, before it says so.</summary>
    public void NoteDelivered(BatchRecord record) => record.Delivered = _time.GetTimestampOr(record.Ended);

    /// <summary>By the last thread to leave a delivery in which some requests got no result, or which is observed.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="undelivered">Requests that got a fault.</param>
    /// <param name="cancelled">Requests found to be cancelled.</param>
    /// <param name="gone">Requests that had ended otherwise, of which the ledger has been told.</param>
    public void Settle(Batch batch, int undelivered, int cancelled, int gone)
    {
        if (undelivered > 0)
        {
            RequestOutcome outcome = batch.Fate switch
            {
                BatchFate.Dropped => RequestOutcome.Dropped,
                BatchFate.Late => RequestOutcome.Expired,
                _ => RequestOutcome.Failed,
            };
            Count(outcome, undelivered);
        }

        if (cancelled > 0)
        {
            Count(RequestOutcome.Cancelled, cancelled);
        }

        if (batch is { Record: { } record, Count: > 0 })
        {
            (record.Undelivered, record.Cancelled, record.Gone, record.Error) = (undelivered, cancelled, gone, batch.FirstError);
            _ledger.Report(record);
        }

        // No batch of the device's, so nobody reports it.
        void Count(RequestOutcome outcome, int requests)
        {
            if (batch.Fate == BatchFate.Late)
            {
                _ledger.End(outcome, requests);
            }
            else
            {
                _ledger.Tally(outcome, requests);
            }
        }
    }

    /// <summary>Stops the watch. A delivery may still come, from a method that returns after all.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _rescue.Dispose();
        }
    }

    private void RaiseSlow(Delivery delivery)
    {
        // Once per delivery is enough.
        delivery.Due = long.MaxValue;
        Slow?.Invoke(false);
    }

    // Clamped, so that one pause of the thread does not pass for slow callers, nor a clock that was set back for callers of less than no time.
    private void Learn(int callers, long elapsed)
    {
        double each = (double)elapsed / callers;
        _lastResumeTime = each;
        _resumeTime += (Math.Clamp(each, 0, 2 * (_resumeTime + _typicalResume)) - _resumeTime) / 8;
    }

    private int Helpers(Delivery delivery) => IsSample(delivery) ? 0 : (int)(delivery.Batch.Count * _resumeTime / _mostPatience);

    // Before it begins. Each counts its own, so that threads that deliver at the same time have nothing to share.
    private static bool IsSample(Delivery delivery) => delivery.Epoch / 2 % SoloDelivery == 0;

    private void Begin(Delivery delivery, int participants)
    {
        delivery.Begin(participants);

        // No fence between the two: the side that stops the watch pays for it.
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
            bool isStuck = false;
            for (int i = 0; i < _all.Count; i++)
            {
                int epoch = _all[i].Epoch;
                active |= epoch != _seenEpochs[i];
                isStuck |= epoch == _seenEpochs[i] && (epoch & 1) != 0;
                if (epoch == _seenEpochs[i] && _all[i].TryRescue())
                {
                    active = true;
                    Slow?.Invoke(true);
                }

                _seenEpochs[i] = epoch;
            }

            _isStuck = isStuck;
            _wary = isStuck ? WaryLooks : Math.Max(0, _wary - 1);
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

        // A delivery that still saw the watch on is visible after this barrier; one that begins later sees it off.
        Fence.ProcessWide();
        if (_all.Exists(static delivery => delivery.IsUnderWay) && _watching.Exchange(1) == 0)
        {
            SetWatch(RescueMilliseconds);
        }
    }
}
