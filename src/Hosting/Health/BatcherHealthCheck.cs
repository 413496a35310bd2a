using System.Globalization;
using FastBatch.Diagnostics;
using FastBatch.Hosting.Configuration;
using FastBatch.Hosting.Lifetime;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace FastBatch.Hosting.Health;

/// <summary>
/// Unhealthy while the host starts or stops, or if a batcher does not serve; degraded while one does not run on all of its devices, sends away too many requests, or misses
/// too many deadlines. The data say how each is doing.
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
            BatcherState state = hosted.Batcher.State;
            (double shed, double late) = hosted.Recent.Shares();
            data[$"{hosted.Name}:State"] = state.ToString();
            data[$"{hosted.Name}:Waiting"] = hosted.Batcher.QueueLength;
            data[$"{hosted.Name}:Capacity"] = hosted.Batcher.Capacity;
            data[$"{hosted.Name}:MaxBatchSize"] = hosted.Batcher.MaxBatchSize;
            data[$"{hosted.Name}:ShedShare"] = Math.Round(shed, 4);
            data[$"{hosted.Name}:LateShare"] = Math.Round(late, 4);
            if (state == BatcherState.Degraded)
            {
                degraded.Add($"{hosted.Name} does not run on all of its devices");
            }
            else if (state != BatcherState.Serving)
            {
                unhealthy.Add($"{hosted.Name} is {state}");
            }

            foreach (DeviceStatus device in hosted.Batcher.GetDeviceStatus())
            {
                data[$"{hosted.Name}:{device.Name}"] =
                    device.Loss is { } loss ? loss.Message : device.IsStalled ? "does not finish what it runs" : "takes batches";
            }

            Budget(shed, options.Value.ShedBudget, "sends away");
            Budget(late, options.Value.LateBudget, "answers too late");
            void Budget(double share, double budget, string does)
            {
                if (share > budget)
                {
                    degraded.Add(string.Create(
                        CultureInfo.InvariantCulture, $"{hosted.Name} {does} {share:P1} of its requests; its budget is {budget:P1}"));
                }
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
