using System.Collections.Immutable;
using FastBatch.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastBatch.Generators.Tests;

/// <summary>The generator does its work again for an edit that changes a batcher, and for no other.</summary>
public partial class IncrementalityTests
{
    private const string Model = """
        namespace Samples;

        public partial class Model
        {
            [Batchable]
            public void Score([Row(4)] ReadOnlySpan<float> x, [Row(2)] Span<float> y) { }

            [Batchable]
            public void Rank([Row(4)] ReadOnlySpan<float> x, Span<float> y) { }

            [Batchable]
            [return: Row(10), Row<long>]
            public (TorchTensor Logits, TorchTensor Best) Classify([Row<int>(3)] TorchTensor x) => default;
        }
        """;

    private const string Other = "namespace Samples; internal class Other { public int Number => 1; }";

    [Theory]
    [InlineData("another file", Model, Other + " // edited")]
    [InlineData("a new type", Model, Other + " internal class Another;")]
    [InlineData("the body", Model, Other, "Span<float> y) { }", "Span<float> y) { y.Clear(); }")]
    [InlineData("a comment in front", Model, Other, "public partial class Model", "// A comment moves everything after it.\n\npublic partial class Model")]
    [InlineData("another member", Model, Other, "[Batchable]\n    public void Rank", "public int Number => 1;\n\n    [Batchable]\n    public void Rank")]
    [InlineData("the same setting spelled out", Model, Other, "[Batchable]", "[Batchable(BatchDim = 0)]")]
    [InlineData("the same type spelled out", Model, Other, "Span<float> y", "System.Span<System.Single> y")]
    [InlineData("the same element spelled out", Model, Other, "[return: Row(10)", "[return: Row<System.Single>(10)")]
    [InlineData("the attributes of results apart", Model, Other, "[return: Row(10), Row<long>]", "[return: Row(10)]\n    [return: Row<long>]")]
    [InlineData("the same tensor spelled out", Model, Other, "(TorchTensor Logits,", "(FastBatch.Native.TorchTensor Logits,")]
    public void An_edit_that_changes_no_batcher_generates_nothing(string edit, string model, string other, string from = "", string to = "")
    {
        string edited = from.Length == 0 ? model : model.Replace(from, to, StringComparison.Ordinal);
        Assert.True(edited != Model || other != Other, $"{edit}: nothing was edited.");

        GeneratorRunResult result = RunAgain(edited, other);

        Assert.All(Reasons(result, BatchableGenerator.ParseStep), Unchanged);
        Assert.All(Reasons(result, BatchableGenerator.SpecStep), Unchanged);
        Assert.All(
            result.TrackedOutputSteps.SelectMany(static step => step.Value).SelectMany(static step => step.Outputs),
            static output => Assert.Equal(IncrementalStepRunReason.Cached, output.Reason));

        static void Unchanged(IncrementalStepRunReason reason) =>
            Assert.True(reason is IncrementalStepRunReason.Cached or IncrementalStepRunReason.Unchanged, $"{reason}");
    }

    [Theory]
    [InlineData("ReadOnlySpan<float> x, Span<float> y", "ReadOnlySpan<float> x, Span<Half> y")]
    [InlineData("[Row(4)] ReadOnlySpan<float> x, Span<float> y", "[Row(5)] ReadOnlySpan<float> x, Span<float> y")]
    [InlineData("ReadOnlySpan<float> x, Span<float> y", "ReadOnlySpan<float> x, Span<float> z")]
    [InlineData("[Batchable]\n    public void Rank", "[Batchable(MaxBatchSize = 8)]\n    public void Rank")]
    [InlineData("[Batchable]\n    public void Rank", "[Batchable(UseCudaGraphs = true)]\n    public void Rank")]
    [InlineData("public void Rank", "internal void Rank")]
    [InlineData("Row<int>(3)", "Row<long>(3)")]
    [InlineData("[return: Row(10), Row<long>]", "[return: Row(10), Row<int>]")]
    [InlineData("[return: Row(10), Row<long>]", "[return: Row(10), Row<long>(1)]")]
    [InlineData("TorchTensor Best", "TorchTensor Digit")]
    [InlineData("[Batchable]\n    [return", "[Batchable(OutputBatchDim = 1)]\n    [return")]
    public void An_edit_of_a_method_generates_its_batcher(string from, string to)
    {
        string edited = Model.Replace(from, to, StringComparison.Ordinal);
        Assert.NotEqual(Model, edited);

        GeneratorRunResult result = RunAgain(edited, Other);

        Assert.Equal(
            [IncrementalStepRunReason.Modified, IncrementalStepRunReason.Unchanged, IncrementalStepRunReason.Unchanged],
            Reasons(result, BatchableGenerator.ParseStep).Order());
        Assert.Equal(3, result.GeneratedSources.Length);
    }

    [Fact]
    public void A_method_that_is_no_longer_accepted_loses_its_batcher()
    {
        GeneratorRunResult result = RunAgain(Model.Replace("void Rank", "int Rank", StringComparison.Ordinal), Other);
        Assert.Equal(["Samples.Model.Classify.g.cs", "Samples.Model.Score.g.cs"], result.GeneratedSources.Select(static source => source.HintName).Order());
    }

    [Fact]
    public void What_travels_through_the_pipeline_is_plain_data()
    {
        GeneratorRunResult result = UserProject.Generate(UserProject.Compile(Model, Other), out _).GetRunResult().Results.Single();
        object[] values =
        [
            .. new[] { BatchableGenerator.ParseStep, BatchableGenerator.SpecStep }
                .SelectMany(name => result.TrackedSteps[name])
                .SelectMany(static step => step.Outputs)
                .Select(static output => output.Value),
        ];

        Assert.Equal(6, values.Length);
        Assert.All(values, static value => ObjectGraph.Walk(value, static (part, path) =>
        {
            Type type = part.GetType();
            bool isPlain = type.IsPrimitive || type == typeof(string) || type.IsArray
                || type.Namespace == typeof(Specs.MethodSpec).Namespace;
            Assert.True(isPlain, $"{path} is a {type}.");
        }));
    }

    private static GeneratorRunResult RunAgain(string model, string other)
    {
        CSharpCompilation compilation = UserProject.Compile(Model, Other);
        CSharpCompilation edited = UserProject.Compile(model, other);
        GeneratorDriver driver = UserProject.Generate(compilation, out _);

        // Only the edited file is another tree, as in an editor.
        for (int file = 0; file < 2; file++)
        {
            if (edited.SyntaxTrees[file].ToString() != compilation.SyntaxTrees[file].ToString())
            {
                compilation = compilation.ReplaceSyntaxTree(compilation.SyntaxTrees[file], edited.SyntaxTrees[file]);
            }
        }

        return driver.RunGenerators(compilation).GetRunResult().Results.Single();
    }

    private static ImmutableArray<IncrementalStepRunReason> Reasons(GeneratorRunResult result, string step) =>
        [.. result.TrackedSteps[step].SelectMany(static run => run.Outputs).Select(static output => output.Reason)];
}
