using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using FastBatch.Hosting.Configuration;
using FastBatch.Hosting.Lifetime;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace FastBatch.Hosting;

/// <summary>What batchers are added to: the generator writes an <c>Add{Type}{Method}Batcher()</c> for each.</summary>
public sealed class FastBatchBuilder
{
    internal FastBatchBuilder(IServiceCollection services) => Services = services;

    /// <summary>The services that the batchers are added to.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Reads the batchers' settings from another section than <c>FastBatch</c> of the host's configuration.</summary>
    /// <param name="section">The section; below it are those of the batchers, <c>Type.Method</c>.</param>
    /// <returns>This builder.</returns>
    public FastBatchBuilder Configure(IConfiguration section)
    {
        ArgumentNullException.ThrowIfNull(section);
        Services.Replace(ServiceDescriptor.Singleton(new FastBatchSection(section)));
        return this;
    }

    /// <summary>Sets how batchers start and stop with the host.</summary>
    /// <param name="configure">Changes the settings.</param>
    /// <returns>This builder.</returns>
    public FastBatchBuilder ConfigureHost(Action<FastBatchHostOptions> configure)
    {
        Services.Configure(configure);
        return this;
    }

    /// <summary>Has something done with every batcher as soon as it is made, before it serves: have it observed, for example.</summary>
    /// <param name="action">Given the services, the batcher, and what it is called in configuration.</param>
    /// <returns>This builder.</returns>
    public FastBatchBuilder WhenMade(Action<IServiceProvider, Batcher, string> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        Services.AddSingleton(new BatcherMade(action));
        return this;
    }

    /// <summary>For generated code: adds the batcher of an instance method.</summary>
    /// <typeparam name="TModel">The type that has the method.</typeparam>
    /// <typeparam name="TBatcher">The batcher.</typeparam>
    /// <param name="method">The method, as <c>Type.Method</c>.</param>
    /// <param name="name">The key to register it under; null for none.</param>
    /// <param name="configure">Changes the options that configuration gives.</param>
    /// <param name="model">Makes the instance to serve; null to take the one registered, or to register its type.</param>
    /// <param name="create">Makes the batcher.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public FastBatchBuilder AddBatcher<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TModel, TBatcher>(
        string method,
        string? name,
        Func<BatcherOptions, BatcherOptions>? configure,
        Func<IServiceProvider, TModel>? model,
        Func<TModel, BatcherOptions, TBatcher> create)
        where TModel : class
        where TBatcher : Batcher
    {
        // Batchers of different names get instances of their own: a method runs on one thread at a time for each batcher, not for all.
        if (model is not null)
        {
            Services.AddKeyedSingleton(name, (provider, _) => model(provider));
        }
        else
        {
            Services.TryAddKeyedSingleton<TModel>(name);
        }

        return Add(method, name, configure, (provider, options) => create(provider.GetRequiredKeyedService<TModel>(name), options));
    }

    /// <summary>For generated code: adds the batcher of a static method.</summary>
    /// <typeparam name="TBatcher">The batcher.</typeparam>
    /// <param name="method">The method, as <c>Type.Method</c>.</param>
    /// <param name="name">The key to register it under; null for none.</param>
    /// <param name="configure">Changes the options that configuration gives.</param>
    /// <param name="create">Makes the batcher.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public FastBatchBuilder AddBatcher<TBatcher>(
        string method, string? name, Func<BatcherOptions, BatcherOptions>? configure, Func<BatcherOptions, TBatcher> create)
        where TBatcher : Batcher => Add(method, name, configure, (_, options) => create(options));

    private FastBatchBuilder Add<TBatcher>(
        string method, string? name, Func<BatcherOptions, BatcherOptions>? configure, Func<IServiceProvider, BatcherOptions, TBatcher> create)
        where TBatcher : Batcher
    {
        var registration = new BatcherRegistration(
            method, name, configure, provider => provider.GetRequiredKeyedService<TBatcher>(name));
        Check(registration);
        Services.AddSingleton(registration);
        Services.AddKeyedSingleton(name, (provider, _) =>
        {
            BatcherOptions options = provider.GetRequiredService<IOptionsMonitor<BatcherOptions>>().Get(registration.OptionsName);
            TBatcher batcher = create(provider, options);
            foreach (BatcherMade made in provider.GetServices<BatcherMade>())
            {
                made.Action(provider, batcher, registration.OptionsName);
            }

            return batcher;
        });
        Services.AddSingleton<IOptionsChangeTokenSource<BatcherOptions>>(provider =>
            provider.GetRequiredService<FastBatchSection>().ChangesOf(registration.OptionsName));
        return this;
    }

    private void Check(BatcherRegistration registration)
    {
        if (registration.Name is { } name)
        {
            if (string.IsNullOrWhiteSpace(name) || name.Contains(ConfigurationPath.KeyDelimiter, StringComparison.Ordinal))
            {
                throw new ArgumentException($"{registration.Method}: a name must not be empty or contain ':'; it is '{name}'.", nameof(name));
            }

            if (BatcherSetting.Find(name) is not null)
            {
                throw new ArgumentException($"{registration.Method}: '{name}' is a setting, and cannot be a name as well.", nameof(name));
            }
        }

        // Of one name there is one section of settings, in whatever case, and one endpoint; types of different namespaces may well have the same.
        if (Services.Any(service => !service.IsKeyedService
            && service.ImplementationInstance is BatcherRegistration other
            && string.Equals(other.OptionsName, registration.OptionsName, StringComparison.OrdinalIgnoreCase)))
        {
            throw new InvalidOperationException(
                $"{registration.OptionsName} is added twice. Give one of them a name; it is the key of its service, and of its settings.");
        }
    }
}
