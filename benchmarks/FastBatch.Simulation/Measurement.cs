namespace FastBatch.Simulation;

/// <summary>What a run is judged by, over the requests after its burn-in. Times in ms.</summary>
internal sealed class Measurement(Scenario scenario)
{
    private readonly List<long> _latencies = new(scenario.Requests);
    private int _firstTicket = -1;
    private long _startTime = -1;
    private long _endTime;
    private long _busy;
    private double _latencySum;
    private double _deviceTimeSum;
    private int _rows;
    private int _refused;
    private int _dropped;
    private bool _sorted;

    public int Completed => _latencies.Count;

    /// <summary>Refused at submission, or dropped by the policy.</summary>
    public int Lost => _refused + _dropped;

    /// <summary>Batches that started after the burn-in.</summary>
    public int Batches { get; private set; }

    public double MeanBatch => (double)_rows / Batches;

    public double MeanLatency => _latencySum / Completed;

    /// <summary>Device time per completed request: its share of its batch.</summary>
    public double DeviceTime => _deviceTimeSum / Completed;

    public double BusyShare => (double)_busy / (_endTime - _startTime);

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
        int index = _latencies.BinarySearch(VirtualTime.FromMilliseconds(deadline) + 1);
        int within = index >= 0 ? index : ~index;

        // The search may hit any of several equal ones.
        while (within > 0 && _latencies[within - 1] > VirtualTime.FromMilliseconds(deadline))
        {
            within--;
        }

        return (double)within / (Completed + Lost);
    }

    /// <summary>The burn-in is over: measured are the requests from <paramref name="firstTicket"/> on.</summary>
    public void Start(int firstTicket) => _firstTicket = firstTicket;

    public void Refused(bool isMeasured) => _refused += isMeasured ? 1 : 0;

    public void Dropped(int ticket) => _dropped += IsMeasured(ticket) ? 1 : 0;

    public void BatchEnded(int first, int rows, long[] submitted, long started, long ended)
    {
        for (int ticket = first; ticket < first + rows; ticket++)
        {
            if (IsMeasured(ticket))
            {
                _latencies.Add(ended - submitted[ticket]);
                _latencySum += VirtualTime.ToMilliseconds(ended - submitted[ticket]);
                _deviceTimeSum += VirtualTime.ToMilliseconds(ended - started) / rows;
            }
        }

        if (IsMeasured(first))
        {
            _startTime = _startTime < 0 ? started : _startTime;
            Batches++;
            _rows += rows;
            _busy += ended - started;
            _endTime = ended;
        }
    }

    private bool IsMeasured(int ticket) => _firstTicket >= 0 && ticket >= _firstTicket;

    private void Sort()
    {
        if (!_sorted)
        {
            _latencies.Sort();
            _sorted = true;
        }
    }
}
