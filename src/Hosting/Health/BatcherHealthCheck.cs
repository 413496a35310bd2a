using System.Globalization;
using FastBatch.Hosting.Configuration;
using FastBatch.Hosting.Lifetime;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace FastBatch.Hosting.Health;

/// <summary>
/// Unhealthy while the host starts or stops, or if a batcher does not serve; degraded while one sends too many requests away. The data say how
/// each is doing.
/// </summary>
internal sealed class BatcherHealthCheck(BatcherHost host, BatcherOptionsFactory settings, IOptions<FastBatchHostOptions> options) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(Check());

    private HealthCheckResult Check()
    {
        var data = new Dictionary<string, object>();
        var unhealthy = new List<string>();
        var degraded = new List<string>();
        if (host.Phase != HostPhase.Ready)
        {
            unhealthy.Add(host.Phase == HostPhase.Starting ? "starting" : "stopping");
        }

        foreach (HostedBatcher hosted in host.Batchers)
        {
            (BatcherState state, double shed) = (hosted.Batcher.State, hosted.Recent.ShedShare());
            data[$"{hosted.Name}:State"] = state.ToString();
            data[$"{hosted.Name}:Waiting"] = hosted.Batcher.QueueLength;
            data[$"{hosted.Name}:Capacity"] = hosted.Batcher.Capacity;
            data[$"{hosted.Name}:MaxBatchSize"] = hosted.Batcher.MaxBatchSize;
            data[$"{hosted.Name}:ShedShare"] = Math.Round(shed, 4);
            if (state != BatcherState.Serving)
            {
                unhealthy.Add($"{hosted.Name} is {state}");
            }

            if (shed > options.Value.ShedBudget)
            {
                degraded.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{hosted.Name} sends {shed:P1} of its requests away; its budget is {options.Value.ShedBudget:P1}"));
            }

            if (settings.Refused.TryGetValue(hosted.Name, out string? errors))
            {
                data[$"{hosted.Name}:RefusedSettings"] = errors;
            }
        }

        return unhealthy.Count > 0 ? HealthCheckResult.Unhealthy(string.Join("; ", unhealthy.Concat(degraded)), data: data)
            : degraded.Count > 0 ? HealthCheckResult.Degraded(string.Join("; ", degraded), data: data)
            : HealthCheckResult.Healthy("every batcher serves", data);
    }
}
