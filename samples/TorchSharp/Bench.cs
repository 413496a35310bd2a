using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
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
    private const int Rounds = 41;

    public static async Task RunAsync(string folder)
    {
        Torch.Threads = 1;
        Console.WriteLine($"TorchSharp {typeof(Tensor).Assembly.GetName().Version?.ToString(3)}; {Torch.Description.ReplaceLineEndings(" ")}");
        using var module = new DigitModule(Path.Combine(folder, "digits.weights.bin"));
        using var script = new DigitScript(Path.Combine(folder, "digits.pt"));
        using TorchScriptModule loaded = TorchScriptModule.Load(Path.Combine(folder, "digits.pt"));
        foreach (int rows in (int[])[1, 8, 32])
        {
            // Batches of exactly that many rows.
            BatcherOptions? options = rows == 1
                ? null
                : new BatcherOptions { MaxBatchSize = rows, Policy = new SizeOrDelayPolicy(TimeSpan.FromMinutes(1)) };
            await using NativeDigits.ClassifyBatcher natives = new NativeDigits(loaded).CreateClassifyBatcher(options);
            await using DigitModule.ClassifyBatcher modules = module.CreateClassifyBatcher(options);
            await using DigitScript.ClassifyBatcher scripts = script.CreateClassifyBatcher(options);
            float[] image = new float[64];
            float[][] logits = [.. Enumerable.Range(0, rows).Select(static _ => new float[10])];
            var tasks = new ValueTask[rows];
            await CompareAsync(
                $"digits, batch {rows}, us per batch",
                ("FastBatch.Native", () => BatchesAsync(row => natives.SubmitAsync(image, logits[row]))),
                ("nn.Module", () => BatchesAsync(row => modules.SubmitAsync(image, logits[row]))),
                ("ScriptModule", () => BatchesAsync(row => scripts.SubmitAsync(image, logits[row]))));

            async Task<double> BatchesAsync(Func<int, ValueTask> submit)
            {
                int batches = 1200 / rows;
                long started = Stopwatch.GetTimestamp();
                for (int i = 0; i < batches; i++)
                {
                    for (int row = 0; row < rows; row++)
                    {
                        tasks[row] = submit(row);
                    }

                    for (int row = 0; row < rows; row++)
                    {
                        await tasks[row];
                    }
                }

                return Stopwatch.GetElapsedTime(started).TotalMicroseconds / batches;
            }
        }

        using var small = new SmallModule();
        await using SmallModule.ClassifyBatcher batcher = small.CreateClassifyBatcher();
        await using var naive = new ChannelBatcher(small);
        await CompareAsync(
            "64 in flight, 64-32-10, us per request",
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

/// <summary>The sample's network through FastBatch.Native.</summary>
internal sealed partial class NativeDigits(TorchScriptModule module)
{
    [Batchable]
    [return: Row(10)]
    public TorchTensor Classify([Row(64)] TorchTensor images) => module.Forward(images);
}

/// <summary>A network so small that what stands around it counts.</summary>
internal sealed partial class SmallModule : torch.nn.Module<Tensor, Tensor>
{
    private readonly torch.nn.Module<Tensor, Tensor> _layers = torch.nn.Sequential(
        ("first", torch.nn.Linear(64, 32)), ("relu", torch.nn.ReLU()), ("second", torch.nn.Linear(32, 10)));

    public SmallModule()
        : base("small") => RegisterComponents();

    [Batchable]
    [return: Row(10)]
    public Tensor Classify([Row(64)] Tensor images) => _layers.call(images);

    public override Tensor forward(Tensor images) => _layers.call(images);
}

/// <summary>What is written first: a channel, a task for each request, arrays in and out of tensors.</summary>
internal sealed class ChannelBatcher : IAsyncDisposable
{
    private const int MaxBatchSize = 64;

    private readonly Channel<(float[] Image, TaskCompletionSource<float[]> Result)> _requests =
        Channel.CreateUnbounded<(float[] Image, TaskCompletionSource<float[]> Result)>(new UnboundedChannelOptions { SingleReader = true });

    private readonly Task _loop;

    public ChannelBatcher(torch.nn.Module<Tensor, Tensor> module) => _loop = Task.Run(() => LoopAsync(module));

    public Task<float[]> SubmitAsync(float[] image)
    {
        var result = new TaskCompletionSource<float[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        _requests.Writer.TryWrite((image, result));
        return result.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _requests.Writer.Complete();
        await _loop;
    }

    private async Task LoopAsync(torch.nn.Module<Tensor, Tensor> module)
    {
        var batch = new List<(float[] Image, TaskCompletionSource<float[]> Result)>(MaxBatchSize);
        while (await _requests.Reader.WaitToReadAsync())
        {
            while (batch.Count < MaxBatchSize && _requests.Reader.TryRead(out (float[] Image, TaskCompletionSource<float[]> Result) request))
            {
                batch.Add(request);
            }

            float[] images = new float[batch.Count * 64];
            for (int i = 0; i < batch.Count; i++)
            {
                batch[i].Image.CopyTo(images, i * 64);
            }

            float[] logits;
            using (torch.no_grad())
            using (torch.NewDisposeScope())
            {
                logits = module.call(torch.tensor(images, [batch.Count, 64])).data<float>().ToArray();
            }

            for (int i = 0; i < batch.Count; i++)
            {
                batch[i].Result.SetResult(logits[(i * 10)..((i + 1) * 10)]);
            }

            batch.Clear();
        }
    }
}
