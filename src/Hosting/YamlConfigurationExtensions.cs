using FastBatch.Hosting.Configuration.Yaml;
using Microsoft.Extensions.Configuration;

namespace FastBatch.Hosting;

/// <summary>Adds YAML files to configuration.</summary>
public static class YamlConfigurationExtensions
{
    /// <summary>Adds a YAML file as a source of configuration, over those added before.</summary>
    /// <param name="builder">The configuration.</param>
    /// <param name="path">The file, relative to the base path of the configuration.</param>
    /// <param name="optional">Whether it may be missing.</param>
    /// <param name="reloadOnChange">Whether changes of the file are taken up.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="InvalidDataException">It is no YAML, or has a key twice; the message says the line and the column.</exception>
    public static IConfigurationBuilder AddYamlFile(
        this IConfigurationBuilder builder, string path, bool optional = false, bool reloadOnChange = true)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(path);
        var source = new YamlConfigurationSource { Path = path, Optional = optional, ReloadOnChange = reloadOnChange };
        source.ResolveFileProvider();
        return builder.Add(source);
    }
}
