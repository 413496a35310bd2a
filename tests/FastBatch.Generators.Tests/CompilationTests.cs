using FastBatch.Generators.Tests.Harness;
using Microsoft.CodeAnalysis.CSharp;

namespace FastBatch.Generators.Tests;

/// <summary>
/// What is generated compiles without a word from the compiler: every warning an error, nullable on, unsafe off, documentation demanded.
/// The tests' own members have no documentation, so each file of theirs says so.
/// </summary>
public partial class CompilationTests
{
    private const string Undocumented = "#pragma warning disable CS1591, CS0612 // and the obsolete, where they use it\n";

    /// <summary>Kinds of types around a method, declared where [M] stands.</summary>
    public static TheoryData<string> ContainingTypes =>
    [
        "public partial class Model { [M] }",
        "public sealed partial class Model { [M] }",
        "public abstract partial class Model { [M] }",
        "internal partial class Model { [M] }",
        "public partial record Model { [M] }",
        "public partial record Model(int Size) { [M] }",
        "public sealed partial record class Model { [M] }",
        "public static partial class Model { static [M] }",
        "public partial class Model { static [M] }",
        "public partial record Model { static [M] }",
        "public partial struct Model { static [M] }",
        "public readonly partial struct Model { static [M] }",
        "public partial record struct Model(int Size) { static [M] }",
        "public ref partial struct Model { static [M] }",
        "public partial class Model(int size) { public int Size => size; [M] }",
        "public partial class Outer { public partial class Inner { [M] } }",
        "public static partial class Outer { internal partial class Inner { public sealed partial class Innermost { [M] } } }",
        "public partial struct Outer { public partial class Inner { [M] } }",
        "public partial interface IOuter { public partial class Inner { [M] } }",
        "public partial record Outer { private partial record struct Inner { static [M] } }",
        "public partial class Model<T> { [M] }",
        "public partial class Model<T> where T : unmanaged, IComparable<T> { [M] }",
        "public partial class Model<TKey, TValue> where TKey : notnull where TValue : class, new() { [M] }",
        "public partial class Model<@class> where @class : struct { [M] }",
        "public partial class Outer<T> { public partial class Inner<U> where U : class { [M] } }",
        "public partial class Outer<T> { public static partial class Inner { static [M] } }",
        "public static partial class Model<T> where T : unmanaged { static [M] }",
        "namespace A.B { public partial class Model { [M] } }",
        "namespace @class.@event { public partial class @new { [M] } }",
        "namespace Größe { public partial class Maß { [M] } }",
        "namespace Model { public partial class Model { [M] } }",
        "namespace A.FastBatch { public partial class Model { [M] } }",
        "namespace System { public partial class Model { [M] } }",
        "public partial class @record { [M] }",
        "public partial class Outputs { [M] }",
        "public partial class Row { [M] }",
        "public partial class Lease { [M] }",
        "public partial class Batcher { [M] }",
        "public partial class Name { static [M] }",
        "namespace A { public partial class System { static [M] } }",
        "public partial class Model<Row> { [M] }",
        "public partial class Model<TState, Outputs, Lease, CopyRequest, LeaseRequest, RowWriter> { static [M] }",
        "public partial class Model { [M] public static class ScoreBatcher<T> { } public void CreateScoreBatcher(int size) { } }",
        "public partial class Model { [M] public class Request { } private int _target; private int _x = 1; public int X => _x + _target++; }",
        "#nullable disable\npublic partial class Model { [M] }",
        "public partial class Model { [M] } public partial class Model { private static readonly int Size = 3; public int Twice => 2 * Size; }",
    ];

    /// <summary>Modifiers of a method, with the type around it.</summary>
    public static TheoryData<string> Methods =>
    [
        "public partial class Model { [Batchable] public void Score(S) { } }",
        "public partial class Model { [Batchable] internal void Score(S) { } }",
        "public partial class Model { [Batchable] protected void Score(S) { } }",
        "public partial class Model { [Batchable] protected internal void Score(S) { } }",
        "public partial class Model { [Batchable] private protected void Score(S) { } }",
        "public partial class Model { [Batchable] private void Score(S) { } }",
        "public partial class Model { [Batchable] void Score(S) { } }",
        "public partial class Model { [Batchable] public virtual void Score(S) { } }",
        "public abstract partial class Model { [Batchable] public abstract void Score(S); }",
        "public partial class Model { [Batchable] public partial void Score(S); public partial void Score(s) { } }",
        "public partial class Model { public partial void Score(s); [Batchable] public partial void Score(S) { } }",
        "public partial class Model { [Batchable] partial void Score(S); partial void Score(s) { } }",
        "public partial class Model { [Batchable, Obsolete] public void Score(S) { } }",
        "[Obsolete(\"Use another.\")] public partial class Model { [Batchable] public void Score(S) { } }",
        "public partial class Model { [BatchableAttribute(Name = null)] public void Score(S) { } }",
        "public partial class Model { [Batchable(Name = \"class\")] public void Score(S) { } }",
        "public partial class Model { [Batchable] public void @class(S) { } }",
        "public partial class Model { [Batchable] public void Größe(S) { } }",
        "public partial class Model { [Batchable] public void Run(S) { } }",
        "public partial class Model { [Batchable] public static void Run(S) { } [Batchable] public static void SubmitAsync(S) { } }",
        "public partial class Model { [Batchable] public void Publish(S) { } [Batchable] public void TryClaim(S) { } }",
        "public partial class Model { [Batchable] public void Score(S) { } [Batchable] public void Rank(S) { } [Batchable] public static void Embed(S) { } }",
        "public partial class Model { [Batchable] public void Score(S) { } public void Score(int size) { } public void Score<T>(T value) { } }",
        "public partial class Model { [Batchable] public void Score(S) { } [Batchable(Name = \"ScoreOne\")] public void Score(ReadOnlySpan<int> x, Span<int> y) { } }",
        "public partial class Model { [Batchable] public void Score(S) { } [Batchable] public void score(S) { } }",
        "public partial class Model { [Batchable] public void Score(S) { } } public partial class model2 { } public partial class MODEL { [Batchable] public void Score(S) { } }",
        "public partial class Model { [Batchable] public virtual void Score(S) { } } public partial class Better : Model { [Batchable] public override void Score(S) { } }",
        "public partial class Model { protected virtual void Score(S) { } } public sealed partial class Better : Model { [Batchable] protected override void Score(S) { } }",
        "public partial class Model { protected internal virtual void Score(S) { } } public sealed partial class Better : Model { [Batchable] protected internal override void Score(S) { } }",
        "public partial class Model { public void Score(int size) { } } public partial class Better : Model { [Batchable] public void Score(S) { } }",
        "public class Model { public class ScoreBatcher { } } public partial class Better : Model { [Batchable] public void Score(S) { } }",
        "public static partial class Model { [Batchable] public static void Score(this ReadOnlySpan<float> x, Span<float> y) { } }",
        "public interface IModel { void Score(S); } public partial class Model : IModel { [Batchable] public void Score(S) { } }",
    ];

    /// <summary>Element types, with whatever declares them.</summary>
    public static TheoryData<string, string> Elements => new()
    {
        { "byte", "" }, { "sbyte", "" }, { "short", "" }, { "ushort", "" }, { "int", "" }, { "uint", "" }, { "long", "" }, { "ulong", "" },
        { "nint", "" }, { "nuint", "" }, { "IntPtr", "" }, { "float", "" }, { "double", "" }, { "decimal", "" }, { "bool", "" }, { "char", "" },
        { "Half", "" }, { "Int128", "" }, { "UInt128", "" }, { "Guid", "" }, { "DateTime", "" }, { "DateTimeOffset", "" }, { "TimeSpan", "" },
        { "System.Text.Rune", "" }, { "System.Numerics.Vector4", "" }, { "System.Numerics.Complex", "" }, { "DayOfWeek", "" },
        { "(int, float)", "" }, { "(int Id, (bool @in, Half) Weight)", "" }, { "ValueTuple<int>", "" },
        { "KeyValue", "public struct KeyValue { public int Key; public double Value; }" },
        { "Pair<int>", "public readonly record struct Pair<T>(T One, T Other) where T : unmanaged;" },
        { "Pair<Pair<Half>>", "public readonly record struct Pair<T>(T One, T Other) where T : unmanaged;" },
        { "Tag<string>", "public struct Tag<T> { public int Number; }" },
        { "Tag<string?>", "public struct Tag<T> { public int Number; }" },
        { "@struct", "public struct @struct { public int Number; }" },
        { "Old", "[Obsolete] public enum Old { None }" },
        { "A.B.C", "namespace A { public static class B { public enum C : byte { None } } }" },
        { "Float", "" },
    };

    /// <summary>Names that a batcher, its base types, C# or tuples use themselves.</summary>
    public static TheoryData<string> ParameterNames =>
    [
        "cancellationToken", "request", "row", "state", "write", "exception", "batch", "outputs", "results", "options", "target", "maxRows", "claim",
        "result", "version", "home", "rows", "lease", "dispose", "held", "handle", "memory", "name", "capacity", "ticket", "value", "field",
        "_", "__", "_1", "_x", "x", "X", "_X", "x_y", "xY", "user_id", "_target", "_copyRequests", "_leaseRequests", "_outputs", "_handle", "_row",
        "@class", "@this", "@in", "@default", "@true", "var", "async", "await", "record", "scoped", "allows", "global", "partial", "when", "yield",
        "Publish", "TryClaim", "RequireLength", "WriteRow", "Abandon", "SubmitAsync", "CopyRequest", "LeaseRequest", "Outputs", "Lease", "Row",
        "RowWriter", "TState", "Held", "Run", "Open", "ScoreBatcher", "Model", "System", "FastBatch",
        "item1", "Item1", "Item2", "Item3", "Rest", "ToString", "toString", "Equals", "getHashCode", "CompareTo", "Deconstruct", "getType", "finalize",
        "größe", "行", "ı", "İ", "straße",
    ];

    public static TheoryData<string> Parameters =>
    [
        "ReadOnlySpan<float> x, Span<float> y",
        "Span<float> y, ReadOnlySpan<float> x",
        "[Row] ReadOnlySpan<float> x, [Row()] Span<float> y",
        "[Row(1)] ReadOnlySpan<float> x, [Row(1)] Span<float> y",
        "[Row] ReadOnlyTensorSpan<float> x, [Row()] TensorSpan<float> y",
        "[Row(3, 4)] ReadOnlySpan<float> x, [Row(2, 5, 6)] Span<Half> y",
        "[Row(3, 4)] ReadOnlyTensorSpan<float> x, [Row(2, 5, 6, 7, 8, 9)] TensorSpan<Half> y",
        "[Row(new[] { 3, 4 })] ReadOnlyTensorSpan<float> x, [Row(dimensions: 5)] TensorSpan<Half> y",
        "[Row(Size, 2 * Size)] ReadOnlyTensorSpan<float> x, [Row(int.MaxValue)] TensorSpan<byte> y",
        "[Row(3)] ReadOnlySpan<float> a, ReadOnlySpan<int> b, [Row(4)] ReadOnlyTensorSpan<bool> c, [Row(2)] Span<float> d, Span<int> e, [Row(3, 3)] TensorSpan<char> f",
        "Span<int> e, [Row(3)] ReadOnlySpan<float> a, [Row(2)] Span<float> d, ReadOnlySpan<int> b",
        "ReadOnlySpan<float> a, ReadOnlySpan<int> b, Span<long> c, Span<bool> d, Span<(int, char)> e",
        "ReadOnlySpan<float> a, Span<long> b, Span<bool> c, Span<int> d, Span<int> e, Span<int> f, Span<int> g, Span<int> h, Span<int> i",
        "[Row(3)] ReadOnlySpan<float> x, Span<float> y, Span<float> z",
        "ReadOnlySpan<float> x, [Row(3)] Span<float> y",
        "ReadOnlySpan<float> w, ReadOnlySpan<float> x, [Row(3)] Span<float> y, [Row(4)] Span<float> z",
        "scoped ReadOnlySpan<float> x, scoped Span<float> y",
        "System.ReadOnlySpan<float> x, global::System.Span<float> y",
        "[Row(3)] ReadOnlySpan<float> x, [Row(3)] ReadOnlySpan<float> X, [Row(3)] Span<float> _x, [Row(3)] Span<float> _X, Span<int> x_, Span<int> X_",
        "[Row(3)] ReadOnlySpan<float> userId, ReadOnlySpan<float> user_id, [Row(3)] Span<float> _userId, Span<float> UserId",
    ];

    [Theory]
    [MemberData(nameof(ContainingTypes))]
    public Task Every_kind_of_type(string type)
    {
        const string Score = "void Score([Row(4)] ReadOnlySpan<float> x, ReadOnlySpan<int> y, [Row(2)] Span<float> z, Span<bool> w) { }";
        return RequireCleanAsync(type
            .Replace("static [M]", $"[Batchable] public static {Score}", StringComparison.Ordinal)
            .Replace("[M]", $"[Batchable] public {Score}", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public Task Every_kind_of_method(string type) => RequireCleanAsync(
        type.Replace("(S)", "([Row(4)] ReadOnlySpan<float> x, [Row(2)] Span<float> y)", StringComparison.Ordinal)
            .Replace("(s)", "(ReadOnlySpan<float> x, Span<float> y)", StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Elements))]
    public Task Every_element_type(string element, string declaration) => RequireCleanAsync($$"""
        using Float = float;
        using Pairs = (int One, float Other);
        namespace Samples
        {
            public partial class Model
            {
                [Batchable]
                public void Score(
                    [Row(4)] ReadOnlySpan<{{element}}> x, ReadOnlySpan<{{element}}> y, [Row(2, 2)] TensorSpan<{{element}}> z, Span<{{element}}> w, Span<Pairs> v)
                {
                }
            }
        }
        {{declaration}}
        """);

    [Fact]
    public Task Type_parameters_as_elements() => RequireCleanAsync("""
        public static partial class Outer<TKey>
            where TKey : unmanaged, IComparable<TKey>
        {
            public readonly record struct Pair<T>(T One, T Other)
                where T : unmanaged;

            public sealed partial class Model<TState>(int size)
                where TState : unmanaged, IEquatable<TState>
            {
                public int Size => size;

                [Batchable]
                public void Score([Row(3)] ReadOnlySpan<TKey> keys, ReadOnlySpan<TState> one, [Row(2)] Span<Pair<TState>> pairs, Span<(TKey, TState)> best) { }
            }
        }
        """);

    [Theory]
    [MemberData(nameof(ParameterNames))]
    public Task Every_parameter_name(string name) => RequireCleanAsync($$"""
        public partial class Model
        {
            [Batchable] public void A([Row(4)] ReadOnlySpan<float> {{name}}, [Row(2)] Span<float> other) { }
            [Batchable] public void B([Row(4)] ReadOnlySpan<float> {{name}}, ReadOnlySpan<float> other, [Row(2)] Span<float> another, Span<int> last) { }
            [Batchable] public void C([Row(4)] ReadOnlySpan<float> other, ReadOnlySpan<float> {{name}}, [Row(2)] Span<float> another, Span<int> last) { }
            [Batchable] public void D([Row(4)] ReadOnlySpan<float> other, ReadOnlySpan<float> another, [Row(2)] Span<float> {{name}}, Span<int> last) { }
            [Batchable] public void E([Row(4)] ReadOnlySpan<float> other, ReadOnlySpan<float> another, [Row(2)] Span<float> last, Span<int> {{name}}) { }
            [Batchable] public void F(ReadOnlySpan<float> other, Span<float> {{name}}, Span<int> last) { }
            [Batchable] public static void G(ReadOnlySpan<float> {{name}}, Span<float> last) { }
        }
        """);

    [Theory]
    [MemberData(nameof(Parameters))]
    public Task Every_mix_of_parameters(string parameters) => RequireCleanAsync($$"""
        public partial class Model
        {
            public const int Size = 3;

            [Batchable] public void Score({{parameters}}) { }
        }
        """);

    [Theory]
    [InlineData("BatchDim = 0", "[Row(3, 4)] ReadOnlyTensorSpan<float> x, [Row(5)] TensorSpan<float> y")]
    [InlineData("BatchDim = 1", "[Row(3, 4)] ReadOnlyTensorSpan<float> x, [Row(5)] TensorSpan<float> y")]
    [InlineData("BatchDim = 2, OutputBatchDim = 0", "[Row(3, 4)] ReadOnlyTensorSpan<float> x, [Row(5)] Span<float> y")]
    [InlineData("OutputBatchDim = 1", "[Row(3, 4)] ReadOnlySpan<float> x, [Row(5)] TensorSpan<float> y")]
    [InlineData("BatchDim = 1", "[Row(3, 4)] ReadOnlyTensorSpan<float> x, ReadOnlySpan<int> w, [Row()] TensorSpan<float> y, Span<float> z")]
    [InlineData("MaxBatchSize = 1, MaxQueueDelayMicroseconds = 5000, Name = \"Best\"", "ReadOnlySpan<float> x, Span<float> y")]
    public Task Every_setting(string settings, string parameters) => RequireCleanAsync($$"""
        public partial class Model
        {
            [Batchable({{settings}})] public void Score({{parameters}}) { }
        }
        """);

    [Theory]
    [InlineData(LanguageVersion.CSharp13)]
    [InlineData(LanguageVersion.Latest)]
    [InlineData(LanguageVersion.LatestMajor)]
    [InlineData(LanguageVersion.Preview)]
    public async Task Every_language_version(LanguageVersion language) => await UserProject.RequireCleanAsync(UserProject.Compile(language, Undocumented + """
        namespace Samples;
        public partial class Model<T>
        {
            [Batchable] public void Score([Row(4)] ReadOnlyTensorSpan<float> field, ReadOnlySpan<int> y, [Row(2)] Span<float> z, Span<bool> w) { }
        }
        """));

    private static async Task RequireCleanAsync(string source)
    {
        IReadOnlyDictionary<string, string> sources = await UserProject.RequireCleanAsync(UserProject.Compile(Undocumented + source));
        Assert.NotEmpty(sources);
        Assert.All(sources.Values, static text => Assert.DoesNotContain("\r", text, StringComparison.Ordinal));
    }
}
