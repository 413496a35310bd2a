using System.Reflection;
using FastBatch.Tests.Devices.Simulated;
using Microsoft.Extensions.Logging;

namespace FastBatch.Hosting.Tests;

/// <summary>How batchers start and stop with the host.</summary>
public class LifetimeTests
{
    [Fact]
    public async Task Models_are_loaded_before_anything_else_starts()
    {
        var order = new List<string>();
        var test = new TestHost();
        test.Services.AddHostedService(_ => new Other(() => order.Add("other")));
        test.FastBatch.AddDoublerDoubleBatcher(model: _ =>
        {
            order.Add("model");
            return new Doubler();
        });
        using IHost host = await test.StartAsync();
        Assert.Equal(["model", "other"], order);
        Assert.Contains(
            (LogLevel.Information, 1, "Doubler.Double serves, with batches of up to 16 and room for 1024 requests."), test.Logged);
    }

    [Fact]
    public async Task A_model_that_cannot_be_loaded_stops_the_start()
    {
        var test = new TestHost();
        test.FastBatch
            .AddNegationNegateBatcher()
            .AddDoublerDoubleBatcher(model: static _ => throw new InvalidDataException("No weights."));
        using IHost host = test.Build();
        var exception = await Assert.ThrowsAsync<InvalidDataException>(() => host.StartAsync());
        Assert.Equal("No weights.", exception.Message);
    }

    [Fact]
    public async Task Models_are_warmed_up_before_anything_else_starts()
    {
        var test = new TestHost();
        var model = new Doubler();
        int largestSeen = 0;
        test.Services.AddHostedService(_ => new Other(() => largestSeen = model.LargestSeen));
        test.FastBatch.ConfigureHost(static options => options.WarmUp = true).AddDoublerDoubleBatcher(model: _ => model);
        using IHost host = await test.StartAsync();
        Assert.Equal(16, largestSeen);
        Assert.Contains(test.Logged, static entry => entry.Id == 10
            && entry.Text.StartsWith("Doubler.Double was warmed up with 10 runs in ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_warm_up_says_which_sizes_have_graphs_and_why_others_have_none(bool refuses)
    {
        var test = new TestHost(("FastBatch:Doubler.Double:UseCudaGraphs", "true"), ("FastBatch:Doubler.Double:GraphSizes", "16, 4"));
        test.FastBatch.ConfigureHost(static options => options.WarmUp = true).AddDoublerDoubleBatcher(
            configure: options => options with { Devices = [new ImmediateDevice { RefusesRecording = refuses }] });
        using IHost host = await test.StartAsync();
        const string Reason = "it cannot be recorded: immediate:0 cannot now.";
        (LogLevel Level, int Id, string Text)[] expected = refuses
            ?
            [
                (LogLevel.Warning, 12, $"Doubler.Double runs without a graph in batches of 4: {Reason}"),
                (LogLevel.Warning, 12, $"Doubler.Double runs without a graph in batches of 16: {Reason}"),
            ]
            : [(LogLevel.Information, 11, "Doubler.Double runs as graphs in batches of 4, 16.")];
        Assert.Equal(expected, test.Logged.Where(static entry => entry.Id is 11 or 12));
    }

    [Fact]
    public async Task A_model_that_cannot_run_stops_the_start()
    {
        var test = new TestHost();
        var adder = new Adder(new Summand(1));
        adder.Dispose();
        test.FastBatch.ConfigureHost(static options => options.WarmUp = true).AddAdderAddBatcher(model: _ => adder);
        using IHost host = test.Build();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => host.StartAsync());
    }

    [Fact]
    public async Task Told_to_stop_while_a_model_warms_up_it_does_not_wait_for_it()
    {
        var test = new TestHost();
        var model = new Doubler();
        bool othersStarted = false;
        test.Services.AddHostedService(_ => new Other(() => othersStarted = true));
        test.FastBatch
            .ConfigureHost(static options => options.WarmUp = true)
            .AddNegationNegateBatcher()
            .AddDoublerDoubleBatcher(configure: static options => options with { DrainTimeout = TimeSpan.FromMilliseconds(1) }, model: _ => model);
        IHost host = test.Build();
        model.Hold();
        Task start = host.StartAsync();
        await model.ArrivedAsync();
        host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.False(othersStarted);
        await host.StopAsync().WaitAsync(TimeSpan.FromSeconds(30));
        var batchers = new Batcher[] { host.Services.GetRequiredService<Negation.NegateBatcher>(), host.Services.GetRequiredService<Doubler.DoubleBatcher>() };
        Assert.All(batchers, static batcher => Assert.NotEqual(BatcherState.Serving, batcher.State));
        await Task.Run(host.Dispose).WaitAsync(TimeSpan.FromSeconds(30));
        model.Release();
        Assert.All(batchers, static batcher => Assert.Equal(BatcherState.Closed, batcher.State));
    }

    [Fact]
    public async Task One_model_that_cannot_be_loaded_ends_the_others()
    {
        var test = new TestHost();
        test.FastBatch
            .AddNegationNegateBatcher()
            .AddDoublerDoubleBatcher(model: static _ => throw new InvalidDataException("No weights."));
        using IHost host = test.Build();
        await Assert.ThrowsAsync<InvalidDataException>(() => host.StartAsync());
        var batcher = host.Services.GetRequiredService<Negation.NegateBatcher>();
        Assert.NotEqual(BatcherState.Serving, batcher.State);
        await Assert.ThrowsAsync<BatcherClosedException>(async () => await batcher.SubmitAsync(1));
        await host.StopAsync();
    }

    [Fact]
    public async Task Stopping_refuses_at_once_and_answers_what_was_accepted()
    {
        var test = new TestHost();
        test.FastBatch.AddDoublerDoubleBatcher();
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        test.Services.AddHostedService(_ => new Other(static () => { }, stopped.SetResult));
        using IHost host = await test.StartAsync();
        var batcher = host.Services.GetRequiredService<Doubler.DoubleBatcher>();
        Doubler model = host.Services.GetRequiredService<Doubler>();
        model.Hold();
        Task<int>[] accepted = [.. Enumerable.Range(0, 40).Select(i => batcher.SubmitAsync(i).AsTask())];
        await model.ArrivedAsync();
        Task stopping = host.StopAsync();

        // Whatever else stops, finds admission closed: a server that drains its own requests waits for these.
        await stopped.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(BatcherState.Closing, batcher.State);
        await Assert.ThrowsAsync<BatcherClosedException>(async () => await batcher.SubmitAsync(1));
        Assert.False(stopping.IsCompleted);
        model.Release();
        await stopping.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(Enumerable.Range(0, 40).Select(static i => 2 * i), await Task.WhenAll(accepted));
        Assert.Contains((LogLevel.Information, 3, "Doubler.Double has answered every request it accepted."), test.Logged);
    }

    [Fact]
    public async Task What_cannot_be_run_within_the_hosts_time_ends_before_the_host_gives_up()
    {
        var test = new TestHost();
        test.FastBatch.AddDoublerDoubleBatcher();
        test.Services.Configure<HostOptions>(static options => options.ShutdownTimeout = TimeSpan.FromSeconds(1));
        using IHost host = await test.StartAsync();
        var batcher = host.Services.GetRequiredService<Doubler.DoubleBatcher>();
        Doubler model = host.Services.GetRequiredService<Doubler>();
        model.Hold();
        Task<int>[] stuck = [.. Enumerable.Range(0, 40).Select(i => batcher.SubmitAsync(i).AsTask())];
        await model.ArrivedAsync();

        // Completes by itself: it would throw if the host's own limit had been what ended it.
        await host.StopAsync().WaitAsync(TimeSpan.FromSeconds(30));
        foreach (Task<int> task in stuck)
        {
            await Assert.ThrowsAsync<BatcherClosedException>(() => task.WaitAsync(TimeSpan.FromSeconds(30)));
        }

        Assert.Contains(test.Logged, static line => line is { Level: LogLevel.Warning, Id: 4 });
        model.Release();
    }

    [Fact]
    public async Task A_host_in_a_hurry_ends_the_rest_at_once()
    {
        var test = new TestHost();
        test.FastBatch.AddDoublerDoubleBatcher();
        using IHost host = await test.StartAsync();
        var batcher = host.Services.GetRequiredService<Doubler.DoubleBatcher>();
        Doubler model = host.Services.GetRequiredService<Doubler>();
        model.Hold();
        Task<int> stuck = batcher.SubmitAsync(1).AsTask();
        await model.ArrivedAsync();
        await host.StopAsync(new CancellationToken(canceled: true)).WaitAsync(TimeSpan.FromSeconds(30));
        await Assert.ThrowsAsync<BatcherClosedException>(() => stuck.WaitAsync(TimeSpan.FromSeconds(30)));
        model.Release();
    }

    [Fact]
    public async Task The_stopping_delay_holds_the_rest_of_the_host_up_with_admission_closed()
    {
        var test = new TestHost();
        test.FastBatch.ConfigureHost(static options => options.StoppingDelay = TimeSpan.FromMinutes(5)).AddDoublerDoubleBatcher();
        using IHost host = await test.StartAsync();
        var batcher = host.Services.GetRequiredService<Doubler.DoubleBatcher>();
        using var hurry = new CancellationTokenSource();
        Task stopping = host.StopAsync(hurry.Token);
        await Assert.ThrowsAsync<BatcherClosedException>(async () => await batcher.SubmitAsync(1));
        Assert.False(stopping.IsCompleted);
        await hurry.CancelAsync();
        await stopping.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Impossible_host_options_are_refused_at_start()
    {
        var test = new TestHost();
        test.FastBatch.ConfigureHost(static options => (options.StoppingDelay, options.ShedBudget) = (TimeSpan.FromSeconds(-1), 1.5));
        Assert.Equal(
            [
                "FastBatchHostOptions.StoppingDelay must be zero or more, and at most 10 minutes; it is -00:00:01.",
                "FastBatchHostOptions.ShedBudget must be 0 to 1; it is 1.5.",
            ],
            await ConfigurationTests.ErrorsAsync(test));
    }

    [Fact]
    public void Ids_of_logs_are_pinned() => Assert.Equal(
        [
            "1 Serving Information", "10 WarmedUp Information", "11 HasGraphs Information", "12 HasNoGraph Warning", "13 RunsOn Information", "2 Closing Information", "3 Closed Information", "4 ClosedLate Warning",
            "5 Reloaded Information", "6 SettingRefused Warning", "7 ReloadRefused Error", "8 Unknown Error", "9 FileBroken Error",
        ],
        typeof(Log).GetMethods(BindingFlags.Static | BindingFlags.Public)
            .Select(static method => (method.Name, Message: method.GetCustomAttribute<LoggerMessageAttribute>()))
            .Where(static one => one.Message is not null)
            .Select(static one => $"{one.Message!.EventId} {one.Name} {one.Message.Level}")
            .Order(StringComparer.Ordinal));

    private sealed class Other(Action onStart, Action? onStop = null) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            onStart();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken)
        {
            onStop?.Invoke();
            return Task.CompletedTask;
        }
    }
}
