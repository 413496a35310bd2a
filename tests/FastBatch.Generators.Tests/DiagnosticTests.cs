using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using FastBatch.Generators.Diagnostics;
using FastBatch.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastBatch.Generators.Tests;

/// <summary>
/// What is refused: the id, the source it points at (between <c>[|</c> and <c>|]</c>), and what it says. Each source is refused for one
/// reason, has no batcher, and gets no other word from the compiler or the analyzer.
/// </summary>
public partial class DiagnosticTests
{
    private const string Parameters = "[Row(4)] ReadOnlySpan<float> x, [Row(2)] Span<float> y";

    [Theory]
    [InlineData(
        "class [|Model|] { [Batchable] void Score(P) { } }",
        "'Model' is not partial, so the batcher of 'Model.Score(ReadOnlySpan<float>, Span<float>)' cannot be added to it; declare it 'partial class Model'")]
    [InlineData(
        "record struct [|Outer|] { partial class Model { [Batchable] void Score(P) { } } }",
        "'Outer' is not partial, so the batcher of 'Outer.Model.Score(ReadOnlySpan<float>, Span<float>)' cannot be added to it; declare it 'partial record struct Outer'")]
    public Task FB0001_type_not_partial(string source, string message) => RefuseAsync("FB0001", source, message);

    [Theory]
    [InlineData("partial struct Model { [Batchable] void [|Score|](P) { } }", "'Model' is a struct, so the batcher would serve a copy of it")]
    [InlineData("partial record struct Model { [Batchable] void [|Score|](P) { } }", "'Model' is a struct, so the batcher would serve a copy of it")]
    [InlineData("ref partial struct Model { [Batchable] void [|Score|](P) { } }", "'Model' is a struct, so the batcher would serve a copy of it")]
    [InlineData("partial interface IModel { [Batchable] void [|Score|](P) { } }", "'IModel' is an interface")]
    [InlineData("partial interface IModel { [Batchable] static void [|Score|](P) { } }", "'IModel' is an interface")]
    [InlineData("interface IModel { [Batchable] void [|Score|](P); }", "'IModel' is an interface")]
    [InlineData("file partial class Model { [Batchable] void [|Score|](P) { } }", "'Model' is visible in its own file only, and the batcher is written to another")]
    public async Task FB0002_unsupported_container(string source, string reason)
    {
        Diagnostic refusal = await RefuseAsync("FB0002", source);
        string message = refusal.GetMessage(CultureInfo.InvariantCulture);
        Assert.StartsWith("'", message, StringComparison.Ordinal);
        Assert.EndsWith(
            $"Score(ReadOnlySpan<float>, Span<float>)' cannot be served: {reason}; accepted: instance and static methods of classes and records, static methods of structs",
            message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("class Model { void M() { Score(default, default); [[|Batchable|]] void Score(P) { } } }", "a local function")]
    [InlineData("class Model { delegate void D(ReadOnlySpan<float> x, Span<float> y); D M() => [[|Batchable|]] (P) => { }; }", "a lambda")]
    [InlineData("interface IModel { void Score(P); } partial class Model : IModel { [[|Batchable|]] void IModel.Score(ReadOnlySpan<float> x, Span<float> y) { } }", "an explicit interface implementation")]
    [InlineData("class Model { [[|Batchable|]] public static Model operator +(Model x, Model y) => x; }", "an operator")]
    [InlineData("class Model { [[|Batchable|]] public static implicit operator int(Model x) => 1; }", "an operator")]
    [InlineData("class Model { int X { [[|Batchable(MaxBatchSize = 0)|]] get; } }", "an accessor")]
    [InlineData("class Model { event Action E { [[|Batchable|]] add { } remove { } } }", "an accessor")]
    [InlineData("class Model { [[|Batchable|]] ~Model() { } }", "a finalizer")]
    public Task FB0003_unsupported_method_kind(string source, string kind) => RefuseAsync(
        "FB0003", source, $"[Batchable] stands on {kind}; accepted: named methods of a class, record or struct");

    [Theory]
    [InlineData("partial class Model { [Batchable] [|int|] Score(P) => 1; }", "int")]
    [InlineData("partial class Model { [Batchable] public [|Task<float>|] Score(P) => null!; }", "Task<float>")]
    [InlineData("partial class Model { [Batchable] static [|System.Threading.Tasks.ValueTask|] Score(P) => default; }", "ValueTask")]
    [InlineData("partial class Model { [Batchable] [|(int, float)|] Score(ReadOnlySpan<float> x, Span<float> y) => default; }", "(int, float)")]
    public Task FB0004_returns_value(string source, string type) => RefuseAsync(
        "FB0004", source, $"'Score' returns '{type}'; accepted: void, with each result in a parameter of type Span<T> or TensorSpan<T>");

    [Fact]
    public async Task FB0005_async_void()
    {
        // The compiler has its own reason (spans in an async method).
        UserProject.Generate(Compile("partial class Model { [Batchable] private async void Score(P) { await Task.Yield(); } }"), out Compilation output);
        Diagnostic refusal = Assert.Single(await UserProject.AnalyzeAsync(output), static diagnostic => diagnostic.Id.StartsWith("FB", StringComparison.Ordinal));
        Assert.Equal("FB0005", refusal.Id);
        Assert.Equal("async", TextAt(refusal));
        Assert.Equal(
            "'Score' is async void, so nothing would know when its results are there; accepted: a void method that has written them when it returns",
            refusal.GetMessage(CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("partial class Model { [Batchable] void Score[|<T>|](P) where T : unmanaged { } }")]
    [InlineData("partial class Model { [Batchable] void Score[|<T, U>|]([Row(4)] ReadOnlySpan<T> x, [Row(2)] Span<U> y) where T : unmanaged where U : unmanaged { } }")]
    public Task FB0006_generic_method(string source) => RefuseAsync(
        "FB0006", source, "'Score' has type parameters, for which a batcher would have no types; accepted: a method without, in a generic type if need be");

    [Theory]
    [InlineData("float[]")]
    [InlineData("int")]
    [InlineData("Memory<float>")]
    [InlineData("CancellationToken")]
    [InlineData("Tensor<float>")]
    [InlineData("Other.Span<float>")]
    [InlineData("object")]
    [InlineData("dynamic")]
    public Task FB0007_unsupported_parameter_type(string type) => RefuseAsync(
        "FB0007",
        $"namespace Other {{ ref struct Span<T> {{ }} }} partial class Model {{ [Batchable] void Score({Parameters}, [|{type}|] z) {{ }} }}",
        $"Parameter 'z' is '{type.Replace("Other.", "", StringComparison.Ordinal)}'; accepted: ReadOnlySpan<T> or ReadOnlyTensorSpan<T> for an input, Span<T> or TensorSpan<T> for an output");

    [Theory]
    [InlineData("[|in|] ReadOnlySpan<float> z", "passed by 'in'")]
    [InlineData("[|ref|] ReadOnlySpan<float> z", "passed by 'ref'")]
    [InlineData("[|ref|] readonly ReadOnlySpan<float> z", "passed by 'ref readonly'")]
    [InlineData("scoped [|ref|] Span<float> z", "passed by 'ref'")]
    [InlineData("[|params|] ReadOnlySpan<float> z", "marked 'params'")]
    [InlineData("ReadOnlySpan<float> z [|= default|]", "optional")]
    public Task FB0008_parameter_modifier(string parameter, string given) => RefuseAsync(
        "FB0008",
        $"partial class Model {{ [Batchable] void Score({Parameters}, {parameter}) {{ }} }}",
        $"Parameter 'z' is {given}; accepted: a parameter passed by value, without params and without a default");

    [Fact]
    public Task FB0008_out_parameter() => RefuseAsync(
        "FB0008",
        $"partial class Model {{ [Batchable] void Score({Parameters}, [|out|] Span<float> z) {{ z = default; }} }}",
        "Parameter 'z' is passed by 'out'; accepted: a parameter passed by value, without params and without a default");

    [Theory]
    [InlineData("ReadOnlySpan<[|string|]>", "string")]
    [InlineData("System.ReadOnlySpan<[|object|]>", "object")]
    [InlineData("global::System.Span<[|(int, string)|]>", "(int, string)")]
    [InlineData("scoped Span<[|int?|]>", "int?")]
    [InlineData("Span<[|Holder|]>", "Holder")]
    [InlineData("[Row(1)] TensorSpan<[|T|]>", "T")]
    [InlineData("[|Alias|]", "string")]
    public Task FB0009_element_not_unmanaged(string type, string element) => RefuseAsync(
        "FB0009",
        $$"""
        using Alias = System.Span<string>;
        struct Holder { public object? Held; }
        partial class Model<T> { [Batchable] void Score({{Parameters}}, {{type}} z) { } }
        """,
        $"Parameter 'z' has elements of type '{element}', which is not unmanaged; accepted: numbers, bool, char, enums, structs of these, and type parameters constrained to unmanaged");

    [Theory]
    [InlineData("ReadOnlyTensorSpan<float>")]
    [InlineData("TensorSpan<Half>")]
    public Task FB0010_missing_row(string type) => RefuseAsync(
        "FB0010",
        $"partial class Model {{ [Batchable] void Score({Parameters}, [|{type}|] z) {{ }} }}",
        "Parameter 'z' is a tensor span without the shape of a row; add [Row(...)] with each dimension but the batch, or [Row()] for one value per request");

    [Theory]
    [InlineData("[Row([|0|])]", 0, 0)]
    [InlineData("[Row(3, [|-1|], 2)]", 1, -1)]
    [InlineData("[Row(3, 2, [|int.MinValue|])]", 2, int.MinValue)]
    [InlineData("[[|Row(new[] { 3, -5 })|]]", 1, -5)]
    public Task FB0011_row_dimension(string row, int index, int dimension) => RefuseAsync(
        "FB0011",
        $"partial class Model {{ [Batchable] void Score({Parameters}, {row} Span<float> z) {{ }} }}",
        $"Dimension {index} of [Row] on parameter 'z' is {dimension}; accepted: 1 or more");

    [Theory]
    [InlineData("65536, 32768", "2147483648")]
    [InlineData("int.MaxValue, int.MaxValue", "4611686014132420609")]
    [InlineData("int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue", "more than 9223372036854775807")]
    public Task FB0012_row_too_large(string dimensions, string given) => RefuseAsync(
        "FB0012",
        $"partial class Model {{ [Batchable] void Score({Parameters}, [[|Row({dimensions})|]] Span<float> z) {{ }} }}",
        $"A row of parameter 'z' has {given} elements; accepted: at most 2147483647");

    [Fact]
    public Task FB0013_no_input() => RefuseAsync(
        "FB0013",
        "partial class Model { [Batchable] void [|Score|](Span<float> y) { } }",
        "'Score' has no input, so there is nothing to batch; accepted: at least one parameter of type ReadOnlySpan<T> or ReadOnlyTensorSpan<T>");

    [Fact]
    public Task FB0014_no_output() => RefuseAsync(
        "FB0014",
        "partial class Model { [Batchable] void [|Score|](ReadOnlySpan<float> x) { } }",
        "'Score' has no output, so callers would get nothing; accepted: at least one parameter of type Span<T> or TensorSpan<T>");

    [Fact]
    public async Task FB0013_and_FB0014_no_parameters()
    {
        UserProject.Generate(Compile("partial class Model { [Batchable] void Score() { } }"), out Compilation output);
        Assert.Equal(["FB0013", "FB0014"], (await UserProject.AnalyzeAsync(output)).Select(static diagnostic => diagnostic.Id));
    }

    [Theory]
    [InlineData("[|BatchDim = -1|]", "[Row(3)] ReadOnlyTensorSpan<float> x, Span<float> y", "BatchDim is -1; accepted: 0, for the first dimension, or more")]
    [InlineData("[|OutputBatchDim = -2|]", Parameters, "OutputBatchDim is -2; accepted: 0, for the first dimension, or more")]
    [InlineData(
        "[|BatchDim = 2|]",
        "[Row(3)] ReadOnlyTensorSpan<float> x, [Row(3, 4)] TensorSpan<float> y",
        "BatchDim is 2; accepted: 0 to 1, since a row of parameter 'x' has 1 dimension")]
    [InlineData(
        "[|BatchDim = 2|]",
        "[Row(3, 4)] ReadOnlyTensorSpan<float> x, [Row(3)] TensorSpan<float> y",
        "BatchDim is 2; accepted: 0 to 1, since a row of parameter 'y' has 1 dimension")]
    [InlineData(
        "BatchDim = 2, [|OutputBatchDim = 3|]",
        "[Row(3, 4)] ReadOnlyTensorSpan<float> x, [Row(3, 4)] TensorSpan<float> y, [Row(1, 2, 3)] TensorSpan<float> z, Span<int> w",
        "OutputBatchDim is 3; accepted: 0 to 2, since a row of parameter 'y' has 2 dimensions")]
    public Task FB0015_batch_dim_out_of_range(string settings, string parameters, string message) => RefuseAsync(
        "FB0015", $"partial class Model {{ [Batchable({settings})] void Score({parameters}) {{ }} }}", message);

    [Theory]
    [InlineData(
        "BatchDim = 1, OutputBatchDim = 0",
        "[Row(3, 4)] ReadOnlyTensorSpan<float> w, [Row(4)] [|ReadOnlySpan<float>|] x, [Row(2)] Span<float> y",
        "BatchDim is 1, but parameter 'x' is a flat span, whose rows follow one another; accepted: ReadOnlyTensorSpan<float> in its place, or BatchDim = 0")]
    [InlineData(
        "BatchDim = 1",
        "[Row(3, 4)] ReadOnlyTensorSpan<float> x, ReadOnlySpan<int> w, [Row(2)] [|Span<Half>|] y, Span<int> z",
        "BatchDim is 1, but parameter 'y' is a flat span, whose rows follow one another; accepted: TensorSpan<Half> in its place, or OutputBatchDim = 0")]
    [InlineData(
        "OutputBatchDim = 9",
        "[Row(3, 4)] ReadOnlyTensorSpan<float> x, [Row(2)] [|Span<Half>|] y",
        "OutputBatchDim is 9, but parameter 'y' is a flat span, whose rows follow one another; accepted: TensorSpan<Half> in its place, or OutputBatchDim = 0")]
    public Task FB0016_flat_span_not_at_front(string settings, string parameters, string message) => RefuseAsync(
        "FB0016", $"partial class Model {{ [Batchable({settings})] void Score({parameters}) {{ }} }}", message);

    [Theory]
    [InlineData(0)]
    [InlineData(-64)]
    public Task FB0017_max_batch_size(int size) => RefuseAsync(
        "FB0017", $"partial class Model {{ [Batchable(BatchDim = 0, [|MaxBatchSize = {size}|])] void Score(P) {{ }} }}", $"MaxBatchSize is {size}; accepted: 1 or more");

    [Fact]
    public Task FB0018_max_queue_delay() => RefuseAsync(
        "FB0018",
        "partial class Model { [Batchable([|MaxQueueDelayMicroseconds = -1|], BatchDim = 0)] void Score(P) { } }",
        "MaxQueueDelayMicroseconds is -1; accepted: 0, to run as soon as the device is free, or more");

    [Fact]
    public Task FB0033_deadline() => RefuseAsync(
        "FB0033",
        "partial class Model { [Batchable(MaxBatchSize = 8, [|DeadlineMicroseconds = -5|])] void Score(P) { } }",
        "DeadlineMicroseconds is -5; accepted: 0, for no deadline, or more");

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("Score One")]
    [InlineData("1st")]
    [InlineData("Score<int>")]
    [InlineData("@Score")]
    public Task FB0019_invalid_name(string name) => RefuseAsync(
        "FB0019",
        $"partial class Model {{ [Batchable([|Name = \"{name}\"|])] void Score(P) {{ }} }}",
        $"Name is \"{name}\", of which no names can be made; accepted: a C# identifier, such as \"Score\"");

    [Theory]
    [InlineData(
        "[Batchable] void Score(P) { } [Batchable] void [|Score|](ReadOnlySpan<int> x, Span<int> y) { }",
        "The batchers of 'Model.Score(ReadOnlySpan<float>, Span<float>)' and 'Model.Score(ReadOnlySpan<int>, Span<int>)' would have the same names; accepted: a Name of its own for each, as in [Batchable(Name = \"Score2\")]")]
    [InlineData(
        "[Batchable] void Score(P) { } [Batchable([|Name = \"Score\"|])] static void Rank(P) { }",
        "The batchers of 'Model.Score(ReadOnlySpan<float>, Span<float>)' and 'Model.Rank(ReadOnlySpan<float>, Span<float>)' would have the same names; accepted: a Name of its own for each, as in [Batchable(Name = \"Score2\")]")]
    [InlineData(
        "[Batchable] void Score(P) { } [Batchable] void [|CreateScore|](P) { }",
        "The batchers of 'Model.Score(ReadOnlySpan<float>, Span<float>)' and 'Model.CreateScore(ReadOnlySpan<float>, Span<float>)' would have the same names; accepted: a Name of its own for each, as in [Batchable(Name = \"CreateScore2\")]")]
    public async Task FB0020_duplicate_name(string members, string message)
    {
        Diagnostic refusal = await RefuseAsync("FB0020", $"partial class Model {{ {members} }}", served: 1);
        Assert.Equal(message, refusal.GetMessage(CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("partial class Model { [Batchable] void [|Score|](P) { } class ScoreBatcher { } }", "ScoreBatcher", "Model")]
    [InlineData("partial class Model { [Batchable] void [|Score|](P) { } int ScoreBatcher => 1; }", "ScoreBatcher", "Model")]
    [InlineData("partial class Model { [Batchable] void [|Score|](P) { } void ScoreBatcher(int x) { } }", "ScoreBatcher", "Model")]
    [InlineData("partial class Model { [Batchable] void [|Score|](P) { } void CreateScoreBatcher(BatcherOptions? x) { } }", "CreateScoreBatcher", "Model")]
    [InlineData("partial class Model { [Batchable([|Name = \"Best\"|])] void Score(P) { } int CreateBestBatcher => 1; }", "CreateBestBatcher", "Model")]
    [InlineData("partial class ScoreBatcher { [Batchable] void [|Score|](P) { } }", "ScoreBatcher", "ScoreBatcher")]
    [InlineData("partial class Model<ScoreBatcher> { [Batchable] void [|Score|](P) { } }", "ScoreBatcher", "Model")]
    public async Task FB0021_name_taken(string source, string name, string type)
    {
        Diagnostic refusal = await RefuseAsync("FB0021", source);
        Assert.EndsWith(
            $".Score(ReadOnlySpan<float>, Span<float>)' needs the name '{name}' in '{type}', which is taken; accepted: another name there, or one made with [Batchable(Name = \"...\")]",
            refusal.GetMessage(CultureInfo.InvariantCulture),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task FB0022_language_too_old()
    {
        CSharpCompilation compilation = UserProject.Compile(
            LanguageVersion.CSharp12, $"partial class Model {{ [Batchable] void Score({Parameters}) {{ }} }}");
        Assert.Empty(UserProject.Generate(compilation, out Compilation output).Sources());
        Diagnostic refusal = Assert.Single(await UserProject.AnalyzeAsync(output));
        Assert.Equal("FB0022", refusal.Id);
        Assert.Equal("Batchable", TextAt(refusal));
        Assert.Equal(
            "The batcher of 'Model.Score(ReadOnlySpan<float>, Span<float>)' is written in C# 13, but the project is compiled as C# 12.0; accepted: LangVersion 13 or higher, or none",
            refusal.GetMessage(CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task Every_reason_is_given_and_other_methods_are_served()
    {
        CSharpCompilation compilation = Compile("""
            class Model
            {
                [Batchable(MaxBatchSize = 0, MaxQueueDelayMicroseconds = -1)]
                int Score(ReadOnlySpan<string> x, in Span<float> y) => 1;
            }

            partial class Other
            {
                [Batchable] void Rank(P) { }
                [Batchable] void Sort(ReadOnlySpan<float> x) { }
            }
            """);
        IReadOnlyDictionary<string, string> sources = UserProject.Generate(compilation, out Compilation output).Sources();
        Assert.Equal(["Other.Rank.g.cs"], sources.Keys);
        Assert.Equal(
            ["FB0001", "FB0017", "FB0018", "FB0004", "FB0009", "FB0008", "FB0014"],
            (await UserProject.AnalyzeAsync(output)).Select(static diagnostic => diagnostic.Id));
    }

    [Theory]
    [InlineData("partial class Model { [Batchable] void Score(Unknown x, Span<float> y) { } }", "CS0246")]
    [InlineData("partial class Model { [Batchable] void Score(ReadOnlySpan<Unknown> x, Span<float> y) { } }", "CS0246")]
    [InlineData("partial class Model { [Batchable] Unknown Score(P) => null!; }", "CS0246")]
    [InlineData("partial class Model { [Batchable] void Score([Row(\"3\")] ReadOnlySpan<float> x, Span<float> y) { } }", "CS1503")]
    [InlineData("partial class Model { [Batchable] void Score([Row(Unknown)] ReadOnlySpan<float> x, Span<float> y) { } }", "CS0103")]
    public async Task What_the_compiler_reports_is_not_reported_again(string source, string id)
    {
        Assert.Empty(UserProject.Generate(Compile(source), out Compilation output).Sources());
        Assert.Equal([id], (await UserProject.AnalyzeAsync(output)).Select(static diagnostic => diagnostic.Id));
    }

    [Fact]
    public void Every_id_is_one_that_an_analyzer_may_report()
    {
        // Of one that is not listed the compiler throws away what is reported.
        FieldInfo[] fields = typeof(Descriptors).GetFields(BindingFlags.Static | BindingFlags.Public);
        Assert.NotEmpty(fields);
        Assert.Equal(
            fields.Select(static field => ((DiagnosticDescriptor)field.GetValue(null)!).Id).Order(StringComparer.Ordinal),
            UserProject.Analyzers.SelectMany(static analyzer => analyzer.SupportedDiagnostics).Select(static each => each.Id).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_id_has_a_page_and_a_link_to_it()
    {
        string overview = File.ReadAllText(Path.Combine(Snapshot.Repository, "docs", "diagnostics", "README.md"));
        ImmutableArray<DiagnosticDescriptor> descriptors = [.. UserProject.Analyzers.SelectMany(static analyzer => analyzer.SupportedDiagnostics)];
        Assert.Equal(descriptors.Length, descriptors.Select(static descriptor => descriptor.Id).Distinct().Count());
        Assert.All(descriptors, descriptor =>
        {
            Assert.Equal("FastBatch.Usage", descriptor.Category);
            Assert.Equal($"https://github.com/fastbatch/fastbatch/blob/main/docs/diagnostics/{descriptor.Id}.md", descriptor.HelpLinkUri);
            Assert.Contains($"| [{descriptor.Id}]({descriptor.Id}.md) | {descriptor.Title.ToString(CultureInfo.InvariantCulture)} |", overview, StringComparison.Ordinal);
            string page = File.ReadAllText(Path.Combine(Snapshot.Repository, "docs", "diagnostics", $"{descriptor.Id}.md"));
            Assert.StartsWith($"# {descriptor.Id}: {descriptor.Title.ToString(CultureInfo.InvariantCulture)}\n", page, StringComparison.Ordinal);
        });
    }

    private static async Task<Diagnostic> RefuseAsync(string id, string marked, int served = 0)
    {
        string[] parts = marked.Replace("(P)", $"({Parameters})", StringComparison.Ordinal).Split("[|");
        Assert.Equal(2, parts.Length);
        string pointedAt = parts[1].Split("|]")[0];
        CSharpCompilation compilation = Compile(string.Concat(parts).Replace("|]", "", StringComparison.Ordinal));

        Assert.Equal(served, UserProject.Generate(compilation, out Compilation output).Sources().Count);
        ImmutableArray<Diagnostic> diagnostics = await UserProject.AnalyzeAsync(output);
        Assert.True(diagnostics.Length == 1, string.Join("\n", diagnostics.Select(UserProject.Describe)));
        Assert.Equal((id, pointedAt), (diagnostics[0].Id, TextAt(diagnostics[0])));
        Assert.Equal(
            compilation.SyntaxTrees[0].ToString().IndexOf(parts[0], StringComparison.Ordinal) + parts[0].Length,
            diagnostics[0].Location.SourceSpan.Start);
        return diagnostics[0];
    }

    private static async Task RefuseAsync(string id, string marked, string message)
    {
        Diagnostic refusal = await RefuseAsync(id, marked);
        Assert.Equal(message, refusal.GetMessage(CultureInfo.InvariantCulture));
    }

    private static CSharpCompilation Compile(string source) => UserProject.Compile(
        "#pragma warning disable CS0649, CS8981, IDE0051\n" + source.Replace("(P)", $"({Parameters})", StringComparison.Ordinal));

    private static string TextAt(Diagnostic diagnostic) =>
        diagnostic.Location.SourceTree!.GetText().ToString(diagnostic.Location.SourceSpan);
}
