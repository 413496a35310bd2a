using System.Diagnostics;
using System.Globalization;
using FastBatch;
using FastBatch.Native;
using FastBatch.Scheduling;

namespace Digits;

/// <summary>
/// What a batch costs through TorchSharp beside the same network through FastBatch.Native, and what a batcher written by hand over a
/// channel reaches. Interleaved, so that what else the machine does hits all alike; medians of the rounds.
/// </summary>
internal static class Bench
{
    private const int Rounds = 61;

    private delegate ValueTask Submit(ReadOnlySpan<float> image, Memory<float> logits);

    public static async Task RunAsync(string folder)
    {
        Torch.Threads = 1;
        Console.WriteLine($"TorchSharp {typeof(Tensor).Assembly.GetName().Version?.ToString(3)}; {Torch.Description.ReplaceLineEndings(" ")}");
        string small = Path.Combine(folder, "small.pt");
        string digits = Path.Combine(folder, "digits.pt");
        using var digitModule = new DigitModule(Path.Combine(folder, "digits.weights.bin"));
        using var smallModule = new SmallModule(small);
        foreach (int rows in (int[])[1, 8, 32])
        {
            await CompareBatchesAsync("digits", digits, rows, options => FromModule(digitModule.CreateClassifyBatcher(options)));
            await CompareBatchesAsync("64-128-64-10", small, rows, options => FromModule(smallModule.CreateClassifyBatcher(options)));
        }

        await CompareRequestsAsync(smallModule);
    }

    private static (Batcher Batcher, Submit Submit) FromModule(DigitModule.ClassifyBatcher batcher) =>
        (batcher, (image, logits) => batcher.SubmitAsync(image, logits));

    private static (Batcher Batcher, Submit Submit) FromModule(SmallModule.ClassifyBatcher batcher) =>
        (batcher, (image, logits) => batcher.SubmitAsync(image, logits));

    // Batches of exactly so many rows, one after the other.
    private static async Task CompareBatchesAsync(
        string name, string file, int rows, Func<BatcherOptions?, (Batcher Batcher, Submit Submit)> createModule)
    {
        BatcherOptions options = new()
        {
            MaxBatchSize = rows,
            Policy = rows == 1 ? null : new SizeOrDelayPolicy(TimeSpan.FromMinutes(1)),
            DedicatedThread = false,
        };
        using TorchScriptModule loaded = TorchScriptModule.Load(file);
        using var script = new DigitScript(file);
        await using NativeNetwork.ClassifyBatcher natives = new NativeNetwork(loaded).CreateClassifyBatcher(options);
        await using DigitScript.ClassifyBatcher scripts = script.CreateClassifyBatcher(options);
        (Batcher batcher, Submit modules) = createModule(options);
        await using Batcher disposed = batcher;
        float[] image = new float[64];
        float[][] logits = [.. Enumerable.Range(0, rows).Select(static _ => new float[10])];
        var tasks = new ValueTask[rows];
        await CompareAsync(
            $"{name}, batch {rows}, us per batch",
            ("FastBatch.Native", () => BatchesAsync((x, y) => natives.SubmitAsync(x, y))),
            ("nn.Module", () => BatchesAsync(modules)),
            ("ScriptModule", () => BatchesAsync((x, y) => scripts.SubmitAsync(x, y))));

        // For some 20 ms.
        async Task<double> BatchesAsync(Submit submit)
        {
            int batches = 0;
            long started = Stopwatch.GetTimestamp();
            do
            {
                for (int row = 0; row < rows; row++)
                {
                    tasks[row] = submit(image, logits[row]);
                }

                for (int row = 0; row < rows; row++)
                {
                    await tasks[row];
                }
            }
            while (++batches % 16 != 0 || Stopwatch.GetElapsedTime(started) < TimeSpan.FromMilliseconds(20));

            return Stopwatch.GetElapsedTime(started).TotalMicroseconds / batches;
        }
    }

    private static async Task CompareRequestsAsync(SmallModule module)
    {
        await using SmallModule.ClassifyBatcher batcher = module.CreateClassifyBatcher();
        await using var naive = new ChannelBatcher(module);
        await CompareAsync(
            "64-128-64-10, 64 in flight, us per request",
            ("channel", () => ClientsAsync(async (image, logits) => (await naive.SubmitAsync(image)).CopyTo(logits, 0))),
            ("FastBatch", () => ClientsAsync((image, logits) => batcher.SubmitAsync(image, logits))));

        static async Task<double> ClientsAsync(Func<float[], float[], ValueTask> submit)
        {
            const int Clients = 64;
            const int Requests = 400;
            long started = Stopwatch.GetTimestamp();
            await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => Task.Run(async () =>
            {
                float[] image = new float[64];
                float[] logits = new float[10];
                for (int i = 0; i < Requests; i++)
                {
                    await submit(image, logits);
                }
            })));
            return Stopwatch.GetElapsedTime(started).TotalMicroseconds / (Clients * Requests);
        }
    }

    private static async Task CompareAsync(string title, params (string Name, Func<Task<double>> RunAsync)[] contestants)
    {
        var times = contestants.Select(static _ => new List<double>()).ToArray();
        for (int round = -3; round < Rounds; round++)
        {
            for (int i = 0; i < contestants.Length; i++)
            {
                // Each in turn is the first.
                int turn = (i + round + contestants.Length + 3) % contestants.Length;
                double time = await contestants[turn].RunAsync();
                if (round >= 0)
                {
                    times[turn].Add(time);
                }
            }
        }

        Console.WriteLine(title);
        for (int i = 0; i < contestants.Length; i++)
        {
            double ratio = Median(times[i].Zip(times[0], static (time, first) => time / first));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"  {contestants[i].Name,-17}{Median(times[i]),9:0.00}   {ratio:0.000} of the first"));
        }
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);
}
