using FastBatch.Tests.Devices.Simulated;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastBatch.Hosting.Tests;

/// <summary>What health checks say.</summary>
public class HealthTests
{
    [Fact]
    public async Task A_service_is_healthy_from_when_it_is_ready_until_it_stops()
    {
        var test = new TestHost();
        test.FastBatch.AddDoublerDoubleBatcher("a");
        test.Services.AddHealthChecks().AddFastBatch(tags: ["ready"]);
        using IHost host = test.Build();
        var health = host.Services.GetRequiredService<HealthCheckService>();
        Assert.Equal(HealthStatus.Unhealthy, (await health.CheckHealthAsync()).Status);

        await host.StartAsync();
        HealthReport report = await health.CheckHealthAsync(static check => check.Tags.Contains("ready"));
        Assert.Equal(HealthStatus.Healthy, report.Status);
        IReadOnlyDictionary<string, object> data = Assert.Single(report.Entries).Value.Data;
        Assert.Equal("Serving", data["Doubler.Double:a:State"]);
        Assert.Equal(0, data["Doubler.Double:a:Waiting"]);
        Assert.Equal(1024, data["Doubler.Double:a:Capacity"]);

        await host.StopAsync();
        HealthReportEntry stopped = Assert.Single((await health.CheckHealthAsync()).Entries).Value;
        Assert.Equal(HealthStatus.Unhealthy, stopped.Status);
        Assert.Equal("stopping; Doubler.Double:a is Closed", stopped.Description);
    }

    [Fact]
    public async Task A_batcher_that_sends_too_many_away_is_degraded_for_half_a_minute()
    {
        var time = new ManualTime();
        var test = new TestHost(("FastBatch:Doubler.Double:Capacity", "16"), ("FastBatch:Doubler.Double:Overload", "Reject"));
        test.FastBatch
            .ConfigureHost(static options => options.ShedBudget = 0.1)
            .AddDoublerDoubleBatcher(configure: options => options with { TimeProvider = time });
        test.Services.AddHealthChecks().AddFastBatch();
        using IHost host = await test.StartAsync();
        var health = host.Services.GetRequiredService<HealthCheckService>();
        var batcher = host.Services.GetRequiredService<Doubler.DoubleBatcher>();
        Doubler model = host.Services.GetRequiredService<Doubler>();
        model.Hold();
        Task<int>[] accepted = [.. Enumerable.Range(0, 16).Select(i => batcher.SubmitAsync(i).AsTask())];
        for (int i = 0; i < 4; i++)
        {
            await Assert.ThrowsAsync<BatcherOverloadedException>(async () => await batcher.SubmitAsync(0));
        }

        model.Release();
        await Task.WhenAll(accepted);
        HealthReportEntry entry = await UntilAsync(health, HealthStatus.Degraded);
        Assert.StartsWith("Doubler.Double sends away ", entry.Description, StringComparison.Ordinal);
        Assert.EndsWith("its budget is 10.0 %", entry.Description, StringComparison.Ordinal);

        Assert.Equal(0.0, entry.Data["Doubler.Double:LateShare"]);

        // Many answered later it is a small part, and after half a minute none.
        time.Advance(TimeSpan.FromSeconds(10));
        for (int i = 0; i < 40; i++)
        {
            await batcher.SubmitAsync(i);
        }

        entry = await UntilAsync(health, HealthStatus.Healthy);
        Assert.InRange((double)entry.Data["Doubler.Double:ShedShare"], 0.05, 0.1);
        time.Advance(TimeSpan.FromSeconds(31));
        entry = Assert.Single((await health.CheckHealthAsync()).Entries).Value;
        Assert.Equal(0.0, entry.Data["Doubler.Double:ShedShare"]);
    }

    [Fact]
    public async Task Settings_that_were_refused_are_a_note_beside_good_health()
    {
        var test = new TestHost();
        test.FastBatch.AddDoublerDoubleBatcher();
        test.Services.AddHealthChecks().AddFastBatch();
        using IHost host = await test.StartAsync();
        test.Change(("FastBatch:Doubler.Double:MaxBatchSize", "none"));
        HealthReportEntry entry = Assert.Single((await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries).Value;
        Assert.Equal(HealthStatus.Healthy, entry.Status);
        Assert.Contains("it is 'none'", (string)entry.Data["Doubler.Double:RefusedSettings"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_batcher_that_somebody_disposed_is_unhealthy()
    {
        var test = new TestHost();
        test.FastBatch.AddDoublerDoubleBatcher().AddNegationNegateBatcher();
        test.Services.AddHealthChecks().AddFastBatch();
        using IHost host = await test.StartAsync();
        await host.Services.GetRequiredService<Negation.NegateBatcher>().DisposeAsync();
        HealthReportEntry entry = Assert.Single((await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries).Value;
        Assert.Equal(HealthStatus.Unhealthy, entry.Status);
        Assert.Equal("Negation.Negate is Closed", entry.Description);
    }

    [Fact]
    public async Task A_batcher_whose_method_does_not_return_is_unhealthy_until_it_does()
    {
        var test = new TestHost(("FastBatch:Doubler.Double:RunLimit", "50ms"));
        test.FastBatch.AddDoublerDoubleBatcher();
        test.Services.AddHealthChecks().AddFastBatch();
        using IHost host = await test.StartAsync();
        var health = host.Services.GetRequiredService<HealthCheckService>();
        Doubler model = host.Services.GetRequiredService<Doubler>();
        model.Hold();
        await Assert.ThrowsAsync<BatcherStalledException>(async () => await host.Services.GetRequiredService<Doubler.DoubleBatcher>().SubmitAsync(1));
        Assert.Equal("Doubler.Double is Stalled", (await UntilAsync(health, HealthStatus.Unhealthy)).Description);
        model.Release();
        await UntilAsync(health, HealthStatus.Healthy);
    }

    [Fact]
    public async Task Lost_devices_degrade_a_batcher_and_the_last_one_makes_it_unhealthy()
    {
        SimulatedDevice[] devices = [new(TimeProvider.System), new(TimeProvider.System, 1)];
        var test = new TestHost();
        test.FastBatch.ConfigureHost(static options => options.WarmUp = true)
            .AddNegationNegateBatcher(configure: options => options with { Devices = devices });
        test.Services.AddHealthChecks().AddFastBatch();
        using IHost host = await test.StartAsync();
        var health = host.Services.GetRequiredService<HealthCheckService>();
        var batcher = host.Services.GetRequiredService<Negation.NegateBatcher>();

        // 1, 2 and 4 rows, twice, on each device.
        Assert.Contains(test.Logged, static log => log.Id == 10 && log.Text.StartsWith("Negation.Negate was warmed up with 12 runs in ", StringComparison.Ordinal));
        Assert.Contains(test.Logged, static log => log.Id == 13 && log.Text.StartsWith("Negation.Negate runs on simulated:1", StringComparison.Ordinal));
        Assert.Equal(HealthStatus.Healthy, (await health.CheckHealthAsync()).Status);

        devices[0].LostAfter = 0;
        HealthReportEntry entry = await UntilAsync(health, HealthStatus.Degraded, batcher);
        Assert.Equal("Negation.Negate does not run on all of its devices", entry.Description);
        Assert.Equal("simulated:0 does not answer.", entry.Data["Negation.Negate:simulated:0"]);
        Assert.Equal("takes batches", entry.Data["Negation.Negate:simulated:1"]);
        Assert.Equal(-7, await batcher.SubmitAsync(7));

        devices[1].LostAfter = 0;
        entry = await UntilAsync(health, HealthStatus.Unhealthy, batcher);
        Assert.Equal("Negation.Negate is Lost", entry.Description);
        await Assert.ThrowsAsync<DeviceLostException>(async () => await batcher.SubmitAsync(7));
    }

    [Fact]
    public async Task More_devices_than_instances_are_refused_at_start()
    {
        var test = new TestHost();
        test.FastBatch.AddDoublerDoubleBatcher(configure: static options => options with { Devices = ImmediateDevice.Several(2) });
        Exception error = await Assert.ThrowsAnyAsync<Exception>(async () => (await test.StartAsync()).Dispose());
        Assert.Contains("each device runs an instance of its own", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("There are 2 devices, and 1 instances are given.", error.ToString(), StringComparison.Ordinal);
    }

    // A device is found to be lost when it is used.
    private static async Task<HealthReportEntry> UntilAsync(HealthCheckService health, HealthStatus status, Negation.NegateBatcher batcher)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            HealthReportEntry entry = Assert.Single((await health.CheckHealthAsync(patience.Token)).Entries).Value;
            if (entry.Status == status)
            {
                return entry;
            }

            await Task.WhenAny(Task.WhenAll(Enumerable.Range(0, 40).Select(i => batcher.SubmitAsync(i).AsTask())));
        }
    }

    // A batch is counted after its callers have been resumed.
    private static async Task<HealthReportEntry> UntilAsync(HealthCheckService health, HealthStatus status)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            HealthReportEntry entry = Assert.Single((await health.CheckHealthAsync(patience.Token)).Entries).Value;
            if (entry.Status == status)
            {
                return entry;
            }

            await Task.Yield();
        }
    }

    private sealed class ManualTime : TimeProvider
    {
        private long _now = TimeSpan.TicksPerHour;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Volatile.Read(ref _now);

        public void Advance(TimeSpan duration) => Interlocked.Add(ref _now, duration.Ticks);
    }
}
