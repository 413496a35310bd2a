using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FastBatch.Hosting.Configuration;

/// <summary>
/// Makes the options of a batcher: what configuration says, over what the attribute says, and what code says over both. Behind
/// <see cref="IOptionsMonitor{TOptions}"/>, which asks again when configuration changes: then settings that are wrong are logged, and the last
/// good ones stay; at start they are an error.
/// </summary>
internal sealed class BatcherOptionsFactory(
    BatcherSectionReader reader,
    IEnumerable<BatcherRegistration> registrations,
    IEnumerable<IValidateOptions<BatcherOptions>> validations,
    ILogger<BatcherOptionsFactory> logger) : IOptionsFactory<BatcherOptions>
{
    private readonly ConcurrentDictionary<string, BatcherOptions> _good = new();
    private readonly ConcurrentDictionary<string, string> _refused = new();

    /// <summary>What is wrong with the settings as they stand now, by options name; empty if the last reload was good.</summary>
    public IReadOnlyDictionary<string, string> Refused => _refused;

    public BatcherOptions Create(string name)
    {
        List<string> errors = [];
        BatcherOptions options = TryRead(name, errors);
        if (errors.Count == 0)
        {
            _refused.TryRemove(name, out _);
            return _good[name] = options;
        }

        if (!_good.TryGetValue(name, out BatcherOptions? last))
        {
            throw new OptionsValidationException(name, typeof(BatcherOptions), errors);
        }

        _refused[name] = string.Join(" ", errors);
        Log.ReloadRefused(logger, name, _refused[name]);
        return last;
    }

    // Thrown on a reload, it would end up wherever the change was noticed.
    private BatcherOptions TryRead(string name, List<string> errors)
    {
        try
        {
            return Read(name, errors);
        }
        catch (Exception exception) when (_good.TryGetValue(name, out BatcherOptions? last))
        {
            errors.Add(exception.Message);
            return last;
        }
    }

    private BatcherOptions Read(string name, List<string> errors)
    {
        if (registrations.FirstOrDefault(registration => registration.OptionsName == name) is not { } batcher)
        {
            return new BatcherOptions();
        }

        BatcherOptions options = reader.Read(batcher, errors);
        options = batcher.Configure?.Invoke(options) ?? options;
        errors.AddRange(validations
            .Select(validation => validation.Validate(name, options))
            .Where(static result => result.Failed)
            .SelectMany(static result => result.Failures ?? []));
        return options;
    }
}
