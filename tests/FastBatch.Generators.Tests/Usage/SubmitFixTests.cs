using FastBatch.CodeFixes;
using FastBatch.Generators.Tests.Harness;
using Microsoft.CodeAnalysis.CodeFixes;

namespace FastBatch.Generators.Tests.Usage;

/// <summary>What the code fixes make of mistakes with <c>SubmitAsync</c>: it compiles, and gets no word any more.</summary>
public class SubmitFixTests
{
    [Theory]
    [InlineData(
        "async Task M() { ValueTask<int> t = r.SubmitAsync(1); await t; await t; }",
        "async Task M() { ValueTask<int> t = r.SubmitAsync(1).Preserve(); await t; await t; }")]
    [InlineData(
        "async Task M() { var t = r.SubmitAsync(1).ConfigureAwait(false); await t; await t; }",
        "async Task M() { var t = r.SubmitAsync(1).Preserve().ConfigureAwait(false); await t; await t; }")]
    [InlineData(
        "async Task M(bool b) { ValueTask<int> t; if (b) { t = r.SubmitAsync(1); } else { t = r.SubmitAsync(2); } await t; await t; }",
        "async Task M(bool b) { ValueTask<int> t; if (b) { t = r.SubmitAsync(1).Preserve(); } else { t = r.SubmitAsync(2).Preserve(); } await t; await t; }")]
    [InlineData(
        "ValueTask<int> _next; void M() { _next = r.SubmitAsync(1); }",
        "ValueTask<int> _next; void M() { _next = r.SubmitAsync(1).Preserve(); }")]
    public Task Preserved(string code, string expected) => FixAsync(new PreserveTaskFix(), code, expected);

    [Theory]
    [InlineData("async Task<int> M() => r.SubmitAsync(1).Result;", "async Task<int> M() => await r.SubmitAsync(1);")]
    [InlineData("async Task<string> M() => r.SubmitAsync(1).Result.ToString();", "async Task<string> M() => (await r.SubmitAsync(1)).ToString();")]
    [InlineData("async Task<int> M() { var t = r.SubmitAsync(1); return t.Result; }", "async Task<int> M() { var t = r.SubmitAsync(1); return await t; }")]
    [InlineData(
        "int M() => r.SubmitAsync(1).ConfigureAwait(false).GetAwaiter().GetResult();",
        "int M() => r.SubmitAsync(1).AsTask().GetAwaiter().GetResult();")]
    [InlineData("int M() { lock (this) { return r.SubmitAsync(1).Result; } }", "int M() { lock (this) { return r.SubmitAsync(1).AsTask().GetAwaiter().GetResult(); } }")]
    [InlineData("Func<int> M() => () => r.SubmitAsync(1).Result;", "Func<int> M() => () => r.SubmitAsync(1).AsTask().GetAwaiter().GetResult();")]
    [InlineData("async Task M() { _ = r.SubmitAsync(1); }", "async Task M() { await r.SubmitAsync(1); }")]
    public Task Awaited(string code, string expected) => FixAsync(new AwaitFix(), code, expected);

    [Theory]
    [InlineData(
        "async Task M(float[] x) { var l = await s.SubmitAsync(x); N(l.Span[0]); } void N(float x) { }",
        "async Task M(float[] x) { using var l = await s.SubmitAsync(x); N(l.Span[0]); } void N(float x) { }")]
    [InlineData("async Task M(float[] x) { await s.SubmitAsync(x); }", "async Task M(float[] x) { (await s.SubmitAsync(x)).Dispose(); }")]
    [InlineData("async Task M(float[] x) { _ = await s.SubmitAsync(x); }", "async Task M(float[] x) { (await s.SubmitAsync(x)).Dispose(); }")]
    public Task Disposed(string code, string expected) => FixAsync(new DisposeLeaseFix(), code, expected);

    [Theory]
    [InlineData(
        "async Task M() => await Task.WhenAll(r.SubmitAsync(1), r.SubmitAsync(2));",
        "async Task M() => await Task.WhenAll(r.SubmitAsync(1).AsTask(), r.SubmitAsync(2).AsTask());")]
    [InlineData(
        "async Task M(int[] x) => await Task.WhenAll(System.Linq.Enumerable.Select(x, i => r.SubmitAsync(i)));",
        "async Task M(int[] x) => await Task.WhenAll(System.Linq.Enumerable.Select(x, i => r.SubmitAsync(i).AsTask()));")]
    [InlineData(
        "async Task M() => await Task.WhenAny([r.SubmitAsync(1), r.SubmitAsync(2)]);",
        "async Task M() => await Task.WhenAny([r.SubmitAsync(1).AsTask(), r.SubmitAsync(2).AsTask()]);")]
    [InlineData(
        "void M() => Task.WaitAll(r.SubmitAsync(1));",
        "void M() => Task.WaitAll(r.SubmitAsync(1).AsTask());")]
    public Task Shared(string code, string expected) => FixAsync(new ShareAsTaskFix(), code, expected);

    [Theory]
    [InlineData("void M() { _ = r.SubmitAsync(1); }")]
    public async Task Nothing_is_offered_where_an_await_cannot_stand(string code) =>
        Assert.Null(await Fixer.FixOneAsync(new AwaitFix(), SubmitAnalyzerTests.User(code)));

    [Fact]
    public async Task A_lease_whose_row_is_read_in_passing_is_left_to_its_author() => Assert.Null(await Fixer.FixOneAsync(
        new DisposeLeaseFix(), SubmitAnalyzerTests.User("async Task<float> M(float[] x) => (await s.SubmitAsync(x)).Span[0];")));

    [Theory]
    [InlineData(
        typeof(PreserveTaskFix),
        "async Task M() { var t = r.SubmitAsync(1); await t; await t; await t; var u = r.SubmitAsync(2); await u; await u; }",
        "async Task M() { var t = r.SubmitAsync(1).Preserve(); await t; await t; await t; var u = r.SubmitAsync(2).Preserve(); await u; await u; }")]
    [InlineData(
        typeof(AwaitFix),
        "async Task<int> M() => r.SubmitAsync(1).Result + r.SubmitAsync(2).Result; async Task N() { _ = r.SubmitAsync(1); _ = r.SubmitAsync(2); }",
        "async Task<int> M() => await r.SubmitAsync(1) + await r.SubmitAsync(2); async Task N() { await r.SubmitAsync(1); await r.SubmitAsync(2); }")]
    [InlineData(
        typeof(DisposeLeaseFix),
        "async Task M(float[] x) { var l = await s.SubmitAsync(x); var m = await s.SubmitAsync(x); await s.SubmitAsync(x); }",
        "async Task M(float[] x) { using var l = await s.SubmitAsync(x); using var m = await s.SubmitAsync(x); (await s.SubmitAsync(x)).Dispose(); }")]
    public async Task All_of_a_document_at_once(Type fix, string code, string expected)
    {
        string text = await Fixer.FixAllAsync((CodeFixProvider)Activator.CreateInstance(fix)!, SubmitAnalyzerTests.User(code));
        Assert.Contains(expected, text, StringComparison.Ordinal);
    }

    private static async Task FixAsync(CodeFixProvider fix, string code, string expected)
    {
        string? text = await Fixer.FixOneAsync(fix, SubmitAnalyzerTests.User(code));
        Assert.NotNull(text);
        Assert.Contains(expected, text, StringComparison.Ordinal);
        await UserProject.RequireCleanAsync(UserProject.Compile(SubmitAnalyzerTests.User(expected)));
    }
}
