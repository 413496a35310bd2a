using FastBatch.Diagnostics;
using FastBatch.Hosting.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace FastBatch.Hosting.Lifetime;

/// <summary>
/// Has the batchers live with the host. They are made and warmed up before anything else starts, so the host is not ready until every model is.
/// When it stops, admission closes before anything else stops; what was accepted is run, and what cannot be run in time ends with a
/// <see cref="BatcherClosedException"/> while there is still somebody to tell its caller.
/// </summary>
internal sealed class BatcherHost(
    IServiceProvider services,
    IEnumerable<BatcherRegistration> registrations,
    BatcherSectionReader reader,
    FastBatchSection section,
    IOptionsMonitor<BatcherOptions> monitor,
    IOptions<FastBatchHostOptions> options,
    IOptions<HostOptions> host,
    ILogger<BatcherHost> logger) : IHostedLifecycleService, IDisposable
{
    // Of the host's time to stop, what is left for callers to be answered in once the batchers have given up.
    private static readonly TimeSpan LongestMargin = TimeSpan.FromSeconds(2);
    private const double MarginFraction = 0.1;

    private readonly BatcherRegistration[] _registrations = [.. registrations];
    private readonly BatcherReload _reload = new(reader, monitor, logger);
    private readonly CancellationTokenSource _giveUp = new();
    private volatile HostedBatcher[] _batchers = [];
    private IDisposable? _optionsChanges;
    private IDisposable? _sectionChanges;
    private Task _closed = Task.CompletedTask;
    private volatile HostPhase _phase;

    /// <summary>The batchers; none before they are all made.</summary>
    public IReadOnlyList<HostedBatcher> Batchers => _batchers;

    public HostPhase Phase => _phase;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        _ = options.Value;
        RequireSettings();
        var made = new List<HostedBatcher>();
        try
        {
            foreach (BatcherRegistration registration in _registrations)
            {
                cancellationToken.ThrowIfCancellationRequested();
                HostedBatcher hosted = Start(registration);
                made.Add(hosted);
                foreach (DeviceStatus device in hosted.Batcher.GetDeviceStatus())
                {
                    Log.RunsOn(logger, hosted.Name, device.Name, device.Description);
                }

                if (options.Value.WarmUp)
                {
                    await WarmUpAsync(hosted, cancellationToken).ConfigureAwait(false);
                }

                Log.Serving(logger, hosted.Name, hosted.Batcher.MaxBatchSize, hosted.Batcher.Capacity);
            }
        }
        catch
        {
            // The host will not serve: nor do those that could. Nobody waits here for a model that is running; its disposal does.
            made.ForEach(hosted => _ = hosted.Batcher.CloseAsync(CancellationToken.None));
            throw;
        }

        HostedBatcher[] batchers = [.. made];
        _batchers = batchers;
        _optionsChanges = monitor.OnChange(Reload);
        _sectionChanges = ChangeToken.OnChange(section.Configuration.GetReloadToken, LogUnknown);

        // Models may take minutes to load; what has changed meanwhile was told to nobody.
        Array.ForEach(batchers, _reload.Apply);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _phase = HostPhase.Ready;
        return Task.CompletedTask;
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _phase = HostPhase.Stopping;
        _optionsChanges?.Dispose();
        _sectionChanges?.Dispose();
        if (host.Value.ShutdownTimeout is { } timeout && timeout != Timeout.InfiniteTimeSpan)
        {
            TimeSpan margin = timeout * MarginFraction;
            _giveUp.CancelAfter(timeout - (margin < LongestMargin ? margin : LongestMargin));
        }

        // Each refuses from here on.
        _closed = Task.WhenAll(_batchers.Select(CloseAsync));
        if (_batchers.Length > 0 && options.Value.StoppingDelay > TimeSpan.Zero)
        {
            await Task.Delay(options.Value.StoppingDelay, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        using (cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _giveUp))
        {
            await _closed.ConfigureAwait(false);
        }
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _optionsChanges?.Dispose();
        _sectionChanges?.Dispose();
        _giveUp.Dispose();
    }

    private async Task WarmUpAsync(HostedBatcher hosted, CancellationToken cancellationToken)
    {
        WarmUpReport report = await hosted.Batcher.WarmUpAsync(cancellationToken).ConfigureAwait(false);
        Log.WarmedUp(logger, hosted.Name, report.Batches, (long)report.Duration.TotalMilliseconds);
        IReadOnlyList<GraphReport> graphs = hosted.Batcher.GetGraphs();
        string sizes = string.Join(", ", graphs.Where(static size => size.Recorded > 0).Select(static size => size.Rows));
        if (sizes.Length > 0)
        {
            Log.HasGraphs(logger, hosted.Name, sizes);
        }

        foreach (GraphReport size in graphs.Where(static size => size.Refusal is not null))
        {
            Log.HasNoGraph(logger, hosted.Name, size.Rows, size.Refusal!);
        }
    }

    // All that is wrong at once: whoever mends settings one by one restarts for each.
    private void RequireSettings()
    {
        List<string> errors = [.. reader.FindUnknown()];
        foreach (BatcherRegistration registration in _registrations)
        {
            try
            {
                monitor.Get(registration.OptionsName);
            }
            catch (OptionsValidationException exception)
            {
                errors.AddRange(exception.Failures);
            }
        }

        if (errors.Count > 0)
        {
            throw new OptionsValidationException(nameof(FastBatch), typeof(BatcherOptions), errors.Distinct());
        }
    }

    private HostedBatcher Start(BatcherRegistration registration)
    {
        try
        {
            return new HostedBatcher(registration, registration.Resolve(services));
        }
        catch (ArgumentException exception) when (reader.Blame(registration, exception) is { } error)
        {
            throw new OptionsValidationException(registration.OptionsName, typeof(BatcherOptions), [error]);
        }
    }

    private void Reload(BatcherOptions options, string? name)
    {
        if (_batchers.FirstOrDefault(batcher => batcher.Name == name) is { } batcher)
        {
            _reload.Apply(batcher);
        }
    }

    private void LogUnknown()
    {
        foreach (string broken in reader.FindBrokenFiles())
        {
            Log.FileBroken(logger, broken);
        }

        foreach (string error in reader.FindUnknown())
        {
            Log.Unknown(logger, error);
        }
    }

    private async Task CloseAsync(HostedBatcher hosted)
    {
        Log.Closing(logger, hosted.Name, hosted.Batcher.QueueLength);
        await hosted.Batcher.CloseAsync(_giveUp.Token).ConfigureAwait(false);
        if (_giveUp.IsCancellationRequested)
        {
            Log.ClosedLate(logger, hosted.Name);
        }
        else
        {
            Log.Closed(logger, hosted.Name);
        }
    }
}
