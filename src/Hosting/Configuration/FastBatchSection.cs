using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace FastBatch.Hosting.Configuration;

/// <summary>The section that the batchers' sections are in; empty where a service has no configuration.</summary>
internal sealed class FastBatchSection(IConfiguration? section)
{
    public const string DefaultName = "FastBatch";

    private static readonly IConfiguration Nothing = new ConfigurationBuilder().Build();

    public IConfiguration Configuration { get; } = section ?? Nothing;

    /// <summary>The keys in messages are whole paths.</summary>
    public string PathOf(string key) => Configuration is IConfigurationSection { Path: { Length: > 0 } path }
        ? ConfigurationPath.Combine(path, key)
        : key;

    public ConfigurationChangeTokenSource<BatcherOptions> ChangesOf(string optionsName) => new(optionsName, Configuration);
}
