using FastBatch.LoadTests.Harness;
using FastBatch.LoadTests.Scenarios;
using FastBatch.Native;

namespace FastBatch.LoadTests;

/// <summary>
/// A narrow, deep perceptron on libtorch, 128 -> 32 -> ... -> 16, that <c>TorchModels/make.py</c> wrote. It is thread-safe; batches are metered, so
/// only one at a time may go through <see cref="Run"/>.
/// </summary>
internal readonly struct TorchNetwork : IModel
{
    public const int LargestBatch = 128;

    private static readonly Lazy<TorchScriptModule> s_module = new(static () => Load("network"));

    public static int RowLength => Computation.SmallRow;

    public static int MaxBatchSize => LargestBatch;

    public static TorchScriptModule Module => s_module.Value;

    public static TorchScriptModule Load(string name) =>
        TorchScriptModule.Load(Path.Combine(AppContext.BaseDirectory, "TorchModels", $"{name}.pt"));

    public static void Run(ReadOnlySpan<float> rows, Span<float> answers)
    {
        BatchMeter.Record(answers.Length / Computation.AnswerLength);
        Forward(rows, answers);
    }

    /// <summary>For rows that may lie anywhere: they are copied into a tensor of libtorch's.</summary>
    public static void Forward(ReadOnlySpan<float> rows, Span<float> answers)
    {
        int count = answers.Length / Computation.AnswerLength;
        using TorchScope scope = TorchScope.Enter();
        Module.Forward(scope.Copy(rows, [count, Computation.SmallRow])).CopyTo(answers, [count, Computation.AnswerLength]);
    }
}

/// <summary>The network as a user of FastBatch serves it: the batcher's rows are the tensor.</summary>
internal static partial class TorchNetworkService
{
    [Batchable(BatchDim = 0, MaxBatchSize = TorchNetwork.LargestBatch)]
    [return: Row(Computation.AnswerLength)]
    public static TorchTensor Run([Row(Computation.SmallRow)] TorchTensor x)
    {
        BatchMeter.Record((int)x.GetLength(0));
        return TorchNetwork.Module.Forward(x);
    }
}
