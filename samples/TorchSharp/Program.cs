using System.Globalization;
using Digits;

// Serves the held-out images of the Digits sample, 64 at a time, by a module in C# and by one that PyTorch exported. `bench` measures
// what that costs instead.
string folder = Path.Combine(AppContext.BaseDirectory, "model");
torch.set_num_threads(1);
if (args is ["bench"])
{
    await Bench.RunAsync(folder);
    return 0;
}

DigitsData data = DigitsData.Load(Path.Combine(folder, "digits.test.bin"));
using var module = new DigitModule(Path.Combine(folder, "digits.weights.bin"));
using var script = new DigitScript(Path.Combine(folder, "digits.pt"));
await using DigitModule.ClassifyBatcher modules = module.CreateClassifyBatcher();
await using DigitScript.ClassifyBatcher scripts = script.CreateClassifyBatcher();
bool ofModule = await ServeAsync("nn.Module", (image, logits) => modules.SubmitAsync(image.Span, logits));
bool ofScript = await ServeAsync("ScriptModule", (image, logits) => scripts.SubmitAsync(image.Span, logits));
return ofModule && ofScript ? 0 : 1;

// False if an answer is not PyTorch's: another BLAS sums in another order, and nothing else may differ.
async Task<bool> ServeAsync(string name, Func<ReadOnlyMemory<float>, float[], ValueTask> classifyAsync)
{
    int correct = 0;
    float largest = 0;
    int expected = Enumerable.Range(0, data.Count).Count(image => Digit(data.Logits(image).ToArray()) == data.Label(image));
    await Parallel.ForEachAsync(
        Enumerable.Range(0, data.Count),
        new ParallelOptions { MaxDegreeOfParallelism = 64 },
        async (image, _) =>
        {
            float[] logits = new float[DigitsNetwork.ClassCount];
            await classifyAsync(data.Image(image), logits);
            float difference = logits.Zip(data.Logits(image).ToArray(), static (one, other) => Math.Abs(one - other)).Max();
            lock (data)
            {
                correct += Digit(logits) == data.Label(image) ? 1 : 0;
                largest = Math.Max(largest, difference);
            }
        });
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{name,-13} {correct} of {data.Count} right ({(double)correct / data.Count:P2}); largest difference from PyTorch's logits {largest:G2}"));
    return correct == expected && largest < 1e-3;
}

static int Digit(float[] logits) => Array.IndexOf(logits, logits.Max());
