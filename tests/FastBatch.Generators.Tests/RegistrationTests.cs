using FastBatch.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastBatch.Generators.Tests;

/// <summary>The <c>Add...Batcher()</c> of each batcher: where there is one, and that it compiles whatever the type looks like.</summary>
public class RegistrationTests
{
    private const string Method = "[Batchable] public void Score(ReadOnlySpan<int> x, Span<int> y) { }";

    [Fact]
    public async Task A_batcher_that_can_be_added_to_a_service()
    {
        const string Source = """
            #pragma warning disable CS1591
            namespace Samples;

            public sealed partial class Digits
            {
                [Batchable(MaxBatchSize = 32)]
                public void Classify([Row(64)] ReadOnlySpan<float> images, [Row(10)] Span<float> logits) { }
            }
            """;
        string added = await RegistrationAsync(Source);
        Snapshot.Verify("Digits.Classify.Registration", added);
    }

    [Fact]
    public async Task One_of_a_static_method_in_nested_generic_types()
    {
        const string Source = """
            #pragma warning disable CS1591
            public static partial class Outer<TKey, @event>
                where TKey : unmanaged, IComparable<TKey>
                where @event : class?, new()
            {
                internal partial record Inner<TSpan> where TSpan : notnull, allows ref struct
                {
                    [Batchable(Name = "Map")]
                    protected internal static void M(ReadOnlySpan<TKey> x, Span<TKey> y) { }
                }
            }
            """;
        Snapshot.Verify("Outer.Inner.Map.Registration", await RegistrationAsync(Source));
    }

    [Theory]
    [InlineData("nobody outside may call it", "public partial class A { [Batchable] private void Score(ReadOnlySpan<int> x, Span<int> y) { } }")]
    [InlineData("nobody outside may call it", "public partial class A { [Batchable] protected void Score(ReadOnlySpan<int> x, Span<int> y) { } }")]
    [InlineData("its type is private", "public partial class A { private partial class B { " + Method + " } }")]
    public async Task There_is_none_where(string reason, string source)
    {
        Assert.NotEmpty(reason);
        IReadOnlyDictionary<string, string> sources =
            await UserProject.RequireCleanAsync(UserProject.CompileWithHosting("#pragma warning disable CS1591\n" + source));
        Assert.DoesNotContain("FastBatch.Hosting", Assert.Single(sources).Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("public abstract partial class A { " + Method + " }")]
    [InlineData("public partial class A { public partial class B { " + Method + " } } public partial class B { " + Method + " }")]
    [InlineData("namespace N { public partial class A { " + Method + " } } namespace O { public partial class A { " + Method + " } }")]
    [InlineData("public partial class A { " + Method + " [Batchable(Name = \"Score2\")] public void Score(ReadOnlySpan<long> x, Span<long> y) { } }")]
    [InlineData("public partial class @class { " + Method + " }")]
    [InlineData("public partial class A<T> where T : struct, Enum { " + Method + " }")]
    [InlineData("public partial class A<T, U> where T : U where U : A<T, U>.I { public interface I { } " + Method + " }")]
    [InlineData("public partial class Base<T> { public partial class Nested<T2> where T2 : System.Collections.Generic.List<T>? { " + Method + " } }")]
    [InlineData("[Obsolete] public partial class A { " + Method + " }")]
    public async Task It_compiles(string source)
    {
        IReadOnlyDictionary<string, string> sources =
            await UserProject.RequireCleanAsync(UserProject.CompileWithHosting("#pragma warning disable CS1591\n" + source));
        Assert.All(sources.Values, static text => Assert.Contains("global::FastBatch.Hosting.FastBatchBuilder Add", text, StringComparison.Ordinal));
    }

    [Fact]
    public void It_comes_and_goes_with_the_reference_and_costs_no_edit_anything()
    {
        CSharpCompilation hosted = UserProject.CompileWithHosting("public partial class A { " + Method + " }", "internal class Other;");
        GeneratorDriver driver = UserProject.Generate(hosted, out _);
        SyntaxTree other = hosted.SyntaxTrees[1];
        GeneratorRunResult again = driver
            .RunGenerators(hosted.ReplaceSyntaxTree(other, other.WithChangedText(Microsoft.CodeAnalysis.Text.SourceText.From("internal class Changed;"))))
            .GetRunResult().Results.Single();
        Assert.All(
            again.TrackedOutputSteps.SelectMany(static step => step.Value).SelectMany(static step => step.Outputs),
            static output => Assert.Equal(IncrementalStepRunReason.Cached, output.Reason));

        CSharpCompilation plain = UserProject.Compile("public partial class A { " + Method + " }", "internal class Other;");
        Assert.DoesNotContain("Hosting", UserProject.Generate(plain, out _).Sources().Values.Single(), StringComparison.Ordinal);
    }

    private static async Task<string> RegistrationAsync(string source)
    {
        string text = Assert.Single(await UserProject.RequireCleanAsync(UserProject.CompileWithHosting(source))).Value;
        string registration = text[text.LastIndexOf("/// <summary>Adds <see cref", StringComparison.Ordinal)..];
        return registration[..registration.IndexOf("[global::System.CodeDom", StringComparison.Ordinal)]
            + registration[(registration.IndexOf(")]\n", StringComparison.Ordinal) + 3)..];
    }
}
