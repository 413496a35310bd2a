using FastBatch;
using FastBatch.Hosting;
using FastBatch.Hosting.Configuration;
using FastBatch.Hosting.Lifetime;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds FastBatch to a service.</summary>
public static class FastBatchServiceCollectionExtensions
{
    /// <summary>
    /// Adds what batchers need that live with the host: settings from configuration (section <c>FastBatch</c>), start, reload and stop. The
    /// batchers themselves are added to what this returns, by the <c>Add...Batcher()</c> that is generated for each. May be called again.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <returns>To add batchers to.</returns>
    public static FastBatchBuilder AddFastBatch(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddLogging();
        services.AddOptions<FastBatchHostOptions>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<FastBatchHostOptions>, HostOptionsValidation>());
        services.TryAddSingleton<BatcherOptionsFactory>();
        services.TryAddSingleton<IOptionsFactory<BatcherOptions>>(static provider => provider.GetRequiredService<BatcherOptionsFactory>());
        services.TryAddSingleton(static provider => new FastBatchSection(provider.GetService<IConfiguration>()?.GetSection(FastBatchSection.DefaultName)));
        services.TryAddSingleton<BatcherSectionReader>();
        services.TryAddSingleton<BatcherHost>();
        if (!services.Any(static service => service.ServiceType == typeof(FastBatchBuilder)))
        {
            services.AddSingleton(new FastBatchBuilder(services));

            // First of all: batchers are there before whatever serves requests starts, and are drained after it has stopped.
            services.Insert(0, ServiceDescriptor.Singleton<Hosting.IHostedService>(static provider => provider.GetRequiredService<BatcherHost>()));
        }

        return (FastBatchBuilder)services.First(static service => service.ServiceType == typeof(FastBatchBuilder)).ImplementationInstance!;
    }
}
