using System.Diagnostics;
using System.Globalization;
using CommunityToolkit.HighPerformance;
using Digits;
using FastBatch.Diagnostics;
using FastBatch.Native;

// Serves the held-out digits to concurrent clients through a batcher, and one by one on one thread for comparison.
const int Rounds = 3;

if (!Arguments.TryParse(args, out Arguments arguments, out string? error))
{
    Console.Error.WriteLine(error);
    return args is ["--help" or "-h"] ? 0 : 2;
}

string model = Path.Combine(AppContext.BaseDirectory, "model");
DigitsData data = DigitsData.Load(Path.Combine(model, "digits.test.bin"));
string? missing = arguments.Engine switch
{
    "libtorch" => Torch.UnavailableReason,
    "cuda" => CudaDevice.WhyMissing(),
    _ => null,
};
if (missing is not null)
{
    Console.Error.WriteLine(missing);
    return 3;
}

await using IEngine engine = arguments.Engine != "cpu"
    ? new TorchEngine(Path.Combine(model, "digits.pt"), onCuda: arguments.Engine == "cuda")
    : new CpuEngine(Path.Combine(model, "digits.weights.bin"));

Memory2D<float> expected = new float[data.Count, DigitsNetwork.ClassCount];
for (int i = 0; i < data.Count; i++)
{
    engine.ClassifyAlone(data.Image(i).Span, expected.Span.GetRowSpan(i));
}

var batched = new List<double>();
var unbatched = new List<double>();
long allocated = 0;
long measured = 0;

using MetricsEndpoint? metrics = arguments.Metrics is { } port ? new MetricsEndpoint(engine.Batcher, port) : null;
var clients = new Clients(engine, data, expected);
OneByOne(TimeSpan.FromSeconds(0.5));
for (int round = 0; round < Rounds; round++)
{
    unbatched.Add(OneByOne(TimeSpan.FromSeconds(arguments.Seconds / 2 / Rounds)));
}

// The clients warm up until batches run at full speed; then the rounds are windows over their steady state.
Task running = clients.RunAsync(arguments.Clients);
Observe(TimeSpan.FromSeconds(1));
LatencyHistogram beforeWindows = clients.Latency();
using BatchProfile? profile = arguments.Profile is null ? null : engine.Batcher.Profile();
for (int round = 0; round < Rounds; round++)
{
    batched.Add(Observe(TimeSpan.FromSeconds(arguments.Seconds / Rounds), count: true));
}

if (arguments.Profile is { } path)
{
    profile!.Dispose();
    profile.WriteHtml(path);
}

LatencyHistogram latency = clients.Latency();
latency.Subtract(beforeWindows);
clients.Stop();
await running;
for (int round = 0; round < Rounds; round++)
{
    unbatched.Add(OneByOne(TimeSpan.FromSeconds(arguments.Seconds / 2 / Rounds)));
}

var (correct, maxAbsDifference) = clients.Check();
var report = new Report(
    arguments.Engine,
    clients.Answered,
    arguments.Clients,
    (double)correct / clients.Answered,
    maxAbsDifference,
    Median(batched),
    Median(unbatched),
    latency.Microseconds(0.5),
    latency.Microseconds(0.99),
    latency.Microseconds(0.999),
    MeanBatch(),
    (double)allocated / measured);
Console.WriteLine(arguments.Json ? report.ToJson() : "\n" + report.ToTable(engine.Description, engine.BatchesBySize));
return 0;

double OneByOne(TimeSpan duration)
{
    float[] logits = new float[DigitsNetwork.ClassCount];
    long start = Stopwatch.GetTimestamp();
    long count = 0;
    while (Stopwatch.GetElapsedTime(start) < duration)
    {
        engine.ClassifyAlone(data.Image((int)(count++ % data.Count)).Span, logits);
    }

    return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
}

// Watches the clients for a while; what this thread allocates to show them is not theirs.
double Observe(TimeSpan duration, bool count = false)
{
    long allocatedBefore = GC.GetTotalAllocatedBytes(precise: true) - GC.GetAllocatedBytesForCurrentThread();
    long answeredBefore = clients.Answered;
    long start = Stopwatch.GetTimestamp();
    while (Stopwatch.GetElapsedTime(start) is var elapsed && elapsed < duration)
    {
        Thread.Sleep(TimeSpan.FromMilliseconds(Math.Min(250, (duration - elapsed).TotalMilliseconds + 1)));
        if (!arguments.Json && !Console.IsOutputRedirected)
        {
            double rate = (clients.Answered - answeredBefore) / Stopwatch.GetElapsedTime(start).TotalSeconds;
            Console.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"\r{rate,10:N0} requests/s, {MeanBatch(),5:0.0} a batch, p99 {clients.Latency().Microseconds(0.99),8:N0} us "));
        }
    }

    long answered = clients.Answered - answeredBefore;
    double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
    if (count)
    {
        measured += answered;
        allocated += GC.GetTotalAllocatedBytes(precise: true) - GC.GetAllocatedBytesForCurrentThread() - allocatedBefore;
    }

    return answered / seconds;
}

double MeanBatch()
{
    long[] batchesBySize = engine.BatchesBySize.ToArray();
    return (double)batchesBySize.Select((batches, size) => batches * size).Sum() / Math.Max(1, batchesBySize.Sum());
}

static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
