using System.Diagnostics.Metrics;
using System.Globalization;

namespace FastBatch.Diagnostics.Tests;

/// <summary>Names, units and tags are what dashboards are made of: they are pinned here, and in docs/operations.md.</summary>
public class MetricsTests
{
    // instrument, kind, unit, tags as they are recorded.
    private static readonly (string Name, string Kind, string Unit, string[] Tags)[] Pinned =
    [
        ("fastbatch.batch.duration", "Histogram<Double>", "s", ["fastbatch.endpoint, fastbatch.phase"]),
        ("fastbatch.batch.fill", "Histogram<Double>", "1", ["fastbatch.endpoint, fastbatch.close.reason"]),
        ("fastbatch.batch.limit", "ObservableGauge<Int64>", "{item}", ["fastbatch.endpoint"]),
        ("fastbatch.batch.size", "Histogram<Int32>", "{item}", ["fastbatch.endpoint, fastbatch.close.reason"]),
        ("fastbatch.batches", "Counter<Int64>", "{batch}", ["fastbatch.endpoint, fastbatch.outcome"]),
        ("fastbatch.buffer.limit", "ObservableUpDownCounter<Int64>", "By", ["fastbatch.endpoint, fastbatch.pool"]),
        ("fastbatch.buffer.usage", "ObservableUpDownCounter<Int64>", "By", ["fastbatch.endpoint, fastbatch.pool"]),
        ("fastbatch.delay.limit", "ObservableGauge<Double>", "s", ["fastbatch.endpoint"]),
        ("fastbatch.inflight", "ObservableUpDownCounter<Int64>", "{batch}", ["fastbatch.endpoint"]),
        ("fastbatch.items", "Counter<Int64>", "{item}", ["fastbatch.endpoint"]),
        ("fastbatch.queue.duration", "Histogram<Double>", "s", ["fastbatch.endpoint", "fastbatch.endpoint, fastbatch.priority"]),
        ("fastbatch.queue.length", "ObservableUpDownCounter<Int64>", "{request}", ["fastbatch.endpoint"]),
        ("fastbatch.rejections", "Counter<Int64>", "{request}", ["fastbatch.endpoint, fastbatch.reason"]),
        ("fastbatch.request.duration", "Histogram<Double>", "s", 
            ["fastbatch.endpoint", "fastbatch.endpoint, error.type", "fastbatch.endpoint, fastbatch.priority", "fastbatch.endpoint, fastbatch.priority, error.type"]),
        ("fastbatch.requests", "Counter<Int64>", "{request}", ["fastbatch.endpoint, fastbatch.outcome"]),
    ];

    [Fact]
    public async Task Every_instrument_has_its_name_unit_and_tags()
    {
        using var seen = new Seen();
        await RunEverythingAsync(seen);
        Assert.Equal(
            Pinned.Select(static one => $"{one.Name} {one.Kind} {one.Unit}: {string.Join("; ", one.Tags)}"),
            seen.Instruments.OrderBy(static one => one.Name, StringComparer.Ordinal).Select(one => $"{one.Name} {Kind(one)} {one.Unit}: {string.Join("; ", seen.TagsOf(one.Name))}"));
        Assert.All(seen.Instruments, static one => Assert.False(string.IsNullOrEmpty(one.Description)));
    }

    [Fact]
    public async Task Values_are_those_of_the_requests()
    {
        using var seen = new Seen();
        await RunEverythingAsync(seen);
        Assert.Equal(11, seen.Sum("fastbatch.requests", "succeeded"));
        Assert.Equal(2, seen.Sum("fastbatch.requests", "failed"));
        Assert.Equal(2, seen.Sum("fastbatch.requests", "cancelled"));
        Assert.Equal(1, seen.Sum("fastbatch.requests", "rejected"));
        Assert.Equal(1, seen.Sum("fastbatch.requests", "closed"));
        Assert.Equal(2, seen.Count("fastbatch.queue.duration", "critical"));
        Assert.Equal(1, seen.Count("fastbatch.queue.duration", "low"));
        Assert.Equal(2, seen.Count("fastbatch.request.duration", "critical"));
        Assert.Equal(0, seen.Count("fastbatch.request.duration", "normal") + seen.Count("fastbatch.request.duration", "high"));
        Assert.Equal(1, seen.Sum("fastbatch.rejections", "queue_full"));
        Assert.Equal(1, seen.Sum("fastbatch.rejections", "shutdown"));
        Assert.Equal(14, seen.Sum("fastbatch.items"));
        Assert.Equal(14, seen.Sum("fastbatch.batch.size"));
        Assert.Equal(2, seen.Count("fastbatch.request.duration", "model_error"));
        Assert.Equal(1, seen.Count("fastbatch.request.duration", "cancelled"));
        Assert.Equal(14, seen.Count("fastbatch.request.duration"));
        Assert.Equal(14, seen.Count("fastbatch.queue.duration"));
        Assert.Equal(seen.Sum("fastbatch.batches"), seen.Count("fastbatch.batch.duration", "compute"));
        Assert.Equal(1, seen.Count("fastbatch.batch.size", "full"));
        Assert.InRange(seen.Sum("fastbatch.batch.duration"), 0, 60);
        Assert.Equal(8, seen.Sum("fastbatch.batch.limit"));
        Assert.Equal(9 * sizeof(int), seen.Sum("fastbatch.buffer.limit"));
        Assert.Equal(8 * sizeof(int), seen.Sum("fastbatch.buffer.usage"));
        Assert.Equal(8, seen.Sum("fastbatch.queue.length"));
        Assert.Equal(1, seen.Sum("fastbatch.inflight"));
    }

    [Fact]
    public async Task A_disposed_observation_is_seen_no_more()
    {
        using var seen = new Seen();
        using var telemetry = new BatchTelemetry();
        await using var batcher = new Squares().CreateSquareBatcher();
        IDisposable observation = telemetry.Observe(batcher, "named");
        await batcher.SubmitAsync(1);
        await Until.TrueAsync(() => seen.Sum("fastbatch.items") == 1);
        observation.Dispose();
        await batcher.SubmitAsync(1);
        seen.Observe();
        Assert.Equal(1, seen.Sum("fastbatch.items"));
        Assert.Equal(0, seen.Count("fastbatch.queue.length"));
        Assert.Contains("named", seen.Values());
    }

    [Fact]
    public void Names_and_units_are_in_the_docs()
    {
        string docs = File.ReadAllText(Path.Combine(Until.Repository(), "docs", "operations.md"));
        Assert.All(Pinned, one => Assert.Contains($"| `{one.Name}` | {KindInDocs(one.Kind)} | `{one.Unit}` |", docs, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_reason_and_outcome_has_a_name_of_its_own()
    {
        string[] outcomes = [.. Enum.GetValues<RequestOutcome>().Select(Tags.Value)];
        string[] errors = [.. Enum.GetValues<RequestOutcome>().Select(Tags.Error)];
        string[] reasons = [.. Enum.GetValues<BatchCloseReason>().Select(Tags.Value)];
        string[] priorities = [.. Enum.GetValues<RequestPriority>().Select(Tags.Value)];
        Assert.All((string[][])[outcomes, errors, reasons, priorities], static names => Assert.Equal(names.Length, names.Distinct().Count()));
        Assert.DoesNotContain("other", (IEnumerable<string>)[.. outcomes, .. errors, .. reasons, .. priorities]);
    }

    [Fact]
    public async Task A_request_that_is_measured_allocates_nothing()
    {
        using var telemetry = new BatchTelemetry();
        await using var batcher = new Squares().CreateSquareBatcher();
        using IDisposable observation = telemetry.Observe(batcher);
        using var writer = new OpenMetricsWriter();
        bool stop = false;
        long requests = 0;
        Task client = Task.Run(async () =>
        {
            while (!Volatile.Read(ref stop))
            {
                await batcher.SubmitAsync(3).ConfigureAwait(false);
                requests++;
            }
        });
        bool clean = false;
        for (int window = 0; window < 40 && !clean; window++)
        {
            long before = Volatile.Read(ref requests);
            long bytes = GC.GetTotalAllocatedBytes(precise: true);
            Thread.Sleep(50);
            clean = GC.GetTotalAllocatedBytes(precise: true) == bytes && Volatile.Read(ref requests) > before + 1000;
        }

        Volatile.Write(ref stop, true);
        await client;
        Assert.True(clean);
        var text = new StringWriter();
        writer.Write(text);
        Assert.Contains("fastbatch_request_duration_seconds_count{fastbatch_endpoint=\"Squares.Square\"}", text.ToString(), StringComparison.Ordinal);
    }

    // 14 rows run: 1 alone, cancelled meanwhile; 8 that were behind it, one of them failing; 4 more, and one that fails. One cancelled in the queue, one refused
    // because the batcher was full, one because it was closed.
    private static async Task RunEverythingAsync(Seen seen)
    {
        var gate = new Gate();
        using var telemetry = new BatchTelemetry();
        var batcher = new Squares(gate.Pass).CreateSquareBatcher(new BatcherOptions { Capacity = 9, Overload = OverloadMode.Reject });
        using IDisposable observation = telemetry.Observe(batcher);
        using var source = new CancellationTokenSource();
        Task<int> first = batcher.SubmitAsync(1, source.Token).AsTask();
        await gate.ArrivedAsync();
        Task<int>[] rest = [.. Enumerable.Range(0, 8).Select(i => batcher.SubmitAsync(i == 3 ? -1 : i).AsTask())];
        await Assert.ThrowsAsync<BatcherOverloadedException>(() => batcher.SubmitAsync(1).AsTask());
        seen.Observe();
        await source.CancelAsync();
        gate.Open();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await Assert.ThrowsAsync<BatchExecutionException>(() => Task.WhenAll(rest));
        foreach (RequestPriority priority in (RequestPriority[])[RequestPriority.Critical, RequestPriority.Low, RequestPriority.Normal, RequestPriority.Normal])
        {
            Assert.Equal(4, await batcher.SubmitAsync(2, new RequestOptions { Priority = priority }));
        }

        await Assert.ThrowsAsync<BatchExecutionException>(
            () => batcher.SubmitAsync(-1, new RequestOptions { Priority = RequestPriority.Critical }).AsTask());

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => batcher.SubmitAsync(1, source.Token).AsTask());
        await batcher.DisposeAsync();
        await Assert.ThrowsAsync<BatcherClosedException>(() => batcher.SubmitAsync(1).AsTask());
        await Until.TrueAsync(() => seen.Sum("fastbatch.items") == 14);
    }

    private static string Kind(Instrument instrument) =>
        $"{instrument.GetType().Name.Split('`')[0]}<{instrument.GetType().GenericTypeArguments[0].Name}>";

    private static string KindInDocs(string kind) => kind.Split('<')[0];

    private sealed class Seen : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly Lock _gate = new();
        private readonly List<(string Name, double Value, KeyValuePair<string, object?>[] Tags)> _measured = [];

        public Seen()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == BatchTelemetry.Name)
                {
                    Instruments.Add(instrument);
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.Start();
        }

        public List<Instrument> Instruments { get; } = [];

        public void Observe() => _listener.RecordObservableInstruments();

        public string[] TagsOf(string name)
        {
            lock (_gate)
            {
                return [.. _measured.Where(one => one.Name == name).Select(static one => string.Join(", ", one.Tags.Select(static tag => tag.Key))).Distinct().OrderBy(static tags => tags.Length)];
            }
        }

        public double Sum(string name, string? value = null) => Matching(name, value).Sum();

        public int Count(string name, string? value = null) => Matching(name, value).Length;

        public string[] Values()
        {
            lock (_gate)
            {
                return [.. _measured.SelectMany(static one => one.Tags).Select(static tag => Convert.ToString(tag.Value, CultureInfo.InvariantCulture)!)];
            }
        }

        public void Dispose() => _listener.Dispose();

        private double[] Matching(string name, string? value)
        {
            lock (_gate)
            {
                return [.. _measured.Where(one => one.Name == name && (value is null || one.Tags.Any(tag => Equals(tag.Value, value)))).Select(static one => one.Value)];
            }
        }

        private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            lock (_gate)
            {
                _measured.Add((instrument.Name, value, tags.ToArray()));
            }
        }
    }
}
