using FastBatch.Diagnostics;
using FastBatch.LoadTests.Harness;
using FastBatch.LoadTests.Rivals;
using FastBatch.LoadTests.Scenarios;

namespace FastBatch.LoadTests;

/// <summary>The same batcher with nobody looking, with statistics taken, and with its metrics listened to and kept for a scrape.</summary>
internal static class ObservedContenders
{
    private const string Statistics = "fastbatch-statistics";
    private const string Metrics = "fastbatch-metrics";
    private const int Capacity = 8192;

    public static IReadOnlyList<Contestant> NoOp =>
        [FastBatchContenders.For<SmallNoOp>(), new Contestant<SmallStatistics>(), new Contestant<SmallMetrics>()];

    public static IReadOnlyList<Contestant> Device =>
        [FastBatchContenders.For<SimulatedDevice>(), new Contestant<DeviceStatistics>(), new Contestant<DeviceMetrics>()];

    private static SmallNoOpService.RunBatcher CreateSmall() => SmallNoOpService.CreateRunBatcher(new BatcherOptions { Capacity = Capacity });

    private static SimulatedDeviceService.RunBatcher CreateDevice() =>
        SimulatedDeviceService.CreateRunBatcher(new BatcherOptions { Capacity = Capacity });

    private static TBatcher Counted<TBatcher>(TBatcher batcher)
        where TBatcher : Batcher
    {
        batcher.GetStatistics();
        return batcher;
    }

    private readonly struct SmallStatistics(SmallNoOpService.RunBatcher batcher) : IContender<SmallStatistics>
    {
        public static string Name => Statistics;

        public static SmallStatistics Start() => new(Counted(CreateSmall()));

        public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row.Span, answer);

        public ValueTask StopAsync() => batcher.DisposeAsync();
    }

    private readonly struct DeviceStatistics(SimulatedDeviceService.RunBatcher batcher) : IContender<DeviceStatistics>
    {
        public static string Name => Statistics;

        public static DeviceStatistics Start() => new(Counted(CreateDevice()));

        public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row.Span, answer);

        public ValueTask StopAsync() => batcher.DisposeAsync();
    }

    private readonly struct SmallMetrics(SmallNoOpService.RunBatcher batcher, Listening listening) : IContender<SmallMetrics>
    {
        public static string Name => Metrics;

        public static SmallMetrics Start()
        {
            SmallNoOpService.RunBatcher batcher = CreateSmall();
            return new SmallMetrics(batcher, new Listening(batcher));
        }

        public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row.Span, answer);

        public ValueTask StopAsync() => listening.StopAsync(batcher);
    }

    private readonly struct DeviceMetrics(SimulatedDeviceService.RunBatcher batcher, Listening listening) : IContender<DeviceMetrics>
    {
        public static string Name => Metrics;

        public static DeviceMetrics Start()
        {
            SimulatedDeviceService.RunBatcher batcher = CreateDevice();
            return new DeviceMetrics(batcher, new Listening(batcher));
        }

        public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer) => batcher.SubmitAsync(row.Span, answer);

        public ValueTask StopAsync() => listening.StopAsync(batcher);
    }

    private sealed class Listening
    {
        private readonly OpenMetricsWriter _metrics = new();
        private readonly BatchTelemetry _telemetry = new();

        public Listening(Batcher batcher) => _telemetry.Observe(batcher);

        public async ValueTask StopAsync(Batcher batcher)
        {
            await batcher.DisposeAsync().ConfigureAwait(false);
            _telemetry.Dispose();
            _metrics.Dispose();
        }
    }
}
