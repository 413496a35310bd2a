using System.Diagnostics;
using System.Globalization;
using Digits;
using FastBatch.LoadTests.Harness;
using FastBatch.Simulation.Replays;
using Trace = FastBatch.Simulation.Replays.Trace;

namespace FastBatch.LoadTests.Recording;

/// <summary>
/// <c>record</c>: requests at their own pace to the network of the Digits sample, at shares of what it can do in full batches; a recording of each
/// load goes to a file that benchmarks/FastBatch.Simulation can replay. Every answer is checked.
/// </summary>
internal sealed record RecordCommand(string Folder, double Seconds, double[] Loads, int MaxBatchSize)
{
    public const string Name = "record";

    private const string Model = "DigitsModel";

    public static string Usage => """
        usage: FastBatch.LoadTests record FOLDER [--seconds S] [--loads L,L,...] [--max-batch-size N]

          --seconds         how long at each load (default 10)
          --loads           shares of the device's throughput (default 0.2,0.5,0.8)
          --max-batch-size  at most 64 (default)
        """;

    /// <returns>null if the arguments are not understood.</returns>
    public static RecordCommand? Parse(ReadOnlySpan<string> args)
    {
        if (args.Length % 2 == 0 || args[0].StartsWith('-'))
        {
            return null;
        }

        var parsed = new RecordCommand(args[0], 10, [0.2, 0.5, 0.8], DigitClassifier.LargestBatch);
        for (int i = 1; i < args.Length; i += 2)
        {
            double[] numbers = [.. args[i + 1].Split(',').Select(text =>
                double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : -1)];
            switch (args[i])
            {
                case "--seconds" when numbers is [> 0 and <= 600]:
                    parsed = parsed with { Seconds = numbers[0] };
                    break;
                case "--loads" when numbers.All(load => load is > 0 and <= 2):
                    parsed = parsed with { Loads = numbers };
                    break;
                case "--max-batch-size" when numbers is [>= 1 and <= DigitClassifier.LargestBatch]:
                    parsed = parsed with { MaxBatchSize = (int)numbers[0] };
                    break;
                default:
                    return null;
            }
        }

        return parsed;
    }

    /// <returns>The exit code.</returns>
    public int Run()
    {
        Directory.CreateDirectory(Folder);
        DigitsNetwork network = Load();
        DigitsData data = DigitsData.Load(Path.Combine(AppContext.BaseDirectory, Model, "digits.test.bin"));
        float[][] answers = [.. Enumerable.Range(0, data.Count).Select(image =>
        {
            float[] logits = new float[DigitsNetwork.ClassCount];
            network.Forward(data.Image(image).Span, logits, 1);
            return logits;
        })];
        double full = FullBatchSeconds(network);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"a batch of {DigitClassifier.LargestBatch} takes {full * 1e6:0} us"));
        _ = RecordAsync(0.5 * DigitClassifier.LargestBatch / full, 2, data, answers).GetAwaiter().GetResult();
        foreach (double load in Loads)
        {
            double rate = load * DigitClassifier.LargestBatch / full;
            Trace trace = RecordAsync(rate, Seconds, data, answers).GetAwaiter().GetResult();
            string path = Path.Combine(Folder, string.Create(CultureInfo.InvariantCulture, $"digits-{load}-{MaxBatchSize}.trace"));
            trace.Write(path);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{path}: {trace.Requests.Length} requests, {trace.Batches.Length} batches"));
        }

        return 0;
    }

    private static DigitsNetwork Load() => DigitsNetwork.Load(Path.Combine(AppContext.BaseDirectory, Model, "digits.weights.bin"));

    // The median of many, after as many for the compiler.
    private static double FullBatchSeconds(DigitsNetwork network)
    {
        const int runs = 300;
        float[] images = new float[DigitClassifier.LargestBatch * DigitsNetwork.ImageLength];
        float[] logits = new float[DigitClassifier.LargestBatch * DigitsNetwork.ClassCount];
        double[] seconds = new double[2 * runs];
        for (int i = 0; i < seconds.Length; i++)
        {
            long started = Stopwatch.GetTimestamp();
            network.Forward(images, logits, DigitClassifier.LargestBatch);
            seconds[i] = Stopwatch.GetElapsedTime(started).TotalSeconds;
        }

        return seconds[runs..].Order().ElementAt(runs / 2);
    }

    private async Task<Trace> RecordAsync(double requestsPerSecond, double seconds, DigitsData data, float[][] answers)
    {
        await using DigitClassifier.ClassifyBatcher batcher = new DigitClassifier(Load()).CreateClassifyBatcher(
            new BatcherOptions { MaxBatchSize = MaxBatchSize });
        var recorder = new TraceRecorder(batcher.MaxBatchSize);
        var calls = new List<Task>((int)(requestsPerSecond * seconds * 1.1));

        // A thread of its own, which spins: sleeping is late by more than what is measured.
        var generator = new Thread(() => Generate(batcher, requestsPerSecond, seconds, data, answers, calls)) { Name = "arrivals" };
        using (batcher.Observe(recorder))
        {
            generator.Start();
            await Task.Run(generator.Join);
            await Task.WhenAll(calls);
            await batcher.DisposeAsync();
        }

        return recorder.ToTrace();
    }

    private static void Generate(
        DigitClassifier.ClassifyBatcher batcher, double requestsPerSecond, double seconds, DigitsData data, float[][] answers, List<Task> calls)
    {
        var random = new Random(5);
        double due = Stopwatch.GetTimestamp();
        double end = due + (seconds * Stopwatch.Frequency);
        while ((due -= Math.Log(1 - random.NextDouble()) / requestsPerSecond * Stopwatch.Frequency) < end)
        {
            while (Stopwatch.GetTimestamp() < due)
            {
                Thread.SpinWait(1);
            }

            int image = random.Next(data.Count);
            calls.Add(CallAsync(batcher, data, answers, image));
        }
    }

    private static async Task CallAsync(DigitClassifier.ClassifyBatcher batcher, DigitsData data, float[][] answers, int image)
    {
        float[] logits = new float[DigitsNetwork.ClassCount];
        await batcher.SubmitAsync(data.Image(image).Span, logits).ConfigureAwait(false);
        if (!logits.AsSpan().SequenceEqual(answers[image]))
        {
            Failure.WrongAnswer("FastBatch", $"image {image} got another answer than alone");
        }
    }
}
