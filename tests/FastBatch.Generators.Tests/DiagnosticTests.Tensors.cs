using FastBatch.Generators.Parsing;
using FastBatch.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;

namespace FastBatch.Generators.Tests;

/// <summary>What is refused of methods over tensors, and of <c>[Row]</c>.</summary>
public partial class DiagnosticTests
{
    private const string Results = "TorchTensor, or a tuple of at least two of them";

    [Theory]
    [InlineData("[return: Row] [|float|] Score([Row] TorchTensor x) => 1;", "float")]
    [InlineData("[return: Row(10)] [|float[]|] Score([Row] TorchTensor x) => [];", "float[]")]
    [InlineData("[return: Row] [|TorchTensor[]|] Score([Row] TorchTensor x) => [x];", "TorchTensor[]")]
    [InlineData("[return: Row] [|TorchTensor?|] Score([Row] TorchTensor x) => null;", "TorchTensor?")]
    [InlineData("[|ValueTuple<TorchTensor>|] Score([Row] TorchTensor x) => default;", "ValueTuple<TorchTensor>")]
    [InlineData("[return: Row, Row] [|(TorchTensor, float)|] Score([Row] TorchTensor x) => default;", "(TorchTensor, float)")]
    [InlineData("[return: Row, Row] [|(TorchTensor Y, (TorchTensor, TorchTensor) Z)|] Score([Row] TorchTensor x) => default;", "(TorchTensor Y, (TorchTensor, TorchTensor) Z)")]
    [InlineData("[return: Row] [|ReadOnlySpan<float>|] Score([Row] TorchTensor x) => default;", "ReadOnlySpan<float>")]
    [InlineData("[return: Row] [|ref TorchTensor|] Score([Row] TorchTensor x) => ref _kept; TorchTensor _kept;", "ref TorchTensor")]
    [InlineData("[return: Row] [|ref readonly TorchTensor|] Score([Row] TorchTensor x) => ref _kept; TorchTensor _kept;", "ref TorchTensor")]
    [InlineData("[return: Row] async [|Task<TorchTensor>|] Score([Row] TorchTensor x) { await Task.Yield(); return x; }", "Task<TorchTensor>")]
    [InlineData("[return: Row] [|ValueTask<TorchTensor>|] Score([Row] TorchTensor x) => default;", "ValueTask<TorchTensor>")]
    public Task FB0004_unsupported_result(string method, string type) => RefuseAsync(
        "FB0004", $"partial class Model {{ [Batchable] {method} }}", $"'Score' returns '{type}'; accepted: {Results}");

    [Fact]
    public Task FB0005_async_void_over_tensors() => RefuseAsync(
        "FB0005",
        "partial class Model { [Batchable] [|async|] void Score([Row] TorchTensor x) { await Task.Yield(); } }",
        "'Score' is async void, so nothing would know when its results are there; accepted: a method that returns them");

    [Fact]
    public Task FB0006_generic_method_over_tensors() => RefuseAsync(
        "FB0006", "partial class Model { [Batchable] [return: Row] TorchTensor Score[|<T>|]([Row] TorchTensor x) => x; }");

    [Theory]
    [InlineData("float")]
    [InlineData("TorchTensor[]")]
    [InlineData("TorchTensor?")]
    [InlineData("Other.TorchTensor")]
    [InlineData("(TorchTensor, TorchTensor)")]
    [InlineData("TorchScriptModule")]
    public Task FB0007_unsupported_parameter_type_over_tensors(string type) => RefuseAsync(
        "FB0007",
        $"namespace Other {{ struct TorchTensor {{ }} }} partial class Model {{ [Batchable] [return: Row] TorchTensor Score([Row] TorchTensor x, [|{type}|] z) => x; }}",
        $"Parameter 'z' is '{type.Replace("Other.", "", StringComparison.Ordinal)}'; accepted: TorchTensor for each input, with the results returned");

    [Theory]
    [InlineData("[Row] [|in|] TorchTensor z", "passed by 'in'")]
    [InlineData("[Row] [|ref|] TorchTensor z", "passed by 'ref'")]
    [InlineData("[Row] TorchTensor z [|= default|]", "optional")]
    public Task FB0008_parameter_modifier_over_tensors(string parameter, string given) => RefuseAsync(
        "FB0008",
        $"partial class Model {{ [Batchable] [return: Row] TorchTensor Score([Row] TorchTensor x, {parameter}) => x; }}",
        $"Parameter 'z' is {given}; accepted: a parameter passed by value, without params and without a default");

    [Theory]
    [InlineData("[return: Row] TorchTensor Score([Row] TorchTensor x, [Row] [|out|] TorchTensor z) { z = x; return x; }")]
    [InlineData("void Score([Row] TorchTensor x, [Row] [|out|] TorchTensor z) { z = x; }")]
    public Task FB0008_out_parameter_over_tensors(string method) => RefuseAsync(
        "FB0008",
        $"partial class Model {{ [Batchable] {method} }}",
        "Parameter 'z' is passed by 'out'; accepted: a parameter passed by value, without params and without a default");

    [Theory]
    [InlineData(
        "[return: Row] TorchTensor Score([|TorchTensor|] x) => x;",
        "Parameter 'x' is a TorchTensor without the shape of a row; add [Row(...)] with each dimension but the batch, [Row<T>(...)] if its elements are not float, or [Row] for one value per request")]
    [InlineData(
        "[|TorchTensor|] Score([Row] TorchTensor x) => x;",
        "'Score' returns a TorchTensor without the shape of a row; add [return: Row(...)] with each dimension but the batch, [return: Row<T>(...)] if its elements are not float, or [return: Row] for one value per request")]
    [InlineData(
        "[|(TorchTensor A, TorchTensor B)|] Score([Row] TorchTensor x) => default;",
        "'Score' returns 2 of TorchTensor without the shape of a row; add [return: Row(...), ...] with one for each, in order")]
    public Task FB0010_missing_row_of_a_tensor(string method, string message) => RefuseAsync(
        "FB0010", $"partial class Model {{ [Batchable] {method} }}", message);

    [Theory]
    [InlineData("[return: Row] TorchTensor Score([Row(3, [|0|])] TorchTensor x) => x;", "Dimension 1 of [Row] on parameter 'x' is 0")]
    [InlineData("[return: Row<long>([|-1|])] TorchTensor Score([Row] TorchTensor x) => x;", "Dimension 0 of [Row] on the result is -1")]
    [InlineData("[return: Row, Row([|-2|])] (TorchTensor A, TorchTensor B) Score([Row] TorchTensor x) => default;", "Dimension 0 of [Row] on result 'B' is -2")]
    [InlineData("[return: Row([|0|]), Row] (TorchTensor, TorchTensor B) Score([Row] TorchTensor x) => default;", "Dimension 0 of [Row] on result 1 is 0")]
    public Task FB0011_row_dimension_of_a_tensor(string method, string message) => RefuseAsync(
        "FB0011", $"partial class Model {{ [Batchable] {method} }}", $"{message}; accepted: 1 or more");

    [Fact]
    public Task FB0012_row_of_a_tensor_too_large() => RefuseAsync(
        "FB0012",
        "partial class Model { [Batchable] [return: [|Row<byte>(65536, 32768)|]] TorchTensor Score([Row] TorchTensor x) => x; }",
        "A row of the result has 2147483648 elements; accepted: at most 2147483647");

    [Fact]
    public Task FB0013_no_input_over_tensors() => RefuseAsync(
        "FB0013",
        "partial class Model { [Batchable] [return: Row] TorchTensor [|Score|]() => default; }",
        "'Score' has no input, so there is nothing to batch; accepted: at least one parameter of type TorchTensor");

    [Fact]
    public Task FB0014_no_output_over_tensors() => RefuseAsync(
        "FB0014",
        "partial class Model { [Batchable] void [|Score|]([Row] TorchTensor x) { } }",
        $"'Score' has no output, so callers would get nothing; accepted: a method that returns {Results}");

    [Theory]
    [InlineData(
        "[Batchable([|BatchDim = 2|])] [return: Row(3, 4)] TorchTensor Score([Row(3)] TorchTensor x, [Row] TorchTensor y) => x;",
        "BatchDim is 2; accepted: 0 to 1, since a row of parameter 'x' has 1 dimension")]
    [InlineData(
        "[Batchable(BatchDim = 2, [|OutputBatchDim = 3|])] [return: Row(3, 4)] TorchTensor Score([Row(3, 4)] TorchTensor x) => x;",
        "OutputBatchDim is 3; accepted: 0 to 2, since a row of the result has 2 dimensions")]
    [InlineData(
        "[Batchable([|BatchDim = 2|])] [return: Row, Row(3)] (TorchTensor A, TorchTensor B) Score([Row(3, 4)] TorchTensor x) => default;",
        "BatchDim is 2; accepted: 0 to 1, since a row of result 'B' has 1 dimension")]
    public Task FB0015_batch_dim_out_of_range_over_tensors(string method, string message) => RefuseAsync(
        "FB0015", $"partial class Model {{ {method} }}", message);

    [Theory]
    [InlineData("[return: Row] TorchTensor Score([Row<[|ushort|]>(3)] TorchTensor x) => x;", "ushort", "parameter 'x'")]
    [InlineData("[return: Row] TorchTensor Score([FastBatch.Row<[|uint|]>] TorchTensor x) => x;", "uint", "parameter 'x'")]
    [InlineData("[return: Row] TorchTensor Score([global::FastBatch.RowAttribute<[|ulong|]>] TorchTensor x) => x;", "ulong", "parameter 'x'")]
    [InlineData("[return: Row<[|char|]>(3)] TorchTensor Score([Row] TorchTensor x) => x;", "char", "the result")]
    [InlineData("[return: Row, Row<[|decimal|]>] (TorchTensor, TorchTensor) Score([Row] TorchTensor x) => default;", "decimal", "result 2")]
    [InlineData("[return: Row<[|DayOfWeek|]>, Row] (TorchTensor A, TorchTensor B) Score([Row] TorchTensor x) => default;", "DayOfWeek", "result 'A'")]
    [InlineData("[return: Row] TorchTensor Score([Row<[|nint|]>] TorchTensor x) => x;", "nint", "parameter 'x'")]
    [InlineData("[return: Row] TorchTensor Score([Row<[|Half|]>] TorchTensor x) => x; struct Half;", "Model.Half", "parameter 'x'")]
    [InlineData("[return: Row] TorchTensor Score([[|Guids(3)|]] TorchTensor x) => x;", "Guid", "parameter 'x'")]
    public Task FB0023_not_a_tensor_element(string method, string element, string owner) => RefuseAsync(
        "FB0023",
        $"using GuidsAttribute = FastBatch.RowAttribute<System.Guid>; partial class Model {{ [Batchable] {method} }}",
        $"[Row<{element}>] stands on {owner}, but no TorchTensor has elements of that type; accepted: {TensorType.Native.ElementText}");

    [Theory]
    [InlineData("void Score([Row] TorchTensor x, [Row(10)] [|Span<float>|] z) { }", "Span<float>")]
    [InlineData("[return: Row] TorchTensor Score([Row] TorchTensor x, [|ReadOnlySpan<int>|] z) => x;", "ReadOnlySpan<int>")]
    [InlineData("[return: Row] TorchTensor Score([Row] TorchTensor x, [Row(2)] [|TensorSpan<Half>|] z) => x;", "TensorSpan<Half>")]
    [InlineData("[return: Row] TorchTensor Score([Row(4)] [|ReadOnlySpan<float>|] z) => default;", "ReadOnlySpan<float>")]
    [InlineData("[return: Row, Row] (TorchTensor, TorchTensor) Score([Row(4)] [|ReadOnlyTensorSpan<float>|] z) => default;", "ReadOnlyTensorSpan<float>")]
    public Task FB0024_mixed_families(string method, string type) => RefuseAsync(
        "FB0024",
        $"partial class Model {{ [Batchable] {method} }}",
        $"Parameter 'z' is '{type}' in a method over TorchTensor; accepted: TorchTensor for each input, with the results returned, or spans for all of them");

    [Theory]
    [InlineData("[return: Row(10)] [|(TorchTensor A, TorchTensor B)|] Score([Row] TorchTensor x) => default;", 2, 1)]
    [InlineData("[return: Row(10), Row, Row] [|(TorchTensor, TorchTensor, TorchTensor, TorchTensor)|] Score([Row] TorchTensor x) => default;", 4, 3)]
    [InlineData("[return: Row(10), [|Row<long>|]] TorchTensor Score([Row] TorchTensor x) => default;", 1, 2)]
    [InlineData("[return: Row(10)] [return: Row] [return: [|Row(4)|], Row(5)] (TorchTensor, TorchTensor) Score([Row] TorchTensor x) => default;", 2, 4)]
    public Task FB0025_rows_of_results(string method, int results, int rows) => RefuseAsync(
        "FB0025",
        $"partial class Model {{ [Batchable] {method} }}",
        $"'Score' returns {results} of TorchTensor, but has {rows} [return: Row]; accepted: as many, in the same order, as in [return: Row(10), Row<long>]");

    [Theory]
    [InlineData("void Score([Row(4), [|Row(5)|]] ReadOnlySpan<float> x, Span<float> y) { }", "x", 2)]
    [InlineData("void Score(ReadOnlySpan<float> x, [Row] [[|Row<float>|]] [Row] Span<float> y) { }", "y", 3)]
    [InlineData("[return: Row] TorchTensor Score([Row(4), [|Row<int>(4)|]] TorchTensor x) => x;", "x", 2)]
    [InlineData("[return: Row] private partial TorchTensor Score([Row(4)] TorchTensor x); private partial TorchTensor Score([[|Row(4)|]] TorchTensor x) => x;", "x", 2)]
    [InlineData("void Other() { } partial void Score([Row] ReadOnlySpan<float> x, Span<float> y); } partial class Model { [Batchable] partial void Score([[|Row|]] ReadOnlySpan<float> x, Span<float> y) { }", "x", 2, "")]
    public Task FB0026_several_rows(string method, string parameter, int rows, string attribute = "[Batchable] ") => RefuseAsync(
        "FB0026", $"partial class Model {{ {attribute}{method} }}", $"Parameter '{parameter}' has {rows} [Row]; accepted: one");

    [Theory]
    [InlineData("ReadOnlySpan<float> x, [Row<[|double|]>(3)] Span<float> z", "double", "float")]
    [InlineData("ReadOnlySpan<float> x, [Row<[|int|]>] TensorSpan<uint> z", "int", "uint")]
    [InlineData("[Row<[|ValueTuple<int, float>|]>] ReadOnlySpan<(int, int)> z, Span<float> y", "(int, float)", "(int, int)")]
    [InlineData("[Row<[|int|]>] ReadOnlySpan<T> z, Span<float> y", "int", "T")]
    public Task FB0027_row_disagrees(string parameters, string given, string element) => RefuseAsync(
        "FB0027",
        $"partial class Model<T> where T : unmanaged {{ [Batchable] void Score({parameters}) {{ }} }}",
        $"[Row<{given}>] stands on parameter 'z', whose elements are of type '{element}'; accepted: [Row] without a type, which the span has, or the same");

    [Theory]
    [InlineData("[return: [|Row(10)|]] void Score(P) { }", "[Row(...)] on the parameter that it is meant for")]
    [InlineData("[return: [|Row<long>|], Row] static void Score(P) { }", "[Row(...)] on the parameter that it is meant for")]
    [InlineData("[return: [|Row(10)|]] void Score([Row] TorchTensor x) { }", $"a method that returns {Results}")]
    public Task FB0028_row_of_nothing(string method, string accepted) => RefuseAsync(
        "FB0028",
        $"partial class Model {{ [Batchable] {method} }}",
        $"[return: Row] stands on 'Score', which returns nothing; accepted: {accepted}");

    [Fact]
    public async Task Every_reason_is_given_of_a_method_over_tensors()
    {
        Generate("""
            partial class Model
            {
                [Batchable(BatchDim = 3)]
                [return: Row(0), Row<char>]
                (TorchTensor, TorchTensor) Score(TorchTensor x, [Row<uint>(0)] TorchTensor y, Span<float> z, int w, in TorchTensor v) => default;
            }
            """, out Compilation output);
        Assert.Equal(
            ["FB0011", "FB0023", "FB0010", "FB0023", "FB0011", "FB0024", "FB0007", "FB0008", "FB0010"],
            (await UserProject.AnalyzeAsync(output)).Select(static diagnostic => diagnostic.Id));
    }

    [Theory]
    [InlineData("[return: Row] TorchTensor Score([Row] Unknown x) => default;", "CS0246")]
    [InlineData("[return: Row] Unknown Score([Row] TorchTensor x) => default;", "CS0246")]
    [InlineData("[return: Row, Row] (TorchTensor, Unknown) Score([Row] TorchTensor x) => default;", "CS0246")]
    [InlineData("[return: Row] TorchTensor Score([Row<Unknown>] TorchTensor x) => x;", "CS0246")]
    [InlineData("[return: Row] TorchTensor Score([Row<string>] TorchTensor x) => x;", "CS8377")]
    [InlineData("[return: Row] TorchTensor Score([Row<int?>] TorchTensor x) => x;", "CS8377")]
    [InlineData("[return: Row(\"3\")] TorchTensor Score([Row] TorchTensor x) => x;", "CS1503")]
    [InlineData("void Score([Row<string>] ReadOnlySpan<float> x, Span<float> y) { }", "CS8377")]
    [InlineData("void Score([Row<Unknown>] ReadOnlySpan<float> x, Span<float> y) { }", "CS0246")]
    [InlineData("[Row] void Score(ReadOnlySpan<float> x, Span<float> y) { }", "CS0592")]
    public async Task What_the_compiler_reports_of_tensors_is_not_reported_again(string method, string id)
    {
        Generate($"partial class Model {{ [Batchable] {method} }}", out Compilation output);
        Assert.Equal([id], (await UserProject.AnalyzeAsync(output)).Select(static diagnostic => diagnostic.Id));
    }

    private static void Generate(string source, out Compilation output) => UserProject.Generate(Compile(source), out output);
}
