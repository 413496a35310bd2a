using Microsoft.Extensions.Configuration;

namespace FastBatch.Hosting.Configuration.Yaml;

/// <summary>A YAML file.</summary>
internal sealed class YamlConfigurationSource : FileConfigurationSource
{
    public override IConfigurationProvider Build(IConfigurationBuilder builder)
    {
        EnsureDefaults(builder);
        return new YamlConfigurationProvider(this);
    }
}
