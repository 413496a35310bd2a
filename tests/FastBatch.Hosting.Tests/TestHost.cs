using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace FastBatch.Hosting.Tests;

/// <summary>A host with settings that a test gives and changes, and what it logged.</summary>
internal sealed class TestHost : ILoggerProvider
{
    private readonly HostApplicationBuilder _builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());

    public TestHost(params (string Key, string? Value)[] settings)
    {
        _builder.Configuration.AddInMemoryCollection(settings.Select(static setting => KeyValuePair.Create(setting.Key, setting.Value)));
        _builder.Logging.AddProvider(this);

        // The models of most tests count their batches.
        FastBatch = _builder.Services.AddFastBatch().ConfigureHost(static options => options.WarmUp = false);
    }

    public IServiceCollection Services => _builder.Services;

    public ConfigurationManager Configuration => _builder.Configuration;

    public FastBatchBuilder FastBatch { get; }

    public ConcurrentQueue<(LogLevel Level, int Id, string Text)> Logged { get; } = new();

    public IHost Build() => _builder.Build();

    public async Task<IHost> StartAsync()
    {
        IHost host = Build();
        await host.StartAsync();
        return host;
    }

    /// <summary>Changes settings, as a source does that has been edited.</summary>
    public void Change(params (string Key, string? Value)[] settings)
    {
        foreach ((string key, string? value) in settings)
        {
            Configuration[key] = value;
        }

        ((IConfigurationRoot)Configuration).Reload();
    }

    ILogger ILoggerProvider.CreateLogger(string categoryName) => new Logger(this);

    void IDisposable.Dispose()
    {
    }

    private sealed class Logger(TestHost host) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            host.Logged.Enqueue((logLevel, eventId.Id, formatter(state, exception)));
    }
}
