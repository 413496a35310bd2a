using System.Globalization;
using FastBatch.Diagnostics;
using FastBatch.Scheduling;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FastBatch.Hosting.Tests;

/// <summary>Settings that change while batchers serve.</summary>
public class ReloadTests
{
    private const string Section = "FastBatch:Doubler.Double";

    [Fact]
    public async Task What_may_change_does_and_no_request_is_lost()
    {
        var test = new TestHost(($"{Section}:MaxBatchSize", "8"), ($"{Section}:Capacity", "64"));
        test.FastBatch.AddDoublerDoubleBatcher();
        using IHost host = await test.StartAsync();
        var batcher = host.Services.GetRequiredService<Doubler.DoubleBatcher>();
        Doubler model = host.Services.GetRequiredService<Doubler>();
        model.Hold();
        Task<int> first = batcher.SubmitAsync(0).AsTask();
        await model.ArrivedAsync();
        Task<int>[] waiting = [.. Enumerable.Range(1, 20).Select(i => batcher.SubmitAsync(i).AsTask())];
        test.Change(($"{Section}:MaxBatchSize", "3"), ($"{Section}:Overload", "Reject"));
        Assert.Equal(3, batcher.MaxBatchSize);
        Assert.Equal(OverloadMode.Reject, batcher.Options.Overload);
        Assert.Contains((LogLevel.Information, 5, "Doubler.Double goes on with new settings."), test.Logged);
        model.Release();
        Assert.Equal(Enumerable.Range(0, 21).Select(static i => 2 * i), await Task.WhenAll([first, .. waiting]));
        Assert.Equal(3, model.LargestSeen);
    }

    [Fact]
    public async Task What_is_fixed_is_refused_with_a_reason_and_the_rest_is_taken()
    {
        var test = new TestHost(($"{Section}:MaxBatchSize", "8"), ($"{Section}:Capacity", "64"));
        test.FastBatch.AddDoublerDoubleBatcher();
        using IHost host = await test.StartAsync();
        var batcher = host.Services.GetRequiredService<Doubler.DoubleBatcher>();
        test.Change(
            ($"{Section}:MaxBatchSize", "9"), ($"{Section}:Capacity", "128"), ($"{Section}:ZeroRows", "false"), ($"{Section}:DrainTimeout", "1s"));
        Assert.Equal(new BatcherOptions { MaxBatchSize = 8, Capacity = 64, DrainTimeout = TimeSpan.FromSeconds(1) }, batcher.Options);
        string[] refused = [.. test.Logged.Where(static line => line.Id == 6).Select(static line => line.Text).Order()];
        Assert.Equal(3, refused.Length);
        Assert.StartsWith(
            $"{Section}:Capacity is changed, and is not taken up while the service runs: Doubler.Double: BatcherOptions.Capacity is fixed while it serves: "
            + "it is 64, and 128 is given.",
            refused[0],
            StringComparison.Ordinal);
        Assert.StartsWith($"{Section}:MaxBatchSize is changed", refused[1], StringComparison.Ordinal);
        Assert.StartsWith($"{Section}:ZeroRows is changed", refused[2], StringComparison.Ordinal);
        Assert.Equal(10, await batcher.SubmitAsync(5));
    }

    [Fact]
    public async Task What_is_wrong_changes_nothing_and_is_logged()
    {
        var test = new TestHost(($"{Section}:MaxBatchSize", "8"));
        test.FastBatch.AddDoublerDoubleBatcher();
        using IHost host = await test.StartAsync();
        var batcher = host.Services.GetRequiredService<Doubler.DoubleBatcher>();
        BatcherOptions before = batcher.Options;
        test.Change(($"{Section}:MaxBatchSize", "4"), ($"{Section}:MaxQueueDelay", "5"), ($"{Section}:Colour", "blue"));
        Assert.Same(before, batcher.Options);
        string logged = Assert.Single(test.Logged, static line => line is { Level: LogLevel.Error, Id: 7 }).Text;
        Assert.StartsWith("Doubler.Double keeps its settings, since the new ones are wrong: ", logged, StringComparison.Ordinal);
        Assert.Contains($"{Section}:MaxQueueDelay (MemoryConfigurationProvider) must be a duration", logged, StringComparison.Ordinal);
        Assert.Contains(test.Logged, static line => line is { Level: LogLevel.Error, Id: 8 } && line.Text.Contains("Colour", StringComparison.Ordinal));

        // Mended, it is taken up.
        test.Change(($"{Section}:MaxQueueDelay", "5ms"), ($"{Section}:Colour", null));
        Assert.Equal(new BatcherOptions { MaxBatchSize = 4, MaxQueueDelay = TimeSpan.FromMilliseconds(5) }, batcher.Options);
    }

    [Fact]
    public async Task Code_still_wins_and_may_throw()
    {
        var test = new TestHost(($"{Section}:MaxBatchSize", "8"));
        bool throws = false;
        test.FastBatch.AddDoublerDoubleBatcher(configure: options => throws
            ? throw new InvalidOperationException("Not now.")
            : options with { MaxBatchSize = 2 });
        using IHost host = await test.StartAsync();
        var batcher = host.Services.GetRequiredService<Doubler.DoubleBatcher>();
        test.Change(($"{Section}:MaxBatchSize", "4"));
        Assert.Equal(2, batcher.MaxBatchSize);
        throws = true;
        test.Change(($"{Section}:MaxBatchSize", "5"));
        Assert.Equal(2, batcher.MaxBatchSize);
        Assert.Contains(test.Logged, static line => line.Id == 7 && line.Text.EndsWith("Not now.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_changes_while_models_are_loading_is_taken_up()
    {
        var test = new TestHost(($"{Section}:MaxBatchSize", "8"));
        test.FastBatch.AddDoublerDoubleBatcher().AddAdderAddBatcher(model: _ =>
        {
            test.Change(($"{Section}:MaxBatchSize", "4"));
            return new Adder(new Summand(1));
        });
        using IHost host = await test.StartAsync();
        Assert.Equal(4, host.Services.GetRequiredService<Doubler.DoubleBatcher>().MaxBatchSize);
    }

    [Fact]
    public async Task A_storm_of_changes_under_load_loses_nothing_and_ends_with_the_last()
    {
        const int Threads = 3;
        const int Changes = 200;
        var source = new Swapped();
        var test = new TestHost();
        ((IConfigurationBuilder)test.Configuration).Add(source);
        test.FastBatch.AddDoublerDoubleBatcher().AddDoublerDoubleBatcher("second");
        using IHost host = await test.StartAsync();
        Doubler.DoubleBatcher[] batchers =
            [host.Services.GetRequiredService<Doubler.DoubleBatcher>(), host.Services.GetRequiredKeyedService<Doubler.DoubleBatcher>("second")];
        bool ends = false;
        Task[] clients = [.. Enumerable.Range(0, 16).Select(client => Task.Run(async () =>
        {
            for (int i = client; !Volatile.Read(ref ends); i++)
            {
                Assert.Equal(2 * i, await batchers[i % 2].SubmitAsync(i).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
            }
        }))];

        // Some wrong, some for the next start, some impossible together: whatever comes, requests are answered.
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(() =>
        {
            var random = new Random(thread);
            for (int i = 0; i < Changes; i++)
            {
                source.Swap(new Dictionary<string, string?>
                {
                    [$"{Section}:MaxBatchSize"] = random.Next(0, 18).ToString(CultureInfo.InvariantCulture),
                    [$"{Section}:MaxQueueDelay"] = random.Next(5) == 0 ? "soon" : $"{random.Next(3)}us",
                    [$"{Section}:second:Capacity"] = random.Next(3) == 0 ? "64" : null!,
                    [random.Next(3) == 0 ? $"{Section}:Colour" : $"{Section}:Overload"] = "Wait",
                });
            }
        })));
        var monitor = host.Services.GetRequiredService<IOptionsMonitor<BatcherOptions>>();
        Assert.Equal(monitor.Get("Doubler.Double"), batchers[0].Options);
        source.Swap(new Dictionary<string, string?> { [$"{Section}:MaxBatchSize"] = "5" });
        Assert.All(batchers, static batcher => Assert.Equal(new BatcherOptions { MaxBatchSize = 5 }, batcher.Options));
        Volatile.Write(ref ends, true);
        await Task.WhenAll(clients);
        Assert.All(batchers, static batcher =>
        {
            BatcherStatistics statistics = batcher.GetStatistics();
            Assert.Equal(statistics.Ended, statistics.Succeeded);
        });
    }

    [Fact]
    public async Task A_policy_of_code_cannot_be_combined_with_a_delay_of_configuration()
    {
        var test = new TestHost();
        test.FastBatch.AddDoublerDoubleBatcher(configure: static options => options with { Policy = WorkConservingPolicy.Instance });
        using IHost host = await test.StartAsync();
        var batcher = host.Services.GetRequiredService<Doubler.DoubleBatcher>();
        BatcherOptions before = batcher.Options;
        test.Change(($"{Section}:MaxQueueDelay", "5ms"));
        Assert.Equal(before, batcher.Options);
        Assert.Contains(test.Logged, static line => line.Id == 6 && line.Text.StartsWith($"{Section}:MaxQueueDelay", StringComparison.Ordinal));
    }

    // Settings that several threads change, each time as a whole.
    private sealed class Swapped : ConfigurationProvider, IConfigurationSource
    {
        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

        public void Swap(Dictionary<string, string?> data)
        {
            foreach (string unset in data.Keys.Where(key => data[key] is null).ToArray())
            {
                data.Remove(unset);
            }

            Data = data;
            OnReload();
        }
    }
}
