using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using System.Reflection;
using FastBatch.Tests.Devices.Simulated;
using Microsoft.Extensions.Logging;

namespace FastBatch.Diagnostics.Tests;

/// <summary>Traces, logs and event counters.</summary>
public class ListenerTests
{
    [Fact]
    public async Task A_batch_is_a_span_with_links_to_its_requests()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == BatchTelemetry.Name,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        var gate = new Gate();
        using var telemetry = new BatchTelemetry();
        await using var batcher = new Squares(gate.Pass).CreateSquareBatcher();
        using IDisposable observation = telemetry.Observe(batcher);
        Task<int> first = batcher.SubmitAsync(1).AsTask();
        await gate.ArrivedAsync();
        using var caller = new Activity("caller").Start();
        Task<int> linked = batcher.SubmitAsync(2).AsTask();
        Task<int> failing = batcher.SubmitAsync(-1).AsTask();
        caller.Stop();
        gate.Open();
        await Task.WhenAll(first, linked);
        await Assert.ThrowsAsync<BatchExecutionException>(() => failing);
        await Until.TrueAsync(() => spans.Count == 2);
        Activity[] seen = [.. spans];
        Assert.All(seen, static span =>
        {
            Assert.Equal("batch Squares.Square", span.OperationName);
            Assert.Null(span.ParentId);
            Assert.Equal("Squares.Square", span.GetTagItem("fastbatch.endpoint"));
            Assert.True(span.Duration > TimeSpan.Zero && span.Duration < TimeSpan.FromMinutes(1));
            Assert.InRange(span.StartTimeUtc, DateTime.UtcNow.AddMinutes(-1), DateTime.UtcNow);
        });
        Assert.Empty(seen[0].Links);
        Assert.Equal([caller.Context, caller.Context], seen[1].Links.Select(static link => link.Context));
        Assert.Equal((2, "idle"), (seen[1].GetTagItem("fastbatch.batch.size"), seen[1].GetTagItem("fastbatch.close.reason")));
        Assert.Equal(ActivityStatusCode.Error, seen[1].Status);
        Assert.Equal("System.IO.InvalidDataException", seen[1].GetTagItem("error.type"));
    }

    [Fact]
    public async Task Links_are_128_at_most()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == BatchTelemetry.Name,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        var gate = new Gate();
        using var telemetry = new BatchTelemetry();
        await using var batcher = new Wide(gate.Pass).CreatePassBatcher();
        using IDisposable observation = telemetry.Observe(batcher);
        Task<int> first = batcher.SubmitAsync(0).AsTask();
        await gate.ArrivedAsync();
        using var caller = new Activity("caller").Start();
        Task<int>[] rest = [.. Enumerable.Range(0, 200).Select(i => batcher.SubmitAsync(i).AsTask())];
        caller.Stop();
        gate.Open();
        await Task.WhenAll([first, .. rest]);
        await Until.TrueAsync(() => spans.Any(static span => (int)span.GetTagItem("fastbatch.batch.size")! == 200));
        Assert.Equal(128, spans.Single(static span => (int)span.GetTagItem("fastbatch.batch.size")! == 200).Links.Count());
    }

    [Fact]
    public async Task A_listener_that_throws_costs_no_request_and_no_other_observer()
    {
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == BatchTelemetry.Name)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        int thrown = 0;
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => Throw());
        listener.SetMeasurementEventCallback<int>((_, _, _, _) => Throw());
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => Throw());
        listener.Start();
        using var telemetry = new BatchTelemetry();
        var batcher = new Squares().CreateSquareBatcher();
        using IDisposable observation = telemetry.Observe(batcher);
        using BatchProfile profile = batcher.Profile();
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal(i * i, await batcher.SubmitAsync(i).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
        }

        await Assert.ThrowsAsync<BatchExecutionException>(() => batcher.SubmitAsync(-1).AsTask());
        Assert.Throws<AggregateException>(listener.RecordObservableInstruments);
        await Until.TrueAsync(() => profile.Result.Requests == 51);
        await batcher.DisposeAsync();
        await Assert.ThrowsAsync<BatcherClosedException>(() => batcher.SubmitAsync(1).AsTask());
        Assert.True(thrown > 50);
        Assert.Equal((50, 1, 1), (batcher.GetStatistics().Succeeded, batcher.GetStatistics().Failed, batcher.GetStatistics().Closed));

        void Throw()
        {
            Interlocked.Increment(ref thrown);
            throw new InvalidOperationException("A listener's own.");
        }
    }

    [Fact]
    public void Ids_of_logs_are_those_of_the_docs()
    {
        string docs = File.ReadAllText(Path.Combine(Until.Repository(), "docs", "operations.md"));
        var messages = typeof(BatcherLog).GetMethods(BindingFlags.Static | BindingFlags.Public)
            .Select(static method => (method.Name, Message: method.GetCustomAttribute<LoggerMessageAttribute>()))
            .Where(static one => one.Message is not null)
            .Select(static one => (one.Message!.EventId, one.Name, one.Message.Level))
            .OrderBy(static one => one.EventId)
            .ToArray();
        Assert.Equal(
            [
                (1, "Observed", LogLevel.Information), (2, "Failed", LogLevel.Error), (3, "Rejected", LogLevel.Warning),
                (4, "Dropped", LogLevel.Warning), (5, "Closed", LogLevel.Warning), (6, "Ran", LogLevel.Trace), (7, "Stalled", LogLevel.Error),
                (8, "GraphRefused", LogLevel.Warning),
            ],
            messages);
        Assert.All(messages, one => Assert.Contains($"| {one.EventId} | {one.Level} |", docs, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_goes_wrong_is_logged_once_a_second()
    {
        var logs = new Logs();
        var gate = new Gate();
        using var telemetry = new BatchTelemetry(loggers: logs);
        var batcher = new Squares(gate.Pass).CreateSquareBatcher(new BatcherOptions { Capacity = 8, Overload = OverloadMode.Reject });
        using IDisposable observation = telemetry.Observe(batcher);
        Task<int>[] accepted = [.. Enumerable.Range(0, 8).Select(i => batcher.SubmitAsync(-i - 1).AsTask())];
        for (int i = 0; i < 5; i++)
        {
            await Assert.ThrowsAsync<BatcherOverloadedException>(() => batcher.SubmitAsync(1).AsTask());
        }

        gate.Open();
        await Assert.ThrowsAsync<BatchExecutionException>(() => Task.WhenAll(accepted));
        await batcher.DisposeAsync();
        await Assert.ThrowsAsync<BatcherClosedException>(() => batcher.SubmitAsync(1).AsTask());
        await Until.TrueAsync(() => logs.Entries.Any(static entry => entry.Id == 2));
        (int Id, LogLevel Level, string Text)[] entries = [.. logs.Entries];
        Assert.Contains((1, LogLevel.Information, "Squares.Square is observed: batches of up to 8 rows, up to 8 rows waiting"), entries);
        Assert.Contains((3, LogLevel.Warning, "Squares.Square is full: 1 requests refused since the last message; it takes 8 rows"), entries);
        Assert.Contains((5, LogLevel.Warning, "Squares.Square is closed: 1 requests refused or ended unanswered since the last message"), entries);
        Assert.Contains(entries, static entry => entry is { Id: 2, Level: LogLevel.Error });
        Assert.InRange(entries.Count(static entry => entry.Id == 3), 1, 2);
    }

    [Fact]
    public async Task A_graph_that_is_refused_is_logged_once_with_the_reason()
    {
        var logs = new Logs();
        using var telemetry = new BatchTelemetry(loggers: logs);
        await using var batcher = new Squares().CreateSquareBatcher(
            new BatcherOptions { Devices = [new ImmediateDevice { RefusesRecording = true }], UseCudaGraphs = true });
        using IDisposable observation = telemetry.Observe(batcher);
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(i * i, await batcher.SubmitAsync(i));
        }

        Assert.Equal(
            (8, LogLevel.Warning, "Squares.Square runs without a graph in batches of 1: it cannot be recorded: immediate:0 cannot now"),
            Assert.Single(logs.Entries, static entry => entry.Id == 8));
    }

    [Fact]
    public async Task Event_counters_count_while_somebody_listens()
    {
        using var listener = new Counters();
        using var telemetry = new BatchTelemetry();
        await using var batcher = new Squares().CreateSquareBatcher();
        using IDisposable observation = telemetry.Observe(batcher);
        await Until.TrueAsync(() =>
        {
            Assert.Equal(9, batcher.SubmitAsync(3).AsTask().GetAwaiter().GetResult());
            return listener.Seen.ContainsKey("queue-length") && listener.Seen.GetValueOrDefault("requests-per-second") > 0;
        });
        Assert.Equal(
            ["batch-size", "batches-per-second", "failures-per-second", "queue-length", "rejections-per-second", "requests-per-second"],
            listener.Seen.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(1, listener.Seen["batch-size"]);
        Assert.Equal(0, listener.Seen["failures-per-second"]);
    }

    private sealed class Counters : EventListener
    {
        public ConcurrentDictionary<string, double> Seen { get; } = new();

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == BatchTelemetry.Name)
            {
                EnableEvents(eventSource, EventLevel.Informational, EventKeywords.All, new Dictionary<string, string?> { ["EventCounterIntervalSec"] = "0.1" });
            }
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData.EventName == "EventCounters" && eventData.Payload?[0] is IDictionary<string, object> payload)
            {
                double value = (double)(payload.TryGetValue("Increment", out object? increment) ? increment : payload["Mean"]);
                Seen.AddOrUpdate((string)payload["Name"], value, (_, before) => Math.Max(before, value));
            }
        }
    }

    private sealed class Logs : ILoggerFactory, ILogger
    {
        public ConcurrentQueue<(int Id, LogLevel Level, string Text)> Entries { get; } = new();

        public ILogger CreateLogger(string categoryName)
        {
            Assert.Equal("FastBatch", categoryName);
            return this;
        }

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel > LogLevel.Debug;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Entries.Enqueue((eventId.Id, logLevel, formatter(state, exception)));

        public void Dispose()
        {
        }
    }
}
