using FastBatch.Scheduling;
using FastBatch.Simulation.Arrivals;

namespace FastBatch.Simulation;

/// <summary>What is simulated: requests, a bounded queue, one device.</summary>
internal sealed record Scenario(DeviceModel Device, int MaxBatchSize, Func<RandomSource, ArrivalSource> Arrivals)
{
    /// <summary>Requests in all.</summary>
    public int Requests { get; init; } = 100_000;

    /// <summary>Requests at the start that are not measured.</summary>
    public int BurnIn { get; init; } = 2000;

    /// <summary>The most rows that wait or run; more are refused, as a batcher does that rejects.</summary>
    public int Capacity { get; init; } = int.MaxValue;

    public ulong Seed { get; init; } = 1;

    /// <summary>Independent requests at a share of what the device can do with full batches.</summary>
    public static Scenario Poisson(DeviceModel device, int maxBatchSize, double load)
    {
        double rate = load * device.Throughput(maxBatchSize);
        return new(device, maxBatchSize, random => RandomArrivals.Poisson(rate, random));
    }
}

internal enum EventKind
{
    Arrived,
    Refused,
    Started,
    Ended,
    Dropped,
}

/// <summary>One line of a run's log.</summary>
internal readonly record struct SimulationEvent(EventKind Kind, long Time, int Rows);

/// <summary>For rivals that keep state of their own: what the runtime's policies neither need nor get.</summary>
internal interface IObserver
{
    void Arrived(long now);
}

/// <summary>
/// A discrete-event simulation over virtual time. The decisions are those of the shipping <see cref="Scheduler"/>; this supplies what the
/// executor and the lane supply: a queue, a device and the moments to ask at. The same scenario and policy give the same events.
/// </summary>
internal sealed class SimulationRun
{
    private readonly Scenario _scenario;
    private readonly Scheduler _scheduler;
    private readonly IObserver? _observer;
    private readonly ArrivalSource _arrivals;
    private readonly RandomSource _deviceNoise;
    private readonly List<SimulationEvent>? _log;
    private readonly Measurement _measurement;

    // When each accepted request was submitted; those from head to tail have not run to their end.
    private readonly long[] _submitted;
    private int _head;
    private int _tail;

    // Requests submitted, those refused included.
    private int _arrived;
    private int _running;
    private long _started;
    private long _ends = long.MaxValue;
    private long _wakeAt = long.MaxValue;
    private int _wakeRows = 1;

    private SimulationRun(Scenario scenario, IBatchPolicy policy, List<SimulationEvent>? log)
    {
        _scenario = scenario;
        _scheduler = new Scheduler(policy, scenario.MaxBatchSize, VirtualTime.Frequency);
        _observer = policy as IObserver;

        // Of their own streams: policies that run different batches meet the same arrivals.
        _arrivals = scenario.Arrivals(new RandomSource(scenario.Seed, stream: 1));
        _deviceNoise = new RandomSource(scenario.Seed, stream: 2);
        _log = log;
        _submitted = new long[scenario.Requests];
        _measurement = new Measurement(scenario);
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
            long now = Math.Min(Math.Min(arrival, _ends), _wakeAt);
            if (now == long.MaxValue)
            {
                break;
            }

            if (now == _ends)
            {
                EndBatch(now);
            }
            else if (now == arrival)
            {
                Arrive(now);
            }
            else
            {
                _wakeRows = 1;
            }

            // As the executor asks: when the device is free and as many rows wait, or as much time has passed, as the policy named.
            if (_running == 0 && _tail - _head >= (IsClosed ? 1 : _wakeRows))
            {
                Decide(now);
            }
        }
    }

    private void Arrive(long now)
    {
        _arrivals.Advance();
        bool isMeasured = _arrived++ >= _scenario.BurnIn;
        if (_tail - _head >= _scenario.Capacity)
        {
            Log(EventKind.Refused, now, 1);
            _measurement.Refused(isMeasured);
            _arrivals.RequestEnded(now);
            return;
        }

        Log(EventKind.Arrived, now, 1);
        if (!isMeasured)
        {
            _measurement.Start(_tail + 1);
        }

        _submitted[_tail++] = now;
        _observer?.Arrived(now);
    }

    private void Decide(long now)
    {
        while (_head < _tail)
        {
            int waiting = Math.Min(_tail - _head, _scenario.MaxBatchSize);
            BatchDecision decision = _scheduler.Decide(
                new QueueState(waiting, _tail - _head, _tail, _submitted[_head], _submitted[_head + waiting - 1], Resuming: 0, IsClosed), now);
            (_wakeAt, _wakeRows) = (long.MaxValue, 1);
            switch (decision.Kind)
            {
                case BatchDecision.DecisionKind.WaitUntil:
                    (_wakeAt, _wakeRows) = (decision.Timestamp, decision.Rows);
                    return;

                case BatchDecision.DecisionKind.Dispatch:
                    Log(EventKind.Started, now, decision.Rows);
                    _running = decision.Rows;
                    _started = now;
                    double duration = _scenario.Device.Sample(decision.Rows, VirtualTime.ToMilliseconds(now), _deviceNoise);
                    _ends = now + Math.Max(1, VirtualTime.FromMilliseconds(duration));
                    return;

                default:
                    Log(EventKind.Dropped, now, decision.Rows);
                    for (int i = 0; i < decision.Rows; i++)
                    {
                        _measurement.Dropped(_head++);
                        _arrivals.RequestEnded(now);
                    }

                    break;
            }
        }
    }

    private void EndBatch(long now)
    {
        Log(EventKind.Ended, now, _running);
        _scheduler.Record(_running, _started, now);
        _measurement.BatchEnded(_head, _running, _submitted, _started, now);
        for (int i = 0; i < _running; i++)
        {
            _arrivals.RequestEnded(now);
        }

        _head += _running;
        _running = 0;
        _ends = long.MaxValue;
    }

    private void Log(EventKind kind, long time, int rows) => _log?.Add(new SimulationEvent(kind, time, rows));
}
