using System.Globalization;
using FastBatch.Generators.Tests.Harness;
using Microsoft.CodeAnalysis.CSharp;

namespace FastBatch.Generators.Tests;

/// <summary>One source, one output: on every machine, in every culture.</summary>
public class DeterminismTests
{
    private const string Source = """
        namespace Istanbul
        {
            public partial class Index<TIn>
            {
                public partial class Inner
                {
                    [Batchable(MaxBatchSize = 1234567)]
                    public void Invite([Row(1000, 2000)] ReadOnlySpan<int> image, ReadOnlySpan<int> id, [Row(12345)] Span<long> items, Span<long> index) { }

                    [Batchable(Name = "InviteIds")]
                    public void Invite(ReadOnlySpan<int> id, Span<long> index) { }

                    [Batchable]
                    public void invite(ReadOnlySpan<int> id, Span<long> index) { }
                }
            }

            public partial class Index<TIn, TOut>
            {
                [Batchable] public void Invite(ReadOnlySpan<int> id, Span<long> index) { }
            }

            public partial class Index
            {
                [Batchable] public void Invite(ReadOnlySpan<int> id, Span<long> index) { }
            }
        }

        public partial class Index
        {
            [Batchable] public void Invite(ReadOnlySpan<int> id, Span<long> index) { }
        }

        public partial class INDEX
        {
            [Batchable] public void Invite(ReadOnlySpan<int> id, Span<long> index) { }
        }
        """;

    [Fact]
    public void Two_runs_are_equal() => Assert.Equal(Run(), Run());

    [Theory]
    [InlineData("tr-TR")]
    [InlineData("de-DE")]
    [InlineData("ar-SA")]
    public void The_culture_does_not_show(string name)
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            var culture = (CultureInfo)CultureInfo.GetCultureInfo(name).Clone();
            culture.NumberFormat.NegativeSign = "~";
            CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
            IReadOnlyDictionary<string, string> expected = Run();
            CultureInfo.CurrentCulture = culture;
            Assert.Equal(expected, Run());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void Files_have_names_of_their_own() => Assert.Equal(
        [
            "INDEX.Invite-7f496eba.g.cs",
            "Index.Invite-16281b7a.g.cs",
            "Istanbul.Index.Invite.g.cs",
            "Istanbul.Index`1.Inner.Invite-efa0aed3.g.cs",
            "Istanbul.Index`1.Inner.InviteIds.g.cs",
            "Istanbul.Index`1.Inner.invite-1b9226b3.g.cs",
            "Istanbul.Index`2.Invite.g.cs",
        ],
        Run().Keys.Order(StringComparer.Ordinal));

    private static IReadOnlyDictionary<string, string> Run()
    {
        CSharpCompilation compilation = UserProject.Compile("#pragma warning disable CS1591\n" + Source);
        return UserProject.Generate(compilation, out _).Sources();
    }
}
