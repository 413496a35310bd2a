namespace FastBatch.Generators.Tests.Harness;

/// <summary>
/// What the blocks of a page leave to the reader: usings, and what stands around a block that is no type of its own. A page that is not named
/// here leaves nothing: its blocks are programs.
/// </summary>
/// <param name="Usings">Beside those of a console program.</param>
/// <param name="Around">What is before and after <see cref="Here"/>, where the block goes.</param>
/// <param name="OnTorchSharp">Whether it is compiled against TorchSharp.</param>
internal sealed record PageSetting(string Usings = "", string Around = PageSetting.Here, bool OnTorchSharp = false)
{
    public const string Here = "/* here */";

    // The members that pages leave to their blocks, which none of the blocks is about.
    private const string ScoreMethod = "[Batchable] public void Score([Row(16)] ReadOnlySpan<float> features, Span<float> score) => throw null!;";

    /// <summary>The setting of a page.</summary>
    public static PageSetting Of(string page) => page switch
    {
        "docs/devices.md" => new(
            "using FastBatch; using FastBatch.Native;",
            $$"""
            {{Here}}

            public sealed partial class Digits(TorchScriptModule module)
            {
                [Batchable]
                [return: Row(10)]
                public TorchTensor Classify([Row(64)] TorchTensor images) => module.Forward(images);
            }
            """),
        "docs/operations.md" => new(
            "using System.Diagnostics.Metrics; using FastBatch; using FastBatch.Diagnostics; using Microsoft.Extensions.Logging; using ScoreBatcher = Model.ScoreBatcher;",
            $$"""
            public sealed partial class Model : IDisposable
            {
                {{ScoreMethod}}

                public void Dispose() => throw null!;
            }

            public sealed class Operator(ScoreBatcher batcher, IMeterFactory? meters, ILoggerFactory? loggers, Model oldModel, Model newModel)
            {
                private ScoreBatcher _batcher = batcher;

                public async Task OperateAsync()
                {
                    {{Here}}
                }

                private static Task RunWorkloadAsync() => throw null!;
            }
            """),
        "docs/policies.md" => new("using FastBatch; using FastBatch.Scheduling; using Xunit;", $"public class PolicyTests {{ {Here} }}"),
        "samples/TorchSharp/README.md" => TorchSharpMembers(),
        "src/Native/README.md" => new(Around: $"float[] pixels = new float[64], answer = new float[10];\n{Here}"),
        _ => DiagnosticOf(page) switch
        {
            0 => new(),
            3 => Members(implements: " : IRanker"),
            >= 29 and <= 32 or 34 => TorchSharpMembers(),
            < 40 => Members(),
            42 or 44 => CallerOf("[Batchable] public void Classify([Row(64)] ReadOnlySpan<float> images, [Row(10)] Span<float> scores) => throw null!;", "Classify"),
            _ => CallerOf(ScoreMethod, "Score"),
        },
    };

    // The number of the diagnostic that a page is about; 0 for any other page.
    private static int DiagnosticOf(string page) =>
        page.StartsWith("docs/diagnostics/FB", StringComparison.Ordinal) ? int.Parse(page.AsSpan("docs/diagnostics/FB".Length, 4)) : 0;

    private static PageSetting Members(string implements = "") => new(
        "using System.Numerics.Tensors; using FastBatch; using FastBatch.Native;",
        $$"""
        public interface IRanker
        {
            void Score(ReadOnlySpan<float> features, Span<float> score);
        }

        public sealed partial class Model{{implements}}
        {
            {{Here}}
        }
        """);

    private static PageSetting TorchSharpMembers() => new(
        "using FastBatch; using TorchSharp; using static TorchSharp.torch; using Tensor = TorchSharp.torch.Tensor;",
        $$"""
        public sealed partial class Model(nn.Module<Tensor, Tensor> module)
        {
            private readonly nn.Module<Tensor, Tensor> _module = module;

            private Tensor forward(Tensor images) => _module.call(images);

            {{Here}}
        }
        """,
        OnTorchSharp: true);

    private static PageSetting CallerOf(string method, string name) => new(
        "using FastBatch;",
        $$"""
        public sealed partial class Model
        {
            {{method}}
        }

        public sealed class Caller(Model.{{name}}Batcher batcher)
        {
            private ValueTask<float> _next;

            public async Task CallAsync(float[] features, float[] image, float[] scores)
            {
                {{Here}}
            }

            public async Task<float> NextAsync() => await _next;

            private static void Use(ReadOnlySpan<float> row) => throw null!;
        }
        """);
}
