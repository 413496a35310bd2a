namespace FastBatch.Hosting.Tests;

/// <summary>What the generated <c>Add...Batcher()</c> add.</summary>
public class RegistrationTests
{
    [Fact]
    public async Task A_batcher_is_a_service_that_lives_with_the_host()
    {
        var test = new TestHost();
        test.FastBatch.AddDoublerDoubleBatcher();
        using IHost host = await test.StartAsync();
        var batcher = host.Services.GetRequiredService<Doubler.DoubleBatcher>();
        Assert.Same(batcher, host.Services.GetRequiredService<Doubler.DoubleBatcher>());
        Assert.Equal(42, await batcher.SubmitAsync(21));
        Assert.Equal(16, batcher.MaxBatchSize);
        await host.StopAsync();
        Assert.Equal(BatcherState.Closed, batcher.State);
    }

    [Fact]
    public async Task The_model_comes_from_the_services_and_outlives_its_batcher()
    {
        var test = new TestHost();
        test.Services.AddSingleton(new Summand(5));
        test.FastBatch.AddAdderAddBatcher();
        IHost host = await test.StartAsync();
        var batcher = host.Services.GetRequiredService<Adder.AddBatcher>();
        Adder model = host.Services.GetRequiredService<Adder>();
        Assert.Equal(12, await batcher.SubmitAsync(7));

        // Not stopped, but disposed: what is on its way still finds its model.
        ValueTask<int> last = batcher.SubmitAsync(8);
        host.Dispose();
        Assert.Equal(13, await last);
        Assert.Equal(BatcherState.Closed, batcher.State);
        Assert.True(model.IsDisposed);
    }

    [Fact]
    public async Task Names_are_keys_and_have_models_of_their_own()
    {
        var test = new TestHost();
        test.FastBatch
            .AddAdderAddBatcher("ten", model: static _ => new Adder(new Summand(10)))
            .AddAdderAddBatcher("one", model: static _ => new Adder(new Summand(1)))
            .AddDoublerDoubleBatcher("a")
            .AddDoublerDoubleBatcher("b");
        using IHost host = await test.StartAsync();
        Assert.Equal(13, await host.Services.GetRequiredKeyedService<Adder.AddBatcher>("ten").SubmitAsync(3));
        Assert.Equal(4, await host.Services.GetRequiredKeyedService<Adder.AddBatcher>("one").SubmitAsync(3));
        Assert.Null(host.Services.GetService<Adder.AddBatcher>());
        Assert.NotSame(host.Services.GetRequiredKeyedService<Doubler>("a"), host.Services.GetRequiredKeyedService<Doubler>("b"));
    }

    [Fact]
    public async Task Static_and_generic_methods_have_one_too()
    {
        var test = new TestHost();
        test.FastBatch.AddNegationNegateBatcher().AddOuterInnerEchoBatcher<long, List<int>>(model: static _ => new());
        using IHost host = await test.StartAsync();
        Assert.Equal(-9, await host.Services.GetRequiredService<Negation.NegateBatcher>().SubmitAsync(9));
        Assert.Equal(9, await host.Services.GetRequiredService<Outer<long>.Inner<List<int>>.EchoBatcher>().SubmitAsync(9));
    }

    [Fact]
    public async Task Without_a_host_the_services_alone_make_one()
    {
        var services = new ServiceCollection();
        services.AddFastBatch().AddDoublerDoubleBatcher(configure: static options => options with { MaxBatchSize = 3 });
        await using ServiceProvider provider = services.BuildServiceProvider(
            new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true });
        var batcher = provider.GetRequiredService<Doubler.DoubleBatcher>();
        Assert.Equal(3, batcher.MaxBatchSize);
        Assert.Equal(8, await batcher.SubmitAsync(4));
    }

    [Fact]
    public async Task Whoever_wants_to_sees_every_batcher_that_is_made()
    {
        var made = new List<(string Name, Batcher Batcher)>();
        var test = new TestHost();
        test.FastBatch
            .AddDoublerDoubleBatcher("a")
            .WhenMade((services, batcher, name) => made.Add((services.GetRequiredService<string>() + name, batcher)))
            .AddNegationNegateBatcher();
        test.Services.AddSingleton("at ");
        using IHost host = await test.StartAsync();
        Assert.Equal(["at Doubler.Double:a", "at Negation.Negate"], made.Select(static one => one.Name));
        Assert.Same(host.Services.GetRequiredService<Negation.NegateBatcher>(), made[1].Batcher);
    }

    [Fact]
    public void AddFastBatch_again_is_the_same_builder()
    {
        var services = new ServiceCollection();
        FastBatchBuilder builder = services.AddFastBatch();
        int count = services.Count;
        Assert.Same(builder, services.AddFastBatch());
        Assert.Single(services, static service => service.ServiceType == typeof(IHostedService));
        Assert.InRange(services.Count, count, count + 1);
    }

    [Fact]
    public void The_same_batcher_twice_needs_a_name()
    {
        FastBatchBuilder builder = new ServiceCollection().AddFastBatch().AddDoublerDoubleBatcher();
        var exception = Assert.Throws<InvalidOperationException>(() => builder.AddDoublerDoubleBatcher());
        Assert.StartsWith("Doubler.Double is added twice.", exception.Message, StringComparison.Ordinal);
        builder.AddDoublerDoubleBatcher("second");
        Assert.Throws<InvalidOperationException>(() => builder.AddDoublerDoubleBatcher("second"));
    }

    [Fact]
    public async Task What_would_share_a_section_needs_a_name_too()
    {
        // Types of the same name, and names that differ in case alone: keys of configuration are the same in any case.
        var test = new TestHost(("FastBatch:Doubler.Double:MaxBatchSize", "3"), ("FastBatch:Doubler.Double:other:MaxBatchSize", "2"));
        test.FastBatch.AddDoublerDoubleBatcher();
        var exception = Assert.Throws<InvalidOperationException>(() => Elsewhere.DoublerDoubleBatcherRegistration.AddDoublerDoubleBatcher(test.FastBatch));
        Assert.StartsWith("Doubler.Double is added twice. Give one of them a name", exception.Message, StringComparison.Ordinal);
        Elsewhere.DoublerDoubleBatcherRegistration.AddDoublerDoubleBatcher(test.FastBatch, "other");
        Assert.Throws<InvalidOperationException>(() => test.FastBatch.AddDoublerDoubleBatcher("Other"));
        using IHost host = await test.StartAsync();
        Assert.Equal(3, host.Services.GetRequiredService<Doubler.DoubleBatcher>().MaxBatchSize);
        Assert.Equal(2, host.Services.GetRequiredKeyedService<Elsewhere.Doubler.DoubleBatcher>("other").MaxBatchSize);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a:b")]
    [InlineData("capacity")]
    public void A_name_must_be_a_section_of_its_own(string name) =>
        Assert.Throws<ArgumentException>("name", () => new ServiceCollection().AddFastBatch().AddDoublerDoubleBatcher(name));
}
