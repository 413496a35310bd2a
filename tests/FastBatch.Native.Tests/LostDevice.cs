using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace FastBatch.Native.Tests;

/// <summary>
/// What a process lives through whose kernel runs into an assertion: nothing on that device can be believed afterwards, so it is a process of
/// its own, <c>dotnet FastBatch.Native.Tests.dll lose-device cuda</c>. On the CPU the same row is an error like any other. It writes one line a
/// fact, and ends with 0 if all of them are as they must be.
/// </summary>
internal static class LostDevice
{
    private const int Requests = 200;
    private const long NoSuchId = 1_000_000;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static int Main(string[] arguments) => arguments is ["lose-device", "cpu" or "cuda"]
        ? RunAsync(arguments[1] == "cuda").GetAwaiter().GetResult()
        : throw new ArgumentException("One thing can be done here: lose-device cpu|cuda. The tests run with dotnet test.");

    private static async Task<int> RunAsync(bool onCuda)
    {
        using TorchScriptModule module = TorchScriptModule.Load(
            Fixture.Path("two_inputs"), new TorchScriptOptions { Device = onCuda ? TorchDevice.Cuda() : TorchDevice.Cpu });
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddFastBatch().AddLookupFindBatcher(
            configure: options => onCuda ? options with { Devices = [new CudaDevice()] } : options, model: _ => new Lookup(module));
        builder.Services.AddHealthChecks().AddFastBatch();
        using IHost host = builder.Build();
        await host.StartAsync();
        var health = host.Services.GetRequiredService<HealthCheckService>();
        var batcher = host.Services.GetRequiredService<Lookup.FindBatcher>();
        bool good = true;

        string[] before = await Task.WhenAll(Enumerable.Range(0, Requests).Select(i => Ended(batcher, i % 20))).WaitAsync(Patience);
        Require(before.All(static end => end == "answered"), $"before: {Counts(before)}");
        Require((await health.CheckHealthAsync()).Status == HealthStatus.Healthy, "before: healthy");

        long started = Stopwatch.GetTimestamp();
        string[] during = await Task.WhenAll(
            Enumerable.Range(0, Requests).Select(i => Ended(batcher, i == Requests / 2 ? NoSuchId : i % 20))).WaitAsync(Patience);
        TimeSpan took = Stopwatch.GetElapsedTime(started);
        string fault = onCuda ? nameof(DeviceLostException) : nameof(BatchExecutionException);
        Require(
            during.All(end => end == "answered" || end == fault) && during[Requests / 2] == fault && took < Limit,
            $"during: {Counts(during)}, in {took.TotalMilliseconds:0} ms");
        string after = await Ended(batcher, 1).WaitAsync(Patience);
        Require(after == (onCuda ? fault : "answered"), $"after: {after}; {batcher.State}; {batcher.Loss?.Message}");
        HealthReport report = await health.CheckHealthAsync();
        Require(report.Status == (onCuda ? HealthStatus.Unhealthy : HealthStatus.Healthy), $"after: {report.Entries.Single().Value.Description}");
        await host.StopAsync();
        return good ? 0 : 1;

        void Require(bool condition, string fact)
        {
            good &= condition;
            Console.WriteLine($"{(condition ? "as it must be" : "WRONG")}: {fact}");
        }

        static string Counts(string[] ends) => string.Join(", ", ends.CountBy(static end => end).Select(static end => $"{end.Value} {end.Key}"));
    }

    // How the request ended, in a word.
    private static async Task<string> Ended(Lookup.FindBatcher batcher, long id)
    {
        try
        {
            float[] answer = new float[8];
            await batcher.SubmitAsync(new float[8], new[] { id, 0, 0 }, answer);
            return "answered";
        }
        catch (Exception exception)
        {
            return exception.GetType().Name;
        }
    }
}

/// <summary>A table of twenty entries; the kernel that looks up one that is not there asserts.</summary>
internal sealed partial class Lookup(TorchScriptModule module)
{
    [Batchable(MaxBatchSize = 16)]
    [return: Row<float>(8)]
    internal TorchTensor Find([Row<float>(8)] TorchTensor rows, [Row<long>(3)] TorchTensor ids) => module.Forward(rows, ids);
}
