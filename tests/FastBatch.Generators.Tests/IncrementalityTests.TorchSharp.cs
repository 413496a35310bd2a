using FastBatch.Generators.Emitting;
using FastBatch.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastBatch.Generators.Tests;

/// <summary>The same over TorchSharp's tensors, where a file is shared by all batchers of the assembly.</summary>
public partial class IncrementalityTests
{
    private const string TorchSharpModel = """
        namespace Samples;

        public partial class Network() : torch.nn.Module("network")
        {
            [Batchable]
            [return: Row(10), Row<long>]
            public (Tensor Logits, Tensor Best) Classify([Row(64)] Tensor images) => (images.relu(), images);

            [Batchable]
            [return: Row(8)]
            public Tensor Embed([Row<int>(3)] Tensor words) => words;
        }
        """;

    [Theory]
    [InlineData("the body", "=> words", "=> words.relu()")]
    [InlineData("a comment in front", "public partial class", "// A comment moves everything after it.\npublic partial class")]
    [InlineData("another member", "[Batchable]\n    [return: Row(8)]", "public int Number => 1;\n\n    [Batchable]\n    [return: Row(8)]")]
    [InlineData("the same tensor spelled out", "public Tensor Embed", "public TorchSharp.torch.Tensor Embed")]
    [InlineData("another base that is a module", "torch.nn.Module(\"network\")", "torch.nn.Module<Tensor, Tensor>(\"network\")")]
    public void An_edit_that_changes_no_batcher_over_TorchSharp_tensors_generates_nothing(string edit, string from, string to)
    {
        GeneratorRunResult result = RunTorchSharpAgain(Edit(edit, from, to));

        foreach (string step in (string[])[BatchableGenerator.ParseStep, BatchableGenerator.SpecStep, BatchableGenerator.GlueStep])
        {
            Assert.All(Reasons(result, step), static reason =>
                Assert.True(reason is IncrementalStepRunReason.Cached or IncrementalStepRunReason.Unchanged, $"{reason}"));
        }

        Assert.Equal(3, result.GeneratedSources.Length);
        Assert.All(
            result.TrackedOutputSteps.SelectMany(static step => step.Value).SelectMany(static step => step.Outputs),
            static output => Assert.Equal(IncrementalStepRunReason.Cached, output.Reason));
    }

    [Theory]
    [InlineData("the row", "Row<int>(3)", "Row<int>(4)", 1)]
    [InlineData("the element", "Row<int>(3)", "Row<long>(3)", 1)]
    [InlineData("the batch's place", "[Batchable]\n    [return: Row(8)]", "[Batchable(BatchDim = 1)]\n    [return: Row(8)]", 1)]
    [InlineData("no module, which is then not put in evaluation", " : torch.nn.Module(\"network\")", "", 2)]
    public void An_edit_generates_its_batchers_and_not_what_they_share(string edit, string from, string to, int batchers)
    {
        GeneratorRunResult result = RunTorchSharpAgain(Edit(edit, from, to));

        Assert.Equal(batchers, Reasons(result, BatchableGenerator.SpecStep).Count(static reason => reason == IncrementalStepRunReason.Modified));
        Assert.All(Reasons(result, BatchableGenerator.GlueStep), static reason =>
            Assert.True(reason is IncrementalStepRunReason.Cached or IncrementalStepRunReason.Unchanged, $"{reason}"));
        Assert.Equal(3, result.GeneratedSources.Length);
    }

    [Fact]
    public void With_the_last_of_its_batchers_the_shared_file_goes()
    {
        GeneratorRunResult result = RunTorchSharpAgain(TorchSharpModel.Replace("[Batchable]", "", StringComparison.Ordinal));
        Assert.Empty(result.GeneratedSources);
        result = RunTorchSharpAgain(Edit("one of them", "[Batchable]\n    [return: Row(8)]", "[return: Row(8)]"));
        Assert.Equal(
            [TorchSharpGlue.HintName, "Samples.Network.Classify.g.cs"],
            result.GeneratedSources.Select(static source => source.HintName).Order(StringComparer.Ordinal));
    }

    private static string Edit(string edit, string from, string to)
    {
        string edited = TorchSharpModel.Replace(from, to, StringComparison.Ordinal);
        Assert.True(edited != TorchSharpModel, $"{edit}: nothing was edited.");
        return edited;
    }

    private static GeneratorRunResult RunTorchSharpAgain(string model)
    {
        CSharpCompilation compilation = UserProject.CompileWithTorchSharp(TorchSharpModel);
        GeneratorDriver driver = UserProject.Generate(compilation, out _);
        compilation = compilation.ReplaceSyntaxTree(
            compilation.SyntaxTrees[0], UserProject.CompileWithTorchSharp(model).SyntaxTrees[0]);
        return driver.RunGenerators(compilation).GetRunResult().Results.Single();
    }
}
