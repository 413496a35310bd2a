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
}
