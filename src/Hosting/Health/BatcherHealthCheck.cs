using FastBatch.Hosting.Lifetime;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastBatch.Hosting.Health;

/// <summary>
/// Unhealthy while the host starts or stops, or if a batcher does not serve; the data say how each is doing.
/// </summary>
internal sealed class BatcherHealthCheck(BatcherHost host) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(Check());

    private HealthCheckResult Check()
    {
        var data = new Dictionary<string, object>();
        var reasons = new List<string>();
        foreach (HostedBatcher hosted in host.Batchers)
        {
            Batcher batcher = hosted.Batcher;
            BatcherState state = batcher.State;
            data[$"{hosted.Name}:State"] = state.ToString();
            data[$"{hosted.Name}:Waiting"] = batcher.QueueLength;
            data[$"{hosted.Name}:Capacity"] = batcher.Capacity;
            data[$"{hosted.Name}:MaxBatchSize"] = batcher.MaxBatchSize;
            if (state != BatcherState.Serving)
            {
                reasons.Add($"{hosted.Name} is {state}");
            }
        }

        if (host.Phase != HostPhase.Ready)
        {
            reasons.Insert(0, host.Phase == HostPhase.Starting ? "starting" : "stopping");
        }

        return reasons.Count == 0
            ? HealthCheckResult.Healthy("every batcher serves", data)
            : HealthCheckResult.Unhealthy(string.Join("; ", reasons), data: data);
    }
}
