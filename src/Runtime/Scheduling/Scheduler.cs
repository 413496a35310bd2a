using System.Runtime.CompilerServices;

namespace FastBatch.Scheduling;

/// <summary>The queue's part of what a decision rests on; see <see cref="QueueSnapshot"/>.</summary>
/// <param name="Waiting">Rows that could run now, at most one batch; at least 1.</param>
/// <param name="Backlog">All rows submitted and not yet run.</param>
/// <param name="Submitted">All rows ever submitted.</param>
/// <param name="OldestEnqueued">When the first of the waiting rows was submitted.</param>
/// <param name="NewestEnqueued">When the last of the waiting rows was submitted.</param>
/// <param name="Resuming">Callers being resumed.</param>
/// <param name="IsClosed">Whether no more rows will come.</param>
/// <param name="EarliestDeadline">The earliest deadline of the waiting rows.</param>
/// <param name="ResumingSince">When the thread pool last began to resume callers.</param>
internal readonly record struct QueueState(
    int Waiting, int Backlog, long Submitted, long OldestEnqueued, long NewestEnqueued, int Resuming, bool IsClosed,
    long EarliestDeadline = long.MaxValue, long ResumingSince = 0);

/// <summary>
/// Puts the question to the policy, and keeps what is learned from batches to put it well. It has no thread, clock or lock, so the executor
/// and the simulator drive this same code. Device side, except where it says any thread.
/// </summary>
internal sealed class Scheduler(IBatchPolicy policy, int maxBatchSize, long timestampFrequency)
{
    // Where nothing rests on the estimates they are for people to read, and one batch in so many keeps them up to date; a power of two.
    private const int Sample = 16;

    // Of a second: what was learned so long ago is not relied on to give up all that waits.
    private const int StaleFraction = 10;

    // Of a second: a thread that waits for a time may wake up so much later.
    private const int WakeFraction = 5000;

    private IBatchPolicy _policy = policy;
    private bool _usesEstimates = policy.UsesEstimates;
    private readonly CostModel _cost = new();
    private readonly ArrivalRate _arrivals = new();
    private readonly BatchCap _cap = new(maxBatchSize);
    private readonly Estimates _estimates = new(maxBatchSize);
    private volatile bool _relied;
    private uint _batches;
    private long _lastDuration;
    private Action<int>? _outOfMemory;

    // What each batch that has started and not ended should take, the first of them first, and since when that one has had the device.
    private readonly Queue<long> _underWay = new();
    private long _runningSince;

    /// <summary>When the last batch ended; 0 before the first.</summary>
    public long LastEnded { get; private set; }

    /// <summary>How long the last batch ran; 0 before the first. Any thread.</summary>
    public long LastDuration => Volatile.Read(ref _lastDuration);

    /// <summary>The most rows a batch may have at the moment: the user's limit, or what fits into the device's memory.</summary>
    public int Cap => _cap.Value;

    /// <summary>What batches take, as far as is known.</summary>
    public CostEstimate Cost => _cost.Estimate;

    /// <summary>The batches that rests on.</summary>
    public long CostSamples => _cost.Samples;

    /// <summary>Rows submitted per timestamp unit; 0 while nothing is known.</summary>
    public double ArrivalRate => _arrivals.Value;

    /// <summary>The same for other threads, as of the last batch. Any thread.</summary>
    public Estimates Estimates => _estimates;

    /// <summary>
    /// From now on something rests on the estimates (deadlines, a late close), so every batch is learned from, and <see cref="Estimates"/> say
    /// until when the device is busy. Any thread, any number of times.
    /// </summary>
    public void Learn() => _relied = true;

    /// <summary>What the settings come from that it goes by; of its owner's, to know them by.</summary>
    public object? Settings { get; private set; }

    /// <summary>Goes by another policy and another largest batch from now on. What was learned stays.</summary>
    public void Adopt(object settings, IBatchPolicy policy, bool usesEstimates, int maxBatchSize)
    {
        Settings = settings;
        (_policy, _usesEstimates, _cap.Limit) = (policy, usesEstimates, maxBatchSize);
    }

    /// <summary>
    /// What to do now: run or drop some of the rows that wait, or wait for a time that is to come and more rows than wait now. A policy's
    /// wait that is over already is a decision to run, and so is one for rows that will not come any more, or by a clock that was set back. No wait
    /// goes on when the most urgent row has to run.
    /// </summary>
    // Inlined: with batches of a row or two this is a good part of what a request costs.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public BatchDecision Decide(in QueueState queue, long now)
    {
        if (Learns)
        {
            _arrivals.Record(queue.Submitted, now);
        }

        BatchDecision decision = _policy.Decide(
            new QueueSnapshot
            {
                Waiting = queue.Waiting,
                MaxBatchSize = _cap.Value,
                Backlog = queue.Backlog,
                OldestEnqueued = queue.OldestEnqueued,
                NewestEnqueued = queue.NewestEnqueued,
                EarliestDeadline = queue.EarliestDeadline,
                Resuming = queue.Resuming,
                ResumingSince = queue.ResumingSince,
                LastBatchEnded = LastEnded,
                LastBatchDuration = _lastDuration,
                FixedCost = _cost.Fixed,
                CostPerRow = _cost.PerRow,
                ArrivalRate = _arrivals.Value,
                TimestampFrequency = timestampFrequency,
            },
            now);
        bool wasSetBack = now < queue.OldestEnqueued;
        long latest = queue.IsClosed || wasSetBack ? long.MinValue : queue.EarliestDeadline == long.MaxValue ? long.MaxValue : LatestStart(queue);
        return decision.Settle(queue.Waiting, _cap.Value, latest, now);
    }

    /// <summary>
    /// Which of the oldest rows are worth running in a batch that starts now; asked after <see cref="Decide"/> said to run so many of them,
    /// where some have deadlines. If nothing has run for 100 ms what was learned may be out of date: then a batch runs whatever it says, lest one
    /// slow spell refuse everybody for good.
    /// </summary>
    /// <param name="deadlines">Those rows' deadlines, oldest row first; <see cref="long.MaxValue"/> for none. Not empty.</param>
    /// <param name="backlog">All rows that wait, these included.</param>
    /// <param name="now">The current timestamp.</param>
    public GuardVerdict Guard(ReadOnlySpan<long> deadlines, int backlog, long now)
    {
        GuardVerdict verdict = DeadlineGuard.Judge(deadlines, backlog, _cost.Estimate, now);
        bool isStale = now - LastEnded > timestampFrequency / StaleFraction;
        return verdict.Hopeless > 0 && isStale && deadlines.ContainsAnyInRange(now, long.MaxValue)
            ? new GuardVerdict(0, deadlines.Length, now)
            : verdict;
    }

    // In time for the most urgent row, in a batch with one row more. At once while nothing is known of the device.
    private long LatestStart(in QueueState queue) => _cost.Samples == 0
        ? long.MinValue
        : queue.EarliestDeadline - (long)_cost.Estimate.Plan(queue.Waiting + 1) - timestampFrequency / WakeFraction;

    private bool Learns => _usesEstimates || _relied || (_batches & (Sample - 1)) == 0;

    /// <summary>When to close the next batch while another runs, for a device that copies rows while it computes; see <see cref="LateClose"/>.</summary>
    /// <param name="copy">What copying rows to the device takes.</param>
    /// <param name="waiting">Rows that could run.</param>
    /// <param name="now">The current timestamp.</param>
    public long CloseAt(in CostEstimate copy, int waiting, long now) => _underWay.Count == 0 || waiting >= _cap.Value
        ? now
        : LateClose.At(_runningSince, _estimates.BusyUntil, _cost.Estimate, copy, waiting);

    /// <summary>A batch starts, or is put behind those under way; its <see cref="Record"/> follows.</summary>
    public void Start(int rows, long now)
    {
        if (_relied)
        {
            long cost = (long)_cost.Predict(rows);
            bool isFirst = _underWay.Count == 0;
            _runningSince = isFirst ? now : _runningSince;
            _estimates.BusyUntil = (isFirst ? now : Math.Max(now, _estimates.BusyUntil)) + cost;
            _underWay.Enqueue(cost);
        }
    }

    /// <summary>A batch has run, for a warm-up perhaps. Its <paramref name="rows"/> are 0 if its duration says nothing about its cost.</summary>
    public void Record(int rows, long started, long ended)
    {
        bool learns = Learns;

        // One that was put behind another had the device from the other's end on.
        long duration = ended - (_batches == 0 ? started : Math.Max(started, LastEnded));
        Volatile.Write(ref _lastDuration, duration);
        LastEnded = ended;
        _batches++;
        if (_relied)
        {
            _runningSince = ended;
            _underWay.TryDequeue(out _);
            long rest = 0;
            foreach (long cost in _underWay)
            {
                rest += cost;
            }

            // With nothing under way it is free, whatever becomes of the clock.
            _estimates.BusyUntil = _underWay.Count == 0 ? 0 : ended + rest;
        }

        if (rows > 0)
        {
            _cap.Succeeded(rows);
            if (learns)
            {
                _cost.Record(rows, duration);
                _estimates.Publish(_cost.Estimate, _arrivals.Value, _cap.Value);
            }
        }
    }

    /// <summary>A batch of so many rows did not fit into memory: batches are smaller from now on. Always one object: it is handed on with every batch.</summary>
    public Action<int> OutOfMemory => _outOfMemory ??= Shrink;

    private void Shrink(int rows)
    {
        _cap.OutOfMemory(rows);
        _estimates.Publish(_cost.Estimate, _arrivals.Value, _cap.Value);
    }
}
