namespace FastBatch.Simulation.Replays;

/// <summary>
/// What a machine takes for everything around a batch, as long as nothing slows it down: in ms, from the end of one batch to the start of the next
/// where rows wait, from a row's arrival at an idle device to its batch, and for each caller that is resumed. And how it is slowed down.
/// </summary>
/// <param name="HandOver">From batch to batch.</param>
/// <param name="WakeUp">From the first row to its batch.</param>
/// <param name="Resume">Per caller.</param>
/// <param name="Finish">When work (ms) that starts at a time (ms) is done; null if that is the sum.</param>
internal sealed record MachineTimes(double HandOver, double WakeUp, double Resume, Func<double, double, double>? Finish = null)
{
    /// <summary>Nothing takes time but the batches.</summary>
    public static MachineTimes None { get; } = new(0, 0, 0);

    /// <summary>When work that starts at a time is done, in ticks.</summary>
    /// <param name="start">In ticks.</param>
    /// <param name="work">In ms.</param>
    public long End(long start, double work) => Finish is null
        ? start + VirtualTime.FromMilliseconds(work)
        : VirtualTime.FromMilliseconds(Finish(VirtualTime.ToMilliseconds(start), work));
}

/// <summary>
/// A device and a machine as a trace shows them. Whatever is done more than once has a usual duration; where it took longer or less, the
/// machine is taken to have been slow or quick at that time, whatever else it might have done then. So a stall that was recorded (another
/// process, a collection) meets the replay as well, at the same time, even if its batches are others.
/// </summary>
internal sealed class RecordedMachine
{
    // Sizes with as many batches have a usual duration of their own; between them, a line.
    private const int Enough = 20;

    // From each time (ms) on, how many ms of usual work the machine does in one.
    private readonly List<double> _times = [0];
    private readonly List<double> _speeds = [1];

    private RecordedMachine(Trace trace)
    {
        TraceBatch[] batches = trace.Batches;
        (double intercept, double slope) = Line(batches);
        Dictionary<int, double> usual = batches.GroupBy(batch => batch.Rows).Where(group => group.Count() >= Enough)
            .ToDictionary(group => group.Key, group => Median(group.Select(Duration)));
        Device = new DeviceModel(intercept, slope) { Shape = rows => usual.TryGetValue(rows, out double own) ? own : intercept + slope * rows };

        var (handOvers, wakeUps) = (new List<double>(), new List<double>());
        for (int i = 1; i < batches.Length; i++)
        {
            (HasWaited(i) ? handOvers : wakeUps).Add(Milliseconds(batches[i].Closed - Idle(i)));
        }

        double resume = Median(batches.Select(batch => Milliseconds(batch.Delivered - batch.Ended) / batch.Rows));
        Times = new MachineTimes(Median(handOvers), Median(wakeUps), resume, Finish);
        for (int i = 0; i < batches.Length; i++)
        {
            if (i > 0)
            {
                AddSpeed(Idle(i), batches[i].Closed, HasWaited(i) ? Times.HandOver : Times.WakeUp);
            }

            AddSpeed(batches[i].Closed, batches[i].Ended, Device.Mean(batches[i].Rows));
        }

        bool HasWaited(int i) => batches[i].Oldest < batches[i - 1].Ended;

        long Idle(int i) => HasWaited(i) ? batches[i - 1].Ended : batches[i].Oldest;
    }

    public DeviceModel Device { get; }

    public MachineTimes Times { get; }

    public static RecordedMachine From(Trace trace) => new(trace);

    private double Finish(double start, double work)
    {
        int at = _times.BinarySearch(start);
        for (at = at >= 0 ? at : ~at - 1; at + 1 < _times.Count; at++)
        {
            double done = (_times[at + 1] - start) * _speeds[at];
            if (done >= work)
            {
                break;
            }

            work -= done;
            start = _times[at + 1];
        }

        return start + work / _speeds[at];
    }

    private void AddSpeed(long from, long to, double usual)
    {
        if (Milliseconds(from) >= _times[^1] && to > from && usual > 0)
        {
            _speeds.Add(usual / Milliseconds(to - from));
            _times.Add(Milliseconds(from));
            _speeds.Add(1);
            _times.Add(Milliseconds(to));
        }
    }

    private static double Duration(TraceBatch batch) => Milliseconds(batch.Ended - batch.Closed);

    private static double Milliseconds(long nanoseconds) => nanoseconds / 1e6;

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? 0 : Math.Max(0, sorted[sorted.Length / 2]);
    }

    // Through the medians of the smaller and of the larger half: stalls do not bend it.
    private static (double Intercept, double Slope) Line(TraceBatch[] batches)
    {
        TraceBatch[] sorted = [.. batches.OrderBy(batch => batch.Rows)];
        TraceBatch[] small = sorted[..((sorted.Length + 1) / 2)];
        TraceBatch[] large = sorted[(sorted.Length / 2)..];
        double rows = small.Average(batch => (double)batch.Rows);
        double more = large.Average(batch => (double)batch.Rows) - rows;
        double duration = Median(small.Select(Duration));
        double slope = more < 1 ? 0 : Math.Max(0, (Median(large.Select(Duration)) - duration) / more);
        return (Math.Max(duration / 2, duration - slope * rows), slope);
    }
}
