using FastBatch.Generators.Tests.Harness;

namespace FastBatch.Generators.Tests;

/// <summary>The same for methods over tensors.</summary>
public partial class CompilationTests
{
    /// <summary>Names that a tuple's element may have, at either place.</summary>
    public static TheoryData<string> ResultNames =>
    [
        .. ParameterNames.Cast<object[]>().Select(static row => (string)row[0]).Except(
            ["Item1", "Item2", "Item3", "Rest", "ToString", "Equals", "CompareTo", "Deconstruct"]),
        "Output", "output", "output1", "output2", "Logits", "scope", "Batch", "URL", "_Scope", "TorchTensor", "Native",
    ];

    public static TheoryData<string> Tensors =>
    [
        "[Batchable] [return: Row(10)] public TorchTensor Score([Row(64)] TorchTensor x) => x;",
        "[Batchable] [return: Row] public TorchTensor Score([Row] TorchTensor x) => x;",
        "[Batchable] [return: Row()] public TorchTensor Score([Row()] TorchTensor x) => x;",
        "[Batchable] [return: Row<float>] public FastBatch.Native.TorchTensor Score([Row<float>(1)] global::FastBatch.Native.TorchTensor x) => x;",
        "[Batchable] [return: FastBatch.Row<Half>(2, 3)] public Tensor Score([global::FastBatch.RowAttribute<System.Int64>(3, 4)] Tensor x) => x;",
        "[Batchable] [return: Longs(3)] public TorchTensor Score([Longs(dimensions: 3)] TorchTensor x) => x;",
        "[Batchable] [return: Row(new[] { 2, Size })] public TorchTensor Score([Row(Size, 2 * Size)] TorchTensor x) => x;",
        "[Batchable] [return: Row(10)] public static TorchTensor Score([Row(64)] TorchTensor output) => output;",
        "[Batchable] [return: Row] public TorchTensor Score([Row] TorchTensor output, [Row] TorchTensor output2) => output;",
        "[Batchable] [return: Row, Row] public (TorchTensor, TorchTensor) Score([Row] TorchTensor output1, [Row] TorchTensor output2) => default;",
        "[Batchable] [return: Row(2), Row(3)] public (TorchTensor A, TorchTensor) Score([Row] TorchTensor a) => default;",
        "[Batchable] [return: Row(2), Row(3)] public (TorchTensor a, TorchTensor A) Score([Row] TorchTensor A) => default;",
        "[Batchable] [return: Row(2)] [return: Row<bool>] public ValueTuple<TorchTensor, TorchTensor> Score([Row] TorchTensor x) => default;",
        "[Batchable] [return: Row, Row, Row, Row, Row, Row, Row, Row, Row] public (T, T, T, T, T, T, T Seven, T, T Nine) Score([Row] T x) => default;",
        "[Batchable] [return: Row<long>, Row<bool>] public (TorchTensor Item1, TorchTensor Item2) Score([Row] TorchTensor x, [Row(3)] TorchTensor y) => default;",
        "[Batchable(BatchDim = 1)] [return: Row(2)] public TorchTensor Score([Row(3, 4)] TorchTensor x, [Row] TorchTensor y) => x;",
        "[Batchable(BatchDim = 2, OutputBatchDim = 0)] [return: Row(2)] public TorchTensor Score([Row(3, 4)] TorchTensor x) => x;",
        "[Batchable(OutputBatchDim = 1)] [return: Row(2), Row] public (TorchTensor, TorchTensor) Score([Row(3, 4)] TorchTensor x) => default;",
        "[Batchable] [return: Row] public virtual TorchTensor Score([Row] TorchTensor x) => x;",
        "[Batchable] [return: Row] public partial TorchTensor Score([Row] TorchTensor x); public partial TorchTensor Score(TorchTensor x) => x;",
        "public partial TorchTensor Score(TorchTensor x); [Batchable] [return: Row] public partial TorchTensor Score([Row] TorchTensor x) => x;",
        "[Batchable, Obsolete] [return: Row] internal TorchTensor Score([Row] TorchTensor x) => x;",
        "[Batchable] [return: Row] TorchTensor Run([Row] TorchTensor run) => run; [Batchable] [return: Row] TorchTensor Borrow([Row] TorchTensor x) => x;",
        "[Batchable] [return: Row] public TorchTensor Score([Row] TorchTensor x) => x; [Batchable(Name = \"B\")] public void Score([Row<float>(2)] ReadOnlySpan<float> x, [Row<Pair>(2)] Span<(int One, int Two)> y) { }",
        "[Batchable] public void Score([Row<byte>] ReadOnlySpan<byte> x, [Row<Half>] TensorSpan<Half> y) { }",
    ];

    [Theory]
    [MemberData(nameof(Tensors))]
    public Task Every_method_over_tensors(string method) => RequireCleanAsync($$"""
        using T = FastBatch.Native.TorchTensor;
        using Tensor = FastBatch.Native.TorchTensor;
        using Pair = System.ValueTuple<int, int>;
        using LongsAttribute = FastBatch.RowAttribute<long>;
        public partial class Model
        {
            public const int Size = 3;

            {{method}}
        }
        """);

    [Theory]
    [InlineData("byte")]
    [InlineData("sbyte")]
    [InlineData("short")]
    [InlineData("int")]
    [InlineData("long")]
    [InlineData("Half")]
    [InlineData("float")]
    [InlineData("double")]
    [InlineData("bool")]
    public Task Every_element_of_tensors(string element) => RequireCleanAsync($$"""
        public partial class Model
        {
            [Batchable]
            [return: Row<{{element}}>(2, 2), Row<{{element}}>]
            public (TorchTensor Z, TorchTensor W) Score([Row<{{element}}>(4)] TorchTensor x, [Row<{{element}}>] TorchTensor y) => (x, y);
        }
        """);

    [Theory]
    [MemberData(nameof(ResultNames))]
    public Task Every_name_of_a_result(string name) => RequireCleanAsync($$"""
        public partial class Model
        {
            [Batchable] [return: Row(2), Row(3)] public (TorchTensor {{name}}, TorchTensor Last) A([Row(4)] TorchTensor x) => default;
            [Batchable] [return: Row, Row] public static (TorchTensor First, TorchTensor {{name}}) B([Row(4)] TorchTensor x, [Row] TorchTensor y) => default;
            [Batchable] [return: Row(2), Row] public (TorchTensor, TorchTensor {{name}}) C([Row] TorchTensor {{name}}) => default;
            [Batchable] [return: Row(2), Row] public (TorchTensor {{name}}, TorchTensor) D([Row] TorchTensor given, [Row(5)] TorchTensor {{name}}) => default;
            [Batchable] [return: Row(2)] public TorchTensor E([Row] TorchTensor given, [Row(5)] TorchTensor {{name}}) => default;
        }
        """);

    [Theory]
    [InlineData("[return: Row(2), Row<long>]", "")]
    [InlineData("[return: Row(2)]", "[return: Row<long>]")]
    [InlineData("", "[return: Row(2)] [return: Row<long>]")]
    public async Task Results_have_the_rows_of_both_parts_in_order(string seen, string hidden)
    {
        IReadOnlyDictionary<string, string> sources = await UserProject.RequireCleanAsync(UserProject.Compile($$"""
            internal partial class Model
            {
                {{hidden}} public partial (TorchTensor A, TorchTensor B) Score(TorchTensor x) => default;
                [Batchable] {{seen}} public partial (TorchTensor A, TorchTensor B) Score([Row] TorchTensor x);
            }
            """));
        Assert.Contains("public global::System.Threading.Tasks.ValueTask<long> SubmitAsync(", sources.Values.Single(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("namespace A.FastBatch.Native { public partial class Model { [M] } }")]
    [InlineData("public partial class TorchTensor { [M] }")]
    [InlineData("public partial class Model<TorchScope, TState, Outputs> { static [M] }")]
    [InlineData("public partial record Model { [M] }")]
    [InlineData("public partial struct Model { static [M] }")]
    public Task Every_kind_of_type_over_tensors(string type)
    {
        const string Score = "global::FastBatch.Native.TorchTensor Score([Row(4)] global::FastBatch.Native.TorchTensor x, [Row<int>] global::FastBatch.Native.TorchTensor y) => x;";
        return RequireCleanAsync(type
            .Replace("static [M]", $"[Batchable] [return: Row] public static {Score}", StringComparison.Ordinal)
            .Replace("[M]", $"[Batchable] [return: Row] public {Score}", StringComparison.Ordinal));
    }
}
