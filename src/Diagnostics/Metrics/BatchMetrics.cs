using System.Diagnostics.Metrics;

namespace FastBatch.Diagnostics;

/// <summary>The instruments, one set for all batchers. docs/operations.md lists them, and a test keeps the two equal.</summary>
internal sealed class BatchMetrics
{
    // From 10 us, which a batch on the CPU takes, to 10 s.
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries =
        [
            0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
        ],
    };

    private static readonly InstrumentAdvice<int> Sizes = new()
    {
        HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
    };

    private static readonly InstrumentAdvice<double> Ratios = new()
    {
        HistogramBucketBoundaries = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1],
    };

    private readonly Lock _gate = new();
    private readonly List<MetricsObserver> _observers = [];

    public BatchMetrics(Meter meter)
    {
        RequestDuration = meter.CreateHistogram("fastbatch.request.duration", "s", "From submission until the caller was resumed.", null, Seconds);
        QueueDuration = meter.CreateHistogram("fastbatch.queue.duration", "s", "From submission until a batch was made of the request.", null, Seconds);
        BatchSize = meter.CreateHistogram("fastbatch.batch.size", "{item}", "Rows of a batch.", null, Sizes);
        BatchFill = meter.CreateHistogram("fastbatch.batch.fill", "1", "Rows of a batch as a part of the most it may have.", null, Ratios);
        BatchDuration = meter.CreateHistogram("fastbatch.batch.duration", "s", "How long a phase of a batch took.", null, Seconds);
        Batches = meter.CreateCounter<long>("fastbatch.batches", "{batch}", "Batches delivered.");
        Requests = meter.CreateCounter<long>("fastbatch.requests", "{request}", "Requests ended.");
        Items = meter.CreateCounter<long>("fastbatch.items", "{item}", "Rows that the method was given in batches.");
        Rejections = meter.CreateCounter<long>("fastbatch.rejections", "{request}", "Requests refused, or dropped before they ran.");
        meter.CreateObservableUpDownCounter(
            "fastbatch.queue.length", () => Read(static batcher => (long)batcher.QueueLength), "{request}", "Requests waiting for a batch.");
        meter.CreateObservableUpDownCounter(
            "fastbatch.inflight", () => Read(static batcher => (long)batcher.BatchesRunning), "{batch}", "Batches that the method runs on.");
        meter.CreateObservableUpDownCounter(
            "fastbatch.buffer.usage", () => ReadPool(static batcher => batcher.RowBytes * batcher.QueueLength), "By", "Row memory that requests wait in.");
        meter.CreateObservableUpDownCounter(
            "fastbatch.buffer.limit", () => ReadPool(static batcher => batcher.RowBytes * batcher.Capacity), "By", "Row memory reserved for requests.");
        meter.CreateObservableGauge(
            "fastbatch.batch.limit", () => Read(static batcher => (long)batcher.BatchLimit), "{item}", "The most rows a batch may have at the moment.");
        meter.CreateObservableGauge(
            "fastbatch.delay.limit", () => Read(static batcher => batcher.MaxQueueDelay.TotalSeconds), "s", "How long rows may wait for a fuller batch.");
    }

    public Histogram<double> RequestDuration { get; }

    public Histogram<double> QueueDuration { get; }

    public Histogram<int> BatchSize { get; }

    public Histogram<double> BatchFill { get; }

    public Histogram<double> BatchDuration { get; }

    public Counter<long> Batches { get; }

    public Counter<long> Requests { get; }

    public Counter<long> Items { get; }

    public Counter<long> Rejections { get; }

    public IDisposable Observe(Batcher batcher, string endpoint)
    {
        var observer = new MetricsObserver(this, batcher, endpoint);
        lock (_gate)
        {
            _observers.Add(observer);
        }

        return new Observation(this, observer, batcher.Observe(observer));
    }

    private List<Measurement<T>> Read<T>(Func<Batcher, T> read)
        where T : struct => Read(read, static observer => observer.Endpoint);

    private List<Measurement<long>> ReadPool(Func<Batcher, long> read) => Read(read, static observer => observer.InputPool);

    // Only when somebody reads the instruments.
    private List<Measurement<T>> Read<T>(Func<Batcher, T> read, Func<MetricsObserver, KeyValuePair<string, object?>[]> tags)
        where T : struct
    {
        lock (_gate)
        {
            return _observers.ConvertAll(observer => new Measurement<T>(read(observer.Batcher), tags(observer)));
        }
    }

    private sealed class Observation(BatchMetrics metrics, MetricsObserver observer, IDisposable observation) : IDisposable
    {
        public void Dispose()
        {
            observation.Dispose();
            lock (metrics._gate)
            {
                metrics._observers.Remove(observer);
            }
        }
    }
}
