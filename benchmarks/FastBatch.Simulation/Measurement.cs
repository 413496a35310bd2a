namespace FastBatch.Simulation;

/// <summary>What a run is judged by, over the requests after its burn-in. Times in ms.</summary>
internal sealed class Measurement(Scenario scenario)
{
    private readonly List<long> _latencies = new(scenario.Requests);
    private long _startTime = -1;
    private long _endTime;
    private long _busy;
    private double _latencySum;
    private double _deviceTimeSum;
    private int _rows;
    private bool _sorted;

    public int Completed => _latencies.Count;

    /// <summary>Refused at submission, dropped by the policy, or ended because they would have been late.</summary>
    public int LostRequests { get; private set; }

    /// <summary>Completed before their own deadlines.</summary>
    public int OwnDeadlinesMet { get; private set; }

    /// <summary>The longest that a request waited before it ran, by level.</summary>
    public double[] LongestWait { get; } = new double[Scheduling.PriorityShares.Levels];

    /// <summary>Batches that closed after the burn-in.</summary>
    public int Batches { get; private set; }

    public double MeanBatch => (double)_rows / Batches;

    public double MeanLatency => _latencySum / Completed;

    /// <summary>Device time per completed request: its share of its batch.</summary>
    public double DeviceTime => _deviceTimeSum / Completed;

    public double BusyShare => (double)_busy / (_endTime - _startTime) / scenario.Devices;

    /// <summary>What the price makes of a run: the mean latency, and the device time at <paramref name="deviceCost"/>.</summary>
    public double MeanCost(double deviceCost) => MeanLatency + deviceCost * DeviceTime;

    public double Percentile(double share)
    {
        Sort();
        return VirtualTime.ToMilliseconds(_latencies[(int)Math.Min(share * Completed, Completed - 1)]);
    }

    /// <summary>The share of all requests, lost ones included, that were answered within <paramref name="deadline"/> ms.</summary>
    public double InDeadline(double deadline)
    {
        Sort();
        long limit = VirtualTime.FromMilliseconds(deadline);
        int within = _latencies.BinarySearch(limit + 1);
        within = within >= 0 ? within : ~within;

        // The search may hit any of several equal ones.
        while (within > 0 && _latencies[within - 1] > limit)
        {
            within--;
        }

        return (double)within / (Completed + LostRequests);
    }

    public void Lost(int request) => LostRequests += IsMeasured(request) ? 1 : 0;

    public void BatchEnded(in SimulatedBatch batch, SimulatedQueue queue, long ended)
    {
        double deviceTime = VirtualTime.ToMilliseconds(ended - batch.Started) / batch.Rows.Length;
        long resumed = ended;
        foreach (int request in batch.Rows)
        {
            resumed += batch.Resume;
            if (IsMeasured(request))
            {
                long submitted = queue.Submitted(request);
                _latencies.Add(resumed - submitted);
                _latencySum += VirtualTime.ToMilliseconds(resumed - submitted);
                _deviceTimeSum += deviceTime;
                OwnDeadlinesMet += resumed <= queue.Deadline(request) ? 1 : 0;
                ref double longest = ref LongestWait[queue.Level(request)];
                longest = Math.Max(longest, VirtualTime.ToMilliseconds(batch.Started - submitted));
            }
        }

        if (IsMeasured(batch.Rows[0]))
        {
            _startTime = _startTime < 0 ? batch.Started : _startTime;
            Batches++;
            _rows += batch.Rows.Length;
            _busy += ended - batch.Started;
            _endTime = ended;
        }
    }

    private bool IsMeasured(int request) => request >= scenario.BurnIn;

    private void Sort()
    {
        if (!_sorted)
        {
            _latencies.Sort();
            _sorted = true;
        }
    }
}
