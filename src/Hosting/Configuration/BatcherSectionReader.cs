using FastBatch.Hosting.Configuration.Yaml;
using Microsoft.Extensions.Configuration;

namespace FastBatch.Hosting.Configuration;

/// <summary>
/// Reads the settings of batchers from their sections, and forgives nothing: an unknown key or an impossible value is an error that names the
/// key, where it was set, what was given and what would be accepted. <c>Type.Method</c> has the settings of all batchers of the method, and
/// below it a section of the batcher's name has those of one.
/// </summary>
internal sealed class BatcherSectionReader(
    FastBatchSection section, IEnumerable<BatcherRegistration> registrations, IConfiguration? configuration = null)
{
    private readonly BatcherRegistration[] _registrations = [.. registrations];

    /// <summary>The options that configuration gives; those of the keys that are right, if some are not.</summary>
    public BatcherOptions Read(BatcherRegistration registration, List<string> errors)
    {
        IConfigurationSection method = section.Configuration.GetSection(registration.Method);
        BatcherOptions options = Read(method, new BatcherOptions(), errors);
        return registration.Name is null ? options : Read(method.GetSection(registration.Name), options, errors);
    }

    /// <summary>The sections and keys that belong to no batcher, and what is no section where one is expected.</summary>
    public IEnumerable<string> FindUnknown()
    {
        if (section.Configuration is IConfigurationSection { Value: not null } all)
        {
            yield return NoSection(all);
        }

        foreach (IConfigurationSection method in section.Configuration.GetChildren())
        {
            BatcherRegistration[] known = [.. _registrations.Where(registration => Same(registration.Method, method.Key))];
            if (known.Length == 0)
            {
                string added = _registrations.Length == 0 ? "none is added" : "there are " + string.Join(
                    ", ", _registrations.Select(static registration => registration.Method).Distinct(StringComparer.OrdinalIgnoreCase));
                yield return $"{Describe(method)} is no batcher's section: {added}.";
            }

            if (method.Value is not null)
            {
                yield return NoSection(method);
            }

            // What is neither a setting nor the section of a name.
            foreach (IConfigurationSection child in method.GetChildren().Where(_ => known.Length > 0))
            {
                bool isName = known.Any(registration => Same(registration.Name, child.Key));
                if (!isName && BatcherSetting.Find(child.Key) is null)
                {
                    yield return Unknown(child, known.Where(static registration => registration.Name is not null).Select(static registration => registration.Name!));
                }

                if (isName && child.Value is not null)
                {
                    yield return NoSection(child);
                }

                foreach (IConfigurationSection key in child.GetChildren().Where(key => isName && BatcherSetting.Find(key.Key) is null))
                {
                    yield return Unknown(key, []);
                }
            }
        }
    }

    /// <summary>The key's path, and which source it comes from.</summary>
    public string Describe(IConfigurationSection key) => $"{key.Path}{SourceOf(key.Path)}";

    /// <summary>What is wrong with files that were good when the service started, and have been read again.</summary>
    public IEnumerable<string> FindBrokenFiles() => ((configuration as IConfigurationRoot)?.Providers ?? [])
        .OfType<YamlConfigurationProvider>()
        .Select(static file => file.Broken)
        .OfType<string>();

    public string Describe(BatcherRegistration registration, string setting) =>
        section.PathOf(ConfigurationPath.Combine(registration.OptionsName, setting));

    /// <summary>What a batcher says of its options, with the keys to look at; null if it speaks of something else.</summary>
    public string? Blame(BatcherRegistration registration, ArgumentException exception)
    {
        string option = $"{nameof(BatcherOptions)}.{exception.ParamName}";
        return BatcherSetting.Find(exception.ParamName) is { } setting && exception.Message.Contains(option, StringComparison.Ordinal)
            ? $"{Describe(registration, setting.Name)}: {exception.Message}"
            : null;
    }

    private static bool Same(string? one, string? other) => string.Equals(one, other, StringComparison.OrdinalIgnoreCase);

    private BatcherOptions Read(IConfigurationSection keys, BatcherOptions options, List<string> errors)
    {
        foreach (IConfigurationSection key in keys.GetChildren())
        {
            if (BatcherSetting.Find(key.Key) is not { } setting)
            {
                // A name's section, or found by FindUnknown.
                continue;
            }

            if (setting.Expected is null)
            {
                errors.Add($"{Describe(key)} can be set in code only.");
            }
            else if (key.GetChildren().Any())
            {
                errors.Add($"{Describe(key)} must be {setting.Expected}; it is a section.");
            }
            else if (setting.Parse(options, key.Value ?? "") is { } parsed)
            {
                options = parsed;
            }
            else
            {
                errors.Add($"{Describe(key)} must be {setting.Expected}; it is '{key.Value}'.");
            }
        }

        return options;
    }

    private string NoSection(IConfigurationSection key) => $"{Describe(key)} must be a section, with a key for each setting; it is '{key.Value}'.";

    private string Unknown(IConfigurationSection key, IEnumerable<string> names)
    {
        IEnumerable<string> accepted = BatcherSetting.All.Where(static setting => setting.Expected is not null).Select(static setting => setting.Name);
        return $"{Describe(key)} is no setting: there are {string.Join(", ", accepted.Concat(names))}.";
    }

    // The last source that has a key decides.
    private string SourceOf(string path)
    {
        IConfigurationProvider? source = (configuration as IConfigurationRoot)?.Providers.LastOrDefault(provider =>
            provider.TryGet(path, out _) || provider.GetChildKeys([], path).Any());
        return source switch
        {
            null => "",
            YamlConfigurationProvider yaml => $" ({yaml.Where(path)})",
            _ => $" ({source})",
        };
    }
}
