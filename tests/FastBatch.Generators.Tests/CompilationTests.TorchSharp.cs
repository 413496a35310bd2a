using FastBatch.Generators.Emitting;
using FastBatch.Generators.Tests.Harness;
using Microsoft.CodeAnalysis.CSharp;

namespace FastBatch.Generators.Tests;

/// <summary>The same for methods over TorchSharp's tensors, compiled against its signatures.</summary>
public partial class CompilationTests
{
    // The families share their parsing; what differs is what stands around the call.
    public static TheoryData<string> TorchSharpMethods =>
    [
        .. Tensors.Cast<object[]>().Select(static row => ((string)row[0])
            .Replace("FastBatch.Native.TorchTensor", "TorchSharp.torch.Tensor", StringComparison.Ordinal)
            .Replace("TorchTensor", "Tensor", StringComparison.Ordinal)
            .Replace("default;", "default!;", StringComparison.Ordinal)),
        "[Batchable] [return: Row(10)] public torch.Tensor Score([Row(64)] global::TorchSharp.torch.Tensor x) => x;",
        "[Batchable] [return: Row] public Tensor? Score([Row] Tensor x) => null;",
        "[Batchable] [return: Row, Row] public (Tensor?, Tensor) Score([Row] Tensor? x) => default!;",
        "[Batchable] [return: Row] public Tensor Score([Row] Tensor inference, [Row] Tensor outputs, [Row] Tensor batch, [Row] Tensor _batch) => batch;",
        "[Batchable] [return: Row] public Tensor Score([Row] Tensor x, [Row] Tensor _x, [Row] Tensor _xTensors, [Row] Tensor xTensors) => x;",
        "[Batchable] [return: Row] public Tensor Score([Row] Tensor target, [Row] Tensor _target, [Row] Tensor _copyRequests) => target;",
        "[Batchable] [return: Row] protected internal Tensor Score([Row] Tensor OnClosed, [Row] Tensor _) => _;",
    ];

    [Theory]
    [MemberData(nameof(TorchSharpMethods))]
    public Task Every_method_over_TorchSharp_tensors(string method) => RequireCleanWithTorchSharpAsync($$"""
        using T = TorchSharp.torch.Tensor;
        using Pair = System.ValueTuple<int, int>;
        using LongsAttribute = FastBatch.RowAttribute<long>;
        public partial class Model
        {
            public const int Size = 3;

            {{method}}
        }
        """);

    [Theory]
    [MemberData(nameof(ParameterNames))]
    public Task Every_name_of_a_TorchSharp_parameter(string name) => RequireCleanWithTorchSharpAsync($$"""
        public partial class Model
        {
            [Batchable] [return: Row(2)] public Tensor A([Row(4)] Tensor {{name}}, [Row] Tensor last) => last;
        }
        """);

    [Theory]
    [MemberData(nameof(ResultNames))]
    public Task Every_name_of_a_TorchSharp_result(string name) => name is "TorchTensor" or "Native" ? Task.CompletedTask : RequireCleanWithTorchSharpAsync($$"""
        public partial class Model
        {
            [Batchable] [return: Row(2), Row(3)] public (Tensor {{name}}, Tensor Last) A([Row(4)] Tensor x) => default!;
        }
        """);

    [Theory]
    [InlineData("partial class Model() : torch.nn.Module<Tensor, Tensor>(\"\") { [Batchable(Name = \"Forward\")] [return: Row] public override Tensor forward([Row] Tensor x) => x; }", true)]
    [InlineData("partial class Model() : torch.nn.Module(\"\") { [Batchable] [return: Row] public Tensor Score([Row] Tensor x) => x; new void eval() { } }", true)]
    [InlineData("partial class Model() : torch.nn.Module(\"\") { [Batchable] [return: Row] public static Tensor Score([Row] Tensor x) => x; }", false)]
    [InlineData("partial class Model(torch.jit.ScriptModule<Tensor, Tensor> m) { [Batchable] [return: Row] public Tensor Score([Row] Tensor x) => m.call(x); }", false)]
    public async Task A_module_is_put_in_evaluation(string type, bool isModule)
    {
        IReadOnlyDictionary<string, string> sources = await RequireCleanWithTorchSharpAsync($"public {type}");
        Assert.Equal(isModule, sources.Values.Any(static source => source.Contains(".eval();", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_namespace_that_is_called_like_TorchSharp()
    {
        IReadOnlyDictionary<string, string> sources = await RequireCleanWithTorchSharpAsync("""
            namespace FastBatch.TorchSharp.System
            {
                public partial class TorchSharp
                {
                    [Batchable] [return: Row] public Tensor A([Row] Tensor x) => x;
                    [Batchable] [return: Row] public Tensor B([Row] Tensor x) => x;
                }
            }
            """);
        Assert.Single(sources, static source => source.Key == TorchSharpGlue.HintName);
    }

    [Fact]
    public async Task Friends_have_their_own()
    {
        const string Model = "partial class M { [Batchable] [return: Row] public Tensor A([Row] Tensor x) => x; }";
        CSharpCompilation first = UserProject.CompileWithTorchSharp(
            Undocumented + "[assembly: System.Runtime.CompilerServices.InternalsVisibleTo(\"Other.Model\")]\npublic " + Model.Replace("class M", "class First"));
        UserProject.Generate(first, out Microsoft.CodeAnalysis.Compilation output);
        CSharpCompilation second = UserProject.CompileWithTorchSharp(Undocumented + "public " + Model)
            .WithAssemblyName("Other.Model").AddReferences(output.ToMetadataReference());
        await UserProject.RequireCleanAsync(second);
    }

    private static Task<IReadOnlyDictionary<string, string>> RequireCleanWithTorchSharpAsync(string source) =>
        UserProject.RequireCleanAsync(UserProject.CompileWithTorchSharp(Undocumented + source));
}
