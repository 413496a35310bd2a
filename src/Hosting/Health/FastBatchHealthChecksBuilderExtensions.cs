using FastBatch.Hosting.Health;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the health of batchers to a service's.</summary>
public static class FastBatchHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a check of the batchers added to <see cref="FastBatchServiceCollectionExtensions.AddFastBatch"/>: unhealthy while the host starts
    /// or stops, and if a batcher does not serve.
    /// </summary>
    /// <param name="builder">The health checks.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="tags">Its tags, such as <c>ready</c>.</param>
    /// <returns>The health checks.</returns>
    public static IHealthChecksBuilder AddFastBatch(this IHealthChecksBuilder builder, string name = "fastbatch", IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddFastBatch();
        return builder.AddCheck<BatcherHealthCheck>(name, HealthStatus.Unhealthy, tags ?? []);
    }
}
