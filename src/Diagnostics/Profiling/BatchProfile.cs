namespace FastBatch.Diagnostics;

/// <summary>
/// Where the time of a batcher's requests goes, from when it is made until it is disposed. Keeps sums over all batches and the last of them
/// one by one; allocates nothing while it measures. Costs a timestamp per request.
/// </summary>
/// <example><code>
/// using (BatchProfile profile = batcher.Profile())
/// {
///     await RunWorkloadAsync(batcher);
///     profile.WriteHtml("profile.html");
/// }
/// </code></example>
public sealed class BatchProfile : IDisposable
{
    private const int KeptBatches = 1 << 12;

    private readonly Lock _gate = new();
    private readonly Batcher _batcher;
    private readonly IDisposable _observation;
    private readonly ProfiledBatch[] _batches = new ProfiledBatch[KeptBatches];
    private readonly long[] _batchesBySize;
    private readonly long[] _batchesByReason = new long[Enum.GetValues<BatchCloseReason>().Length];
    private readonly long[] _endedOtherwise = new long[Enum.GetValues<RequestOutcome>().Length];
    private readonly DurationCounts _latencies = new();
    private readonly long _began;
    private Sums _sums;
    private long _count;
    private long _ended;

    internal BatchProfile(Batcher batcher)
    {
        _batcher = batcher;
        _batchesBySize = new long[batcher.MaxBatchSize + 1];
        _began = batcher.Options.TimeProvider.GetTimestamp();
        _observation = batcher.Observe(new Observer(this));
    }

    /// <summary>What it has measured so far.</summary>
    public ProfileResult Result
    {
        get
        {
            lock (_gate)
            {
                TimeProvider time = _batcher.Options.TimeProvider;
                TimeSpan Of(double timestamps) => TimeSpan.FromSeconds(timestamps / time.TimestampFrequency);
                int kept = (int)Math.Min(_count, KeptBatches);
                return new ProfileResult
                {
                    Batcher = _batcher.Name,
                    MaxBatchSize = _batchesBySize.Length - 1,
                    Elapsed = time.GetElapsedTime(_began, _ended == 0 ? time.GetTimestamp() : _ended),
                    Requests = _sums.Requests,
                    Failed = _sums.Failed + _endedOtherwise.Sum(),
                    Batches = _count,
                    DeviceTime = Of(_sums.DeviceTime),
                    Latency = Of(_sums.Latency),
                    Phases = new ProfilePhases(
                        Of(_sums.Wait), Of(_sums.Form), Of(_sums.HostToDevice), Of(_sums.Compute), Of(_sums.DeviceToHost), Of(_sums.Distribution)),
                    BatchesBySize = [.. _batchesBySize],
                    BatchesByReason = Enum.GetValues<BatchCloseReason>().ToDictionary(reason => reason, reason => _batchesByReason[(int)reason]),
                    Latencies = new DurationHistogram(_latencies, time.TimestampFrequency),
                    Timeline = [.. Enumerable.Range(0, kept).Select(i => _batches[(_count - kept + i) % KeptBatches])],
                };
            }
        }
    }

    /// <summary>Writes a page that shows it: one file, no scripts, nothing loaded from elsewhere.</summary>
    /// <param name="writer">Where to.</param>
    public void WriteHtml(TextWriter writer) => ProfileReport.Write(Result, writer);

    /// <summary>As <see cref="WriteHtml(TextWriter)"/>, to a file.</summary>
    /// <param name="path">The file; replaced if it exists.</param>
    public void WriteHtml(string path)
    {
        using var writer = new StreamWriter(path);
        WriteHtml(writer);
    }

    /// <summary>Measures no longer. What was measured stays.</summary>
    public void Dispose()
    {
        _observation.Dispose();
        lock (_gate)
        {
            _ended = _ended == 0 ? _batcher.Options.TimeProvider.GetTimestamp() : _ended;
        }
    }

    private void Add(in BatchReport batch)
    {
        ReadOnlySpan<long> enqueued = batch.Enqueued;
        lock (_gate)
        {
            if (_ended != 0)
            {
                return;
            }

            long compute = batch.Ended - batch.Started - batch.HostToDevice - batch.DeviceToHost;
            _sums.DeviceTime += batch.Ended - batch.Started;
            _sums.Failed += batch.Rows - batch.Succeeded;
            for (int i = 0; i < enqueued.Length; i++)
            {
                // Those submitted before the profile began have no time.
                if (enqueued[i] != 0)
                {
                    long latency = batch.Resumed(i) - enqueued[i];
                    _sums.Requests++;
                    _sums.Wait += batch.Closed - enqueued[i];
                    _sums.Form += batch.Started - batch.Closed;
                    _sums.HostToDevice += batch.HostToDevice;
                    _sums.Compute += compute;
                    _sums.DeviceToHost += batch.DeviceToHost;
                    _sums.Distribution += batch.Resumed(i) - batch.Ended;
                    _sums.Latency += latency;
                    _latencies.Record(latency);
                }
            }

            _batchesBySize[Math.Min(batch.Rows, _batchesBySize.Length - 1)]++;
            _batchesByReason[(int)batch.CloseReason]++;
            _batches[_count++ % KeptBatches] = new ProfiledBatch(
                batch.Rows, batch.CloseReason, Since(batch.OldestEnqueued == 0 ? batch.Closed : batch.OldestEnqueued), Since(batch.Closed),
                Since(batch.Started), Since(batch.Started + batch.HostToDevice), Since(batch.Ended - batch.DeviceToHost), Since(batch.Ended),
                Since(batch.Delivered), batch.Backlog, batch.Failed > 0);
        }
    }

    private TimeSpan Since(long timestamp) => timestamp <= _began ? TimeSpan.Zero : _batcher.Options.TimeProvider.GetElapsedTime(_began, timestamp);

    private void AddEnded(RequestOutcome outcome, int count)
    {
        lock (_gate)
        {
            _endedOtherwise[(int)outcome] += count;
        }
    }

    // In timestamp units, summed over requests but for the device's time, which is summed over batches.
    private struct Sums
    {
        public long Requests;
        public long Failed;
        public double DeviceTime;
        public double Wait;
        public double Form;
        public double HostToDevice;
        public double Compute;
        public double DeviceToHost;
        public double Distribution;
        public double Latency;
    }

    private sealed class Observer(BatchProfile profile) : BatchObserver
    {
        public override RequestDetails Details => RequestDetails.Times;

        public override void OnBatch(Batcher batcher, in BatchReport batch) => profile.Add(batch);

        public override void OnEnded(Batcher batcher, RequestOutcome outcome, int count) => profile.AddEnded(outcome, count);
    }
}
