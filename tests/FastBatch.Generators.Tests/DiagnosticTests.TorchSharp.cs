using System.Collections.Immutable;
using System.Globalization;
using FastBatch.Generators.Emitting;
using FastBatch.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastBatch.Generators.Tests;

/// <summary>What is warned of in methods over TorchSharp's tensors, which are served all the same, and what is refused.</summary>
public partial class DiagnosticTests
{
    [Theory]
    [InlineData("Tensor Score([Row] Tensor x) => [|x.cpu()|];", "cpu")]
    [InlineData("Tensor Score([Row] Tensor x) { float first = [|x.item<float>()|]; return first > 0 ? x.relu() : x; }", "item")]
    [InlineData("Tensor Score([Row] Tensor x) { Func<float> f = () => [|x.item<float>()|]; return x.relu(); }", "item")]
    [InlineData("Tensor Score([Row] Tensor x) { float first = [|x.ToSingle()|]; return first > 0 ? x.relu() : x; }", "ToSingle")]
    [InlineData("Tensor Score([Row] Tensor x) { float first = [|(float)x|]; return first > 0 ? x.relu() : x; }", "(float)")]
    public Task FB0029_waits_for_the_device(string method, string call) => WarnAsync(
        "FB0029", method, $"'{call}' in 'Score' waits for the device and copies from it, for every batch; accepted: tensors as they are, which the batcher copies once");

    [Theory]
    [InlineData("Tensor Score([Row] Tensor x) => [|x.requires_grad_()|];", "requires_grad_")]
    [InlineData("Tensor Score([Row] Tensor x) { [|x.requires_grad = true|]; return x; }", "requires_grad")]
    [InlineData("Tensor Score([Row] Tensor x) { [|x.backward()|]; return x; }", "backward")]
    [InlineData("Tensor Score([Row] Tensor x) { using IDisposable _ = [|torch.enable_grad()|]; return x; }", "enable_grad")]
    [InlineData("Tensor Score([Row] Tensor x) { [|M.train()|]; return x; }", "train")]
    public Task FB0030_training(string method, string call) => WarnAsync(
        "FB0030", method, $"'{call}' in 'Score' is for training, but batches run without gradients; accepted: inference, with training done elsewhere");

    [Theory]
    [InlineData("Tensor Score([Row] Tensor x) { [|torch.NewDisposeScope()|]; return x.relu(); }")]
    [InlineData("Tensor Score([Row] Tensor x) { DisposeScope s = [|NewDisposeScope()|]; return x.relu(); }")]
    public Task FB0031_scope_kept(string method) => WarnAsync(
        "FB0031",
        method,
        "The DisposeScope in 'Score' outlives the call, and takes the tensors of other batches on its thread with it when it ends; accepted: 'using' in front of it, and MoveToOuter for what is returned");

    [Theory]
    [InlineData("Tensor Score([Row] Tensor x) => [|_kept|];", "_kept")]
    [InlineData("Tensor Score([Row] Tensor x) { return [|this.Kept|]; }", "this.Kept")]
    [InlineData("Tensor? Score([Row] Tensor x) => x is null ? x : [|Kept|];", "Kept")]
    [InlineData("Tensor Score([Row] Tensor x) { Func<Tensor> f = () => _kept; return [|_kept|]; }", "_kept")]
    public Task FB0032_kept_tensor_returned(string method, string value) => WarnAsync(
        "FB0032", method, $"'{value}' is kept, but what 'Score' returns is disposed once it is copied; accepted: alias() of it, or clone()");

    [Theory]
    [InlineData("Tensor Score([Row] Tensor x) { [|_last = x|]; return x.relu(); }", "_last")]
    [InlineData("Tensor Score([Row] Tensor x) { [|this.Last = x.detach().view(-1)|]; return x.relu(); }", "Last")]
    public Task FB0034_input_kept(string method, string member) => WarnAsync(
        "FB0034", method, $"'{member}' keeps 'x', whose memory is other callers' as soon as 'Score' has returned; accepted: clone() of it");

    [Theory]
    [InlineData("Tensor Score([Row] Tensor x) => x;")]
    [InlineData("Tensor Score([Row] Tensor x) { _last = x.clone(); Tensor y = x.view(-1); return y; }")]
    [InlineData("Tensor Score([Row] Tensor x) => _kept.alias();")]
    [InlineData("Tensor Score([Row] Tensor x) { using DisposeScope s = torch.NewDisposeScope(); return s.MoveToOuter(x.relu()); }")]
    [InlineData("Tensor Score([Row] Tensor x) { using (torch.NewDisposeScope()) { return x.relu().MoveToOuterDisposeScope(); } }")]
    [InlineData("Tensor Score([Row] Tensor x) { (Tensor A, Tensor B) y = (x.relu(), x); return y.A; }")]
    [InlineData("Tensor Score([Row] Tensor x) => x; float Other(Tensor x) => x.cpu().item<float>();")]
    [InlineData("Tensor Score([Row] Tensor x) { item(); return x; } void item() { }")]
    public async Task No_warning_for_what_is_right(string method) =>
        await UserProject.RequireCleanAsync(CompileTorchSharp(method));

    [Theory]
    [InlineData("[Batchable] [return: Row] async [|Task<Tensor>|] Score([Row] Tensor x) { await Task.Yield(); return x; }", "FB0004", "'Score' returns 'Task<torch.Tensor>'; accepted: Tensor, or a tuple of at least two of them")]
    [InlineData("[Batchable] [return: Row] Tensor Score([|Tensor|] x) => x;", "FB0010", "Parameter 'x' is a Tensor without the shape of a row; add [Row(...)] with each dimension but the batch, [Row<T>(...)] if its elements are not float, or [Row] for one value per request")]
    [InlineData("[Batchable] [return: Row] Tensor Score([Row<[|char|]>] Tensor x) => x;", "FB0023", "[Row<char>] stands on parameter 'x', but no Tensor has elements of that type; accepted: byte, sbyte, short, int, long, Half, float, double or bool")]
    [InlineData("[Batchable] [return: Row] Tensor Score([Row] Tensor x, [|ReadOnlySpan<float>|] y) => x;", "FB0024", "Parameter 'y' is 'ReadOnlySpan<float>' in a method over Tensor; accepted: Tensor for each input, with the results returned, or spans for all of them")]
    public Task Refused_over_TorchSharp_tensors(string method, string id, string message) => ExpectAsync(id, method, message, served: false);

    private static Task WarnAsync(string id, string method, string message) =>
        ExpectAsync(id, "[Batchable] [return: Row] " + method, message, served: true);

    private static async Task ExpectAsync(string id, string marked, string message, bool served)
    {
        string[] parts = marked.Split("[|");
        Assert.Equal(2, parts.Length);
        string pointedAt = parts[1].Split("|]")[0];
        CSharpCompilation compilation = CompileTorchSharp(string.Concat(parts).Replace("|]", "", StringComparison.Ordinal), attributes: "");

        IReadOnlyDictionary<string, string> sources = UserProject.Generate(compilation, out Compilation output).Sources();
        Assert.Equal(served, sources.ContainsKey(TorchSharpGlue.HintName));
        ImmutableArray<Diagnostic> diagnostics = await UserProject.AnalyzeAsync(output);
        Assert.True(diagnostics.Length == 1, string.Join("\n", diagnostics.Select(UserProject.Describe)));
        Assert.Equal((id, pointedAt), (diagnostics[0].Id, TextAt(diagnostics[0])));
        Assert.Equal(message, diagnostics[0].GetMessage(CultureInfo.InvariantCulture));
    }

    private static CSharpCompilation CompileTorchSharp(string method, string attributes = "[Batchable] [return: Row] ") =>
        UserProject.CompileWithTorchSharp($$"""
            #pragma warning disable CS0649, CS8981
            partial class Model(torch.nn.Module M)
            {
                private readonly Tensor _kept = null!;
                private Tensor Kept => _kept;
                private Tensor? _last;
                private Tensor? Last { get => _last; set => _last = value; }
                private torch.nn.Module Other2 => M;
                {{attributes}}{{method}}
            }
            """);
}
