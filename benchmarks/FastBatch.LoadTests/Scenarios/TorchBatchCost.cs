using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using FastBatch.Native;

namespace FastBatch.LoadTests.Scenarios;

/// <summary>What one batch costs on the way to libtorch and back, measured on one thread, without a batcher. Times are medians.</summary>
/// <param name="Library">The versions of libtorch and its BLAS, and the threads it may use.</param>
/// <param name="Batch">Rows of 128 floats in, 16 out.</param>
/// <param name="ForwardMicroseconds">Running the network.</param>
/// <param name="AroundMicroseconds">The rest: opening the scope, the tensor over the rows, reading the result, leaving the scope.</param>
/// <param name="IdentityMicroseconds">All of it with a module that returns its input.</param>
/// <param name="ManagedBytes">Allocated on the managed heap, over all batches.</param>
internal sealed record TorchBatchCost(
    string Scenario,
    string Library,
    int Batch,
    double ForwardMicroseconds,
    double AroundMicroseconds,
    double IdentityMicroseconds,
    double ManagedBytes)
{
    private const int WarmUpBatches = 3_000;
    private const int Batches = 5_000;

    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static IEnumerable<TorchBatchCost> Measure(IEnumerable<int> batches, string library)
    {
        using TorchScriptModule identity = TorchNetwork.Load("identity");
        foreach (int batch in batches)
        {
            Run(TorchNetwork.Module, Computation.AnswerLength, batch, WarmUpBatches);
            Run(identity, Computation.SmallRow, batch, WarmUpBatches);
            Thread.Sleep(150); // The optimizing compiler finishes in the background.

            var network = Run(TorchNetwork.Module, Computation.AnswerLength, batch, Batches);
            var nothing = Run(identity, Computation.SmallRow, batch, Batches);
            yield return new TorchBatchCost(
                "torch-batch",
                library,
                batch,
                network.Forward,
                network.Around,
                Math.Round(nothing.Forward + nothing.Around, 3),
                network.Bytes + nothing.Bytes);
        }
    }

    public string ToJson() => JsonSerializer.Serialize(this, s_json);

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"torch: a batch of {Batch,3}: forward {ForwardMicroseconds,7:0.0} us, around it {AroundMicroseconds:0.00} us, "
        + $"all of it for the identity {IdentityMicroseconds:0.00} us, {ManagedBytes:0} managed bytes in {2 * Batches:N0} batches");

    private static (double Forward, double Around, long Bytes) Run(TorchScriptModule module, int answerLength, int batch, int times)
    {
        float[] rows = GC.AllocateArray<float>(batch * Computation.SmallRow, pinned: true);
        float[] answers = new float[batch * answerLength];
        long[] forward = new long[times];
        long[] around = new long[times];
        long bytes = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < times; i++)
        {
            (forward[i], around[i]) = RunOnce(module, rows, answers, batch, answerLength);
        }

        bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
        return (MedianMicroseconds(forward), MedianMicroseconds(around), bytes);
    }

    private static (long Forward, long Around) RunOnce(TorchScriptModule module, float[] rows, float[] answers, int batch, int answerLength)
    {
        long start = Stopwatch.GetTimestamp();
        TorchScope scope = TorchScope.Enter();
        TorchTensor input = scope.Borrow<float>(rows, [batch, Computation.SmallRow]);
        long ready = Stopwatch.GetTimestamp();
        TorchTensor output = module.Forward(input);
        long ran = Stopwatch.GetTimestamp();
        output.CopyTo<float>(answers, [batch, answerLength]);
        scope.Dispose();
        return (ran - ready, Stopwatch.GetTimestamp() - ran + ready - start);
    }

    private static double MedianMicroseconds(long[] ticks)
    {
        Array.Sort(ticks);
        return Math.Round(ticks[ticks.Length / 2] * 1e6 / Stopwatch.Frequency, 3);
    }
}
