using System.Collections.Immutable;
using System.Globalization;
using FastBatch.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;

namespace FastBatch.Generators.Tests.Usage;

/// <summary>
/// Mistakes with what <c>SubmitAsync</c> returns: the id, and the source it points at (between <c>[|</c> and <c>|]</c>). There is no other word
/// from the compiler or the analyzers.
/// </summary>
public class SubmitAnalyzerTests
{
    [Theory]
    [InlineData("async Task M() { ValueTask<int> t = r.SubmitAsync(1); await t; await [|t|]; }")]
    [InlineData("async Task M() { var t = r.SubmitAsync(1).ConfigureAwait(false); await t; await [|t|]; }")]
    [InlineData("async Task M() { ValueTask<int> t; t = r.SubmitAsync(1); await t; await [|t|].ConfigureAwait(false); }")]
    [InlineData("async Task M(int n) { var t = r.SubmitAsync(1); for (int i = 0; i < n; i++) { await [|t|]; } }")]
    [InlineData("async Task M(bool b) { var t = r.SubmitAsync(1); if (b) { await t; } await [|t|]; }")]
    [InlineData("async Task M(bool b) { var t = r.SubmitAsync(1); if (b) { await t; } else { t = r.SubmitAsync(2); } await [|t|]; }")]
    [InlineData("async Task M() { var t = r.SubmitAsync(1); try { await t; } catch (TimeoutException) { await [|t|]; } }")]
    [InlineData("async Task M() { var t = r.SubmitAsync(1); try { await t; } finally { await [|t|]; } }")]
    [InlineData("async Task M() { var t = r.SubmitAsync(1); try { N(); } finally { await t; } await [|t|]; } void N() { }")]
    [InlineData("async Task M() { var t = r.SubmitAsync(1); await t; await Task.Run(async () => await [|t|]); }")]
    [InlineData("Func<Task> M() => async () => { var t = r.SubmitAsync(1); await t; await [|t|]; };")]
    [InlineData("async Task M() { var t = r.SubmitAsync(1); await L(); await [|L()|]; async Task L() => await t; }")]
    [InlineData("async Task M() { await L(); async Task L() { var t = r.SubmitAsync(1); await t; await [|t|]; } }")]
    [InlineData("async Task M() { var t = r.SubmitAsync(1); var u = t; await u; await [|t|]; }")]
    [InlineData("async Task<int> M() { var t = r.SubmitAsync(1); await Task.WhenAll(t.AsTask(), [|t|].AsTask()); return 1; }")]
    [InlineData("ValueTask<int> M() { var t = r.SubmitAsync(1); N(t); return [|t|]; } void N(ValueTask<int> t) { }")]
    [InlineData("async Task<int> M(bool b) { var t = r.SubmitAsync(1); var u = r.SubmitAsync(2); int x = await t; return await (b ? [|t|] : u); }")]
    [InlineData("async Task M(float[] x) { ValueTask t = s.SubmitAsync(x, x); await t; await [|t|]; }")]
    public Task FB0040_awaited_again(string code) => WarnAsync(
        "FB0040",
        code,
        code.Contains("s.", StringComparison.Ordinal) ? "ScoreBatcher" : "RankBatcher",
        "'t' may have been awaited before, and its request may serve another caller by now; accepted: one await of what '{0}.SubmitAsync' returns, or AsTask() or Preserve() on it");

    [Theory]
    [InlineData("int M() => [|r.SubmitAsync(1).Result|];")]
    [InlineData("int M() { return [|r.SubmitAsync(1).GetAwaiter().GetResult()|]; }")]
    [InlineData("int M() => [|r.SubmitAsync(1).ConfigureAwait(false).GetAwaiter().GetResult()|];")]
    [InlineData("int M() { var t = r.SubmitAsync(1); return [|t.Result|]; }")]
    [InlineData("int M() { var t = r.SubmitAsync(1); return [|t.GetAwaiter().GetResult()|]; }")]
    [InlineData("int M() { var t = r.SubmitAsync(1).ConfigureAwait(false); return [|t.GetAwaiter().GetResult()|]; }")]
    [InlineData("Func<int> M() { var t = r.SubmitAsync(1); return () => [|t.Result|]; }")]
    public Task FB0041_taken_too_early(string code) => WarnAsync(
        "FB0041",
        code,
        "RankBatcher",
        "The result of '{0}.SubmitAsync' is asked for when it may not be there, which throws; accepted: await, or AsTask() to block on");

    [Theory]
    [InlineData("void M() { [|r.SubmitAsync(1)|]; }")]
    [InlineData("void M() { [|r.SubmitAsync(1)|].ConfigureAwait(false); }")]
    [InlineData("void M() { _ = [|r.SubmitAsync(1)|]; }")]
    [InlineData("async Task M() { _ = [|r.SubmitAsync(1)|]; await Task.Yield(); }")]
    [InlineData("Action M() => () => { [|r.SubmitAsync(1)|]; };")]
    [InlineData("async Task M() { await Task.Yield(); L(); void L() { [|r.SubmitAsync(1)|]; } }")]
    public Task FB0042_forgotten(string code) => WarnAsync(
        "FB0042",
        code,
        "RankBatcher",
        "What '{0}.SubmitAsync' returns is dropped, so nobody learns how the request ended and its memory is not used again; accepted: await");

    [Theory]
    [InlineData("ValueTask<int> _next; void M() { _next = [|r.SubmitAsync(1)|]; }")]
    [InlineData("ValueTask<int> _next { get; set; } void M() => this._next = [|r.SubmitAsync(1)|];")]
    public Task FB0043_task_kept(string code) => WarnAsync(
        "FB0043",
        code,
        "RankBatcher",
        "'_next' keeps what '{0}.SubmitAsync' returns, and may be awaited twice; accepted: a local that is awaited once, or AsTask() or Preserve() on it");

    [Theory]
    [InlineData("async Task M(float[] x) { RowLease<float> l = [|await s.SubmitAsync(x)|]; N(l.Span[0]); } void N(float x) { }")]
    [InlineData("async Task M(float[] x) { var l = [|await s.SubmitAsync(x).ConfigureAwait(false)|]; N(l.Span[0]); } void N(float x) { }")]
    [InlineData("async Task M(float[] x) { RowLease<float> l; l = [|await s.SubmitAsync(x)|]; N(l.Span[0]); } void N(float x) { }")]
    [InlineData("async Task M(float[] x) { [|await s.SubmitAsync(x)|]; }")]
    [InlineData("async Task M(float[] x) { _ = [|await s.SubmitAsync(x)|]; }")]
    [InlineData("async Task<float> M(float[] x) => ([|await s.SubmitAsync(x)|]).Span[0];")]
    public Task FB0044_lease_kept(string code) => WarnAsync(
        "FB0044",
        code,
        "ScoreBatcher",
        "The lease of '{0}.SubmitAsync' is not disposed, so the outputs of its batch are not used again; accepted: 'using' in front of it");

    [Theory]
    [InlineData("async Task<int> M() => await r.SubmitAsync(1);")]
    [InlineData("ValueTask<int> M() => r.SubmitAsync(1);")]
    [InlineData("async Task<int> M() { var t = r.SubmitAsync(1); var u = r.SubmitAsync(2); return await t + await u; }")]
    [InlineData("async Task M(bool b) { var t = r.SubmitAsync(1); if (b) { await t; } else { await t.ConfigureAwait(false); } }")]
    [InlineData("async Task M(bool b) { var t = r.SubmitAsync(1); if (b) { await t; return; } await t; }")]
    [InlineData("async Task M(bool b) { var t = r.SubmitAsync(1); try { if (b) { await t; return; } } finally { N(); } await t; } void N() { }")]
    [InlineData("async Task M(int[] x) { var t = r.SubmitAsync(1); foreach (int i in x) { if (i > 0) { await t; return; } } await t; }")]
    [InlineData("async Task M() { var t = r.SubmitAsync(1); while (true) { await t; t = r.SubmitAsync(2); } }")]
    [InlineData("async Task M(int n) { for (int i = 0; i < n; i++) { var t = r.SubmitAsync(i); await t; } }")]
    [InlineData("async Task<int> M() { var t = r.SubmitAsync(1); return t.IsCompletedSuccessfully ? t.Result : await t; }")]
    [InlineData("async Task M() { var t = r.SubmitAsync(1).Preserve(); await t; await t; }")]
    [InlineData("async Task M() { Task<int> t = r.SubmitAsync(1).AsTask(); await t; await t; }")]
    [InlineData("int M() => r.SubmitAsync(1).AsTask().Result;")]
    [InlineData("async Task M() { var t = r.SubmitAsync(1); await t; N(ref t); await t; } void N(ref ValueTask<int> t) => t = r.SubmitAsync(2);")]
    [InlineData("async Task M(int[] x) { var t = new ValueTask<int>[9]; for (int i = 0; i < 9; i++) { t[i] = r.SubmitAsync(i); } foreach (var u in t) { await u; } }")]
    [InlineData("async Task M() => await Task.WhenAll(r.SubmitAsync(1).AsTask(), r.SubmitAsync(2).AsTask());")]
    [InlineData("Task<int> _next = null!; void M() { _next = r.SubmitAsync(1).AsTask(); }")]
    [InlineData("async Task M(float[] x) { using var l = await s.SubmitAsync(x); }")]
    [InlineData("async Task M(float[] x) { using (await s.SubmitAsync(x)) { } }")]
    [InlineData("async Task M(float[] x) { using (RowLease<float> l = await s.SubmitAsync(x)) { } }")]
    [InlineData("async Task M(float[] x) { var l = await s.SubmitAsync(x); try { } finally { l.Dispose(); } }")]
    [InlineData("async Task M(float[] x) { var l = await s.SubmitAsync(x); using (l) { } }")]
    [InlineData("async Task M(float[] x) { var l = await s.SubmitAsync(x); N(l); } void N(RowLease<float> l) { }")]
    [InlineData("async Task<RowLease<float>> M(float[] x) { var l = await s.SubmitAsync(x); return l; }")]
    [InlineData("RowLease<float> _l; async Task M(float[] x) => _l = await s.SubmitAsync(x);")]
    [InlineData("async Task M(float[] x) => (await s.SubmitAsync(x)).Dispose();")]
    [InlineData("class Other { public ValueTask<int> SubmitAsync(int x) => default; } void M(Other o) { _ = o.SubmitAsync(1); }")]
    public Task What_is_right_gets_no_word(string code) => UserProject.RequireCleanAsync(UserProject.Compile(User(code)));

    [Fact]
    public async Task A_result_of_several_values_is_a_lease_too()
    {
        Diagnostic warning = Assert.Single(await AnalyzeAsync(User("async Task M() { var l = await p.SubmitAsync(1); }")));
        Assert.Equal(("FB0044", "await p.SubmitAsync(1)"), (warning.Id, TextAt(warning)));
    }

    /// <summary>A class that has batchers r (an int for an int), s (two floats for two floats) and p (two results), and the code.</summary>
    internal static string User(string code) => $$"""
        #pragma warning disable CS0219, CS0649, CS0169, CS1998, CS8321, CS9113
        partial class Model
        {
            [Batchable] public void Rank(ReadOnlySpan<int> x, Span<int> y) { }
            [Batchable] public void Score([Row(2)] ReadOnlySpan<float> x, [Row(2)] Span<float> y) { }
            [Batchable] public void Pair(ReadOnlySpan<int> x, [Row(2)] Span<float> y, [Row(2)] Span<float> z) { }
        }

        class User(Model.RankBatcher r, Model.ScoreBatcher s, Model.PairBatcher p)
        {
            {{code}}
        }
        """;

    private static async Task WarnAsync(string id, string marked, string batcher, string message)
    {
        string[] parts = marked.Split("[|");
        Assert.Equal(2, parts.Length);
        string pointedAt = parts[1].Split("|]")[0];
        string source = User(string.Concat(parts).Replace("|]", "", StringComparison.Ordinal));
        ImmutableArray<Diagnostic> diagnostics = await AnalyzeAsync(source);
        Assert.True(diagnostics.Length == 1, string.Join("\n", diagnostics.Select(UserProject.Describe)));
        Assert.Equal((id, pointedAt), (diagnostics[0].Id, TextAt(diagnostics[0])));
        Assert.Equal(
            source.IndexOf(parts[0], StringComparison.Ordinal) + parts[0].Length,
            diagnostics[0].Location.SourceSpan.Start - diagnostics[0].Location.SourceTree!.ToString().IndexOf(source, StringComparison.Ordinal));
        Assert.Equal(string.Format(CultureInfo.InvariantCulture, message, batcher), diagnostics[0].GetMessage(CultureInfo.InvariantCulture));
    }

    private static async Task<ImmutableArray<Diagnostic>> AnalyzeAsync(string source)
    {
        UserProject.Generate(UserProject.Compile(source), out Compilation output);
        return await UserProject.AnalyzeAsync(output);
    }

    private static string TextAt(Diagnostic diagnostic) => diagnostic.Location.SourceTree!.GetText().ToString(diagnostic.Location.SourceSpan);
}
