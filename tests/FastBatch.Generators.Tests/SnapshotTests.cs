using System.Text.RegularExpressions;
using FastBatch.Generators.Emitting;
using FastBatch.Generators.Tests.Harness;

namespace FastBatch.Generators.Tests;

/// <summary>What is generated, to be read: each snapshot is a file a person could have written.</summary>
public partial class SnapshotTests
{
    [Fact]
    public Task One_input_and_one_output() => VerifyAsync("Digits.Classify", """
        namespace Samples;

        public sealed partial class Digits
        {
            [Batchable(MaxBatchSize = 32)]
            public void Classify([Row(64)] ReadOnlySpan<float> images, [Row(10)] Span<float> logits) { }
        }
        """);

    [Fact]
    public Task Arrays_and_single_values() => VerifyAsync("Scorer.Score", """
        namespace Samples;

        public sealed partial class Scorer
        {
            [Batchable(MaxBatchSize = 128, MaxQueueDelayMicroseconds = 250)]
            public void Score(
                [Row(8, 8)] ReadOnlyTensorSpan<float> images, ReadOnlySpan<int> user, [Row(10)] Span<float> logits, Span<float> confidence)
            {
            }
        }
        """);

    [Fact]
    public Task Single_values_only() => VerifyAsync("Prices.Quote", """
        public static partial class Prices
        {
            [Batchable]
            internal static void Quote(ReadOnlySpan<long> product, ReadOnlySpan<DayOfWeek> day, Span<decimal> price, Span<bool> isFinal) { }
        }
        """);

    [Fact]
    public Task Strides_in_a_nested_generic_type() => VerifyAsync("Models.Encoder.Encode", """
        namespace Samples.Text;

        public static partial class Models<TToken>
            where TToken : unmanaged
        {
            public partial record Encoder
            {
                [Batchable(BatchDim = 1, OutputBatchDim = 0, Name = "EncodeSteps")]
                protected virtual void Encode([Row(128, 1, 16)] ReadOnlyTensorSpan<TToken> steps, [Row(32)] TensorSpan<Half> codes) { }
            }
        }
        """);

    [Fact]
    public Task A_tensor_in_and_a_tensor_out() => VerifyAsync("DigitsModel.Classify", """
        namespace Samples;

        public sealed partial class DigitsModel(TorchScriptModule module)
        {
            [Batchable(MaxBatchSize = 64)]
            [return: Row(10)]
            public TorchTensor Classify([Row(64)] TorchTensor images) => module.Forward(images);
        }
        """);

    [Fact]
    public Task A_method_whose_batches_are_graphs() => VerifyAsync("Ranker.Rank", """
        namespace Samples;

        public sealed partial class Ranker(TorchScriptModule module)
        {
            [Batchable(MaxBatchSize = 64, UseCudaGraphs = true)]
            [return: Row]
            public TorchTensor Rank([Row(128)] TorchTensor features) => module.Forward(features);
        }
        """);

    [Fact]
    public Task A_tuple_of_tensors_with_the_batch_inside() => VerifyAsync("Tagger.Tag", """
        namespace Samples.Text;

        public static partial class Tagger
        {
            [Batchable(BatchDim = 1)]
            [return: Row<Half>(128, 9), Row<long>, Row]
            public static (TorchTensor Scores, TorchTensor Language, TorchTensor) Tag(
                [Row<int>(128)] TorchTensor tokens, [Row<bool>(128)] TorchTensor mask, [Row<long>] TorchTensor scope) => default;
        }
        """);

    [Fact]
    public Task A_module_of_TorchSharp() => VerifyWithTorchSharpAsync("Classifier.Forward", """
        namespace Samples;

        public sealed partial class Classifier(torch.nn.Module<Tensor, Tensor> layers) : torch.nn.Module<Tensor, Tensor>("classifier")
        {
            [Batchable(MaxBatchSize = 64, Name = "Forward")]
            [return: Row(10)]
            public override Tensor forward([Row(128)] Tensor input) => layers.call(input);
        }
        """);

    [Fact]
    public Task A_tuple_of_TorchSharp_tensors_with_the_batch_inside() => VerifyWithTorchSharpAsync("Translator.Translate", """
        public static partial class Translator
        {
            [Batchable(BatchDim = 1)]
            [return: Row<Half>(128, 9), Row<long>]
            internal static (Tensor Scores, Tensor) Translate([Row<int>(128)] Tensor tokens, [Row<long>] Tensor outputs) => default;
        }
        """);

    [Fact]
    public async Task What_batchers_over_TorchSharp_tensors_share()
    {
        const string Model = "#pragma warning disable CS1591\npublic static partial class M { [Batchable] [return: Row] internal static Tensor Run([Row] Tensor x) => x; }";
        IReadOnlyDictionary<string, string> sources = await UserProject.RequireCleanAsync(UserProject.CompileWithTorchSharp(Model));
        Snapshot.Verify("TorchSharp.Glue", sources[TorchSharpGlue.HintName]);
        sources = await UserProject.RequireCleanAsync(UserProject.CompileWithTorchSharpAlone(Model));
        Snapshot.Verify("TorchSharp.Glue.Alone", sources[TorchSharpGlue.HintName]);
    }

    private static async Task VerifyAsync(string name, string source)
    {
        IReadOnlyDictionary<string, string> sources =
            await UserProject.RequireCleanAsync(UserProject.Compile("#pragma warning disable CS1591\n" + source));
        Verify(name, Assert.Single(sources).Value);
    }

    private static async Task VerifyWithTorchSharpAsync(string name, string source)
    {
        IReadOnlyDictionary<string, string> sources =
            await UserProject.RequireCleanAsync(UserProject.CompileWithTorchSharp("#pragma warning disable CS1591\n" + source));
        Verify(name, Assert.Single(sources, static source => source.Key != TorchSharpGlue.HintName).Value);
    }

    private static void Verify(string name, string source) =>
        Snapshot.Verify(name, ToolVersion().Replace(source, "GeneratedCode(\"FastBatch.Generators\", \"0.0.0\")"));

    [GeneratedRegex("""GeneratedCode\("FastBatch.Generators", "[^"]*"\)""")]
    private static partial Regex ToolVersion();
}
