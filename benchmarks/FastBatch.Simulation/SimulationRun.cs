using FastBatch.Scheduling;
using FastBatch.Simulation.Arrivals;

namespace FastBatch.Simulation;

internal enum EventKind
{
    Arrived,

    /// <summary>There was no room, or no time: never queued.</summary>
    Refused,
    Started,

    /// <summary>A request is part of the batch that has just started.</summary>
    Joined,
    Ended,

    /// <summary>By the policy.</summary>
    Dropped,

    /// <summary>Not in time any more: ended instead of run.</summary>
    Expired,
}

/// <summary>One line of a run's log.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Time">When.</param>
/// <param name="Rows">To how many.</param>
/// <param name="Request">The number of the request, or of the first.</param>
internal readonly record struct SimulationEvent(EventKind Kind, long Time, int Rows, int Request);

/// <summary>For rivals that keep state of their own: what the runtime's policies neither need nor get.</summary>
internal interface IObserver
{
    void Arrived(long now);
}

/// <summary>
/// A discrete-event simulation over virtual time. The decisions are those of the shipping <see cref="Scheduler"/>: admission, what runs and
/// when, who is given up. This supplies what the executor and the lanes supply: queues, devices and the moments to ask at. The same scenario
/// and policy give the same events.
/// </summary>
internal sealed class SimulationRun
{
    private readonly Scenario _scenario;
    private readonly SimulatedDevice[] _devices;
    private readonly SimulatedQueue _queue;
    private readonly IObserver? _observer;
    private readonly ArrivalSource _arrivals;
    private readonly RandomSource _requestNoise;
    private readonly List<SimulationEvent>? _log;
    private readonly Measurement _measurement;
    private int _arrived;
    private int _accepted;

    private SimulationRun(Scenario scenario, IBatchPolicy policy, List<SimulationEvent>? log)
    {
        _scenario = scenario;
        _observer = policy as IObserver;

        // Of their own streams: policies that run different batches meet the same arrivals.
        _arrivals = scenario.Arrivals(new RandomSource(scenario.Seed, stream: 1));
        _requestNoise = new RandomSource(scenario.Seed, stream: 3);
        _devices = [.. Enumerable.Range(0, scenario.Devices).Select(number => new SimulatedDevice(scenario, policy, number))];
        _queue = new SimulatedQueue(scenario);
        _log = log;
        _measurement = new Measurement(scenario);
    }

    private bool IsFull
    {
        get
        {
            int rows = _queue.Count;
            foreach (SimulatedDevice device in _devices)
            {
                rows += device.RowsInFlight;
            }

            return rows >= _scenario.Capacity;
        }
    }

    private bool IsClosed => _arrived == _scenario.Requests;

    /// <summary>Runs the scenario to the end of its last request.</summary>
    public static Measurement Run(Scenario scenario, IBatchPolicy policy, List<SimulationEvent>? log = null)
    {
        var run = new SimulationRun(scenario, policy, log);
        run.RunToEnd();
        return run._measurement;
    }

    private void RunToEnd()
    {
        while (true)
        {
            long arrival = IsClosed ? long.MaxValue : _arrivals.Next;
            long now = arrival;
            foreach (SimulatedDevice device in _devices)
            {
                now = Math.Min(now, Math.Min(device.Ends, device.WakeAt));
            }

            if (now == long.MaxValue)
            {
                break;
            }

            if (Array.Find(_devices, device => device.Ends == now) is { } ended)
            {
                EndBatch(ended, now);
            }
            else if (now == arrival)
            {
                Arrive(now);
            }
            else
            {
                Array.Find(_devices, device => device.WakeAt == now)!.WakeUp();
            }

            // As the executor asks: when a device can take a batch and as many rows wait, or as much time has passed, as the policy named.
            foreach (SimulatedDevice device in _devices)
            {
                if (device.IsToDecide(_queue.Count, IsClosed, now))
                {
                    Decide(device, now);
                }
            }
        }
    }

    private void Arrive(long now)
    {
        _arrivals.Advance();
        (double deadline, int level) = _scenario.Draw?.Invoke(_requestNoise) ?? (_scenario.Deadline, SimulatedQueue.Normal);
        int request = _arrived++;
        long due = double.IsFinite(deadline) ? now + VirtualTime.FromMilliseconds(deadline) : long.MaxValue;
        if (IsFull || (due != long.MaxValue && IsTooLate(level, due, now)))
        {
            Log(EventKind.Refused, now, 1, request);
            _measurement.Lost(request);
            _arrivals.RequestEnded(now);
            return;
        }

        Log(EventKind.Arrived, now, 1, request);
        _accepted++;
        if (_queue.Count == 0)
        {
            Array.ForEach(_devices, device => device.Notice(now));
        }

        _queue.Add(request, level, now, due);
        _observer?.Arrived(now);
    }

    // As at submission: an idle device is always worth a try.
    private bool IsTooLate(int level, long due, long now)
    {
        int ahead = _queue.CountFrom(level);
        if (ahead == 0 && Array.Exists(_devices, device => device.InFlight == 0))
        {
            return false;
        }

        long end = long.MaxValue;
        foreach (SimulatedDevice device in _devices)
        {
            end = Math.Min(end, device.Scheduler.Estimates.PredictEnd(ahead / _devices.Length, now));
        }

        return end > due;
    }

    private void Decide(SimulatedDevice device, long now)
    {
        while (_queue.Count > 0)
        {
            int waiting = Math.Min(_queue.Count, device.Scheduler.Cap);
            (long oldest, long newest, long earliest) = _queue.Look(waiting);
            BatchDecision decision = device.Scheduler.Decide(
                new QueueState(waiting, _queue.Count, _accepted, oldest, newest, Resuming: 0, IsClosed, earliest), now);
            device.WakeUp();
            if (decision.Kind == BatchDecision.DecisionKind.WaitUntil)
            {
                (device.WakeAt, device.WakeRows) = (decision.Timestamp, decision.Rows);
                return;
            }

            Span<int> rows = _queue.Choose(decision.Rows, now);
            if (decision.Kind == BatchDecision.DecisionKind.Drop)
            {
                End(EventKind.Dropped, rows, now);
                continue;
            }

            if (earliest != long.MaxValue)
            {
                GuardVerdict verdict = device.Scheduler.Guard(_queue.Deadlines(rows), _queue.Count, now);
                if (verdict.Hopeless > 0)
                {
                    End(EventKind.Expired, rows[..verdict.Hopeless], now);
                    continue;
                }

                rows = EndBefore(verdict.Cutoff, rows[..verdict.Rows], now);
            }

            Log(EventKind.Started, now, rows.Length, rows[0]);
            foreach (int row in rows)
            {
                Log(EventKind.Joined, now, 1, row);
            }

            _queue.Remove(rows);
            device.Start(rows, now);
            return;
        }
    }

    // Those left, in order.
    private Span<int> EndBefore(long cutoff, Span<int> rows, long now)
    {
        int[] late = [.. rows.ToArray().Where(row => _queue.Deadline(row) < cutoff)];
        if (late.Length == 0)
        {
            return rows;
        }

        int[] kept = [.. rows.ToArray().Except(late)];
        End(EventKind.Expired, late, now);
        return kept;
    }

    private void End(EventKind kind, ReadOnlySpan<int> rows, long now)
    {
        _queue.Remove(rows);
        foreach (int row in rows)
        {
            Log(kind, now, 1, row);
            _measurement.Lost(row);
            _arrivals.RequestEnded(now);
        }
    }

    private void EndBatch(SimulatedDevice device, long now)
    {
        SimulatedBatch batch = device.End(now);
        Log(EventKind.Ended, now, batch.Rows.Length, batch.Rows[0]);
        _measurement.BatchEnded(batch, _queue, now);
        for (int i = 0; i < batch.Rows.Length; i++)
        {
            _arrivals.RequestEnded(now);
        }
    }

    private void Log(EventKind kind, long time, int rows, int request) => _log?.Add(new SimulationEvent(kind, time, rows, request));
}
