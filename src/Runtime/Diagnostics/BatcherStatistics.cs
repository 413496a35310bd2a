namespace FastBatch.Diagnostics;

/// <summary>
/// What a batcher has done since it was made, and how it stands; see <see cref="Batcher.GetStatistics"/>. Counts are taken one after the
/// other while the batcher runs, so they may differ by the requests of that moment.
/// </summary>
public readonly record struct BatcherStatistics
{
    private readonly BatchSizes _batchSizes;

    /// <summary>The time since the batcher was made.</summary>
    public TimeSpan Uptime { get; init; }

    /// <summary>Requests whose callers have their results.</summary>
    public long Succeeded { get; init; }

    /// <summary>Requests on which the method threw.</summary>
    public long Failed { get; init; }

    /// <summary>Requests that their callers gave up.</summary>
    public long Cancelled { get; init; }

    /// <summary>Requests refused because the batcher was full.</summary>
    public long Rejected { get; init; }

    /// <summary>Requests refused or ended because the batcher was closed.</summary>
    public long Closed { get; init; }

    /// <summary>Requests dropped by the policy.</summary>
    public long Dropped { get; init; }

    /// <summary>Requests that were late, or would have been.</summary>
    public long Expired { get; init; }

    /// <summary>Requests whose row could not be written, because the callback threw.</summary>
    public long Abandoned { get; init; }

    /// <summary>Requests that ended because the method did not return.</summary>
    public long Stalled { get; init; }

    /// <summary>Requests that have ended, in whatever way.</summary>
    public long Ended => Succeeded + Failed + Cancelled + Rejected + Closed + Dropped + Expired + Abandoned + Stalled;

    /// <summary>Rows submitted and not yet taken into a batch.</summary>
    public int QueueLength { get; init; }

    /// <summary>Batches run.</summary>
    public long Batches { get; init; }

    /// <summary>Rows of the batches run.</summary>
    public long Rows { get; init; }

    /// <summary>How long the method ran, all batches together.</summary>
    public TimeSpan DeviceTime { get; init; }

    /// <summary>Rows to a batch, on average; 0 before the first.</summary>
    public double MeanBatchSize => Batches == 0 ? 0 : (double)Rows / Batches;

    /// <summary>How many batches had how many rows.</summary>
    public BatchSizes BatchSizes
    {
        get => _batchSizes;
        init => _batchSizes = value;
    }

    /// <summary>From submission until a batch was made of the request. Measured from the first call of <see cref="Batcher.GetStatistics"/> on.</summary>
    public LatencySummary Wait { get; init; }

    /// <summary>From submission until the caller was resumed (see <see cref="BatchReport.Resumed"/>). Measured as <see cref="Wait"/> is.</summary>
    public LatencySummary Latency { get; init; }

    /// <summary>The most rows a batch may have at the moment; see <see cref="Batcher.BatchLimit"/>.</summary>
    public int BatchLimit { get; init; }

    /// <summary>
    /// The fewest rows for which the policy would run the device at the moment, by what is known of arrivals and costs: 1 unless it is an
    /// <see cref="Scheduling.AdaptivePolicy"/>.
    /// </summary>
    public int ControlLimit { get; init; }

    /// <summary>What any batch costs however few its rows, learned; zero before the first batches, or the 16th where nothing needs to know.</summary>
    public TimeSpan FixedCost { get; init; }

    /// <summary>What each row adds to the cost of a batch, learned; zero before the first batches, or the 16th where nothing needs to know.</summary>
    public TimeSpan CostPerRow { get; init; }

    /// <summary>Requests submitted per second, over the last some hundred; zero before the first batches.</summary>
    public double ArrivalRate { get; init; }

    /// <summary>How the requests of one priority fare.</summary>
    /// <param name="priority">The priority.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is no defined value.</exception>
    public PriorityStatistics Of(RequestPriority priority) => Priorities.Of(priority);

    internal PriorityStatisticsSet Priorities { get; init; }

    /// <summary>What happened since an earlier look, or since the batcher was made: <c>Since(default)</c>.</summary>
    /// <param name="earlier">What <see cref="Batcher.GetStatistics"/> of the same batcher returned before.</param>
    public BatcherRates Since(in BatcherStatistics earlier) => new(earlier, this);
}

/// <summary>What happened between two looks at a batcher. Rates of nothing are zero.</summary>
public readonly record struct BatcherRates
{
    private readonly PriorityStatisticsSet _from;
    private readonly PriorityStatisticsSet _to;

    internal BatcherRates(in BatcherStatistics from, in BatcherStatistics to)
    {
        (_from, _to) = (from.Priorities, to.Priorities);
        Elapsed = to.Uptime - from.Uptime;
        double ended = to.Ended - from.Ended;
        Throughput = PerSecond(to.Succeeded - from.Succeeded);
        ArrivalRate = PerSecond(ended + to.QueueLength - from.QueueLength);
        BatchRate = PerSecond(to.Batches - from.Batches);
        MeanBatchSize = Ratio(to.Rows - from.Rows, to.Batches - from.Batches);
        Utilization = Ratio((to.DeviceTime - from.DeviceTime).TotalSeconds, Elapsed.TotalSeconds);
        FailedShare = Ratio(to.Failed + to.Stalled - from.Failed - from.Stalled, ended);
        CancelledShare = Ratio(to.Cancelled - from.Cancelled, ended);
        ExpiredShare = Ratio(to.Expired - from.Expired, ended);
        RejectedShare = Ratio(to.Rejected + to.Dropped - from.Rejected - from.Dropped, ended);
    }

    /// <summary>The time between the looks.</summary>
    public TimeSpan Elapsed { get; }

    /// <summary>Requests answered per second.</summary>
    public double Throughput { get; }

    /// <summary>Requests submitted per second, those refused included.</summary>
    public double ArrivalRate { get; }

    /// <summary>Batches per second.</summary>
    public double BatchRate { get; }

    /// <summary>Rows to a batch, on average.</summary>
    public double MeanBatchSize { get; }

    /// <summary>The part of the time in which the method ran, 0 to 1; more where batches overlap.</summary>
    public double Utilization { get; }

    /// <summary>Of the requests that ended: the part on which the method threw or did not return, 0 to 1.</summary>
    public double FailedShare { get; }

    /// <summary>Of the requests that ended: the part that their callers gave up, 0 to 1.</summary>
    public double CancelledShare { get; }

    /// <summary>Of the requests that ended: the part that was refused or dropped because there was too much to do, 0 to 1.</summary>
    public double RejectedShare { get; }

    /// <summary>Of the requests that ended: the part that missed its deadline, 0 to 1.</summary>
    public double ExpiredShare { get; }

    /// <summary>Requests of one priority that left the queue per second: for a batch, nearly always.</summary>
    /// <param name="priority">The priority.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is no defined value.</exception>
    public double ThroughputOf(RequestPriority priority) => PerSecond(_to.Of(priority).Taken - _from.Of(priority).Taken);

    private double PerSecond(double count) => Ratio(count, Elapsed.TotalSeconds);

    private static double Ratio(double part, double whole) => whole > 0 ? part / whole : 0;
}
