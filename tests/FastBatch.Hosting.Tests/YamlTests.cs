using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace FastBatch.Hosting.Tests;

/// <summary>YAML files as configuration.</summary>
public sealed class YamlTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("fastbatch-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_file_sets_what_any_source_could()
    {
        var test = new TestHost();
        Add(test, """
            # What the operators decide.
            FastBatch:
              Doubler.Double:
                MaxBatchSize: 8
                MaxQueueDelay: 250us
                Overload: Reject
            """);
        test.FastBatch.AddDoublerDoubleBatcher();
        using IHost host = await test.StartAsync();
        Assert.Equal(
            new BatcherOptions { MaxBatchSize = 8, MaxQueueDelay = TimeSpan.FromMicroseconds(250), Overload = OverloadMode.Reject },
            host.Services.GetRequiredService<Doubler.DoubleBatcher>().Options);
    }

    [Fact]
    public async Task What_is_wrong_is_named_with_line_and_column()
    {
        var test = new TestHost();
        Add(test, """
            FastBatch:
              Doubler.Double:
                MaxBatchSze: 8
                Capacity: -1
            """);
        test.FastBatch.AddDoublerDoubleBatcher();
        string[] errors = [.. await ConfigurationTests.ErrorsAsync(test)];
        Assert.StartsWith("FastBatch:Doubler.Double:MaxBatchSze (fastbatch.yaml, line 3, column 5) is no setting", errors[0], StringComparison.Ordinal);
        Assert.Equal(
            "FastBatch:Doubler.Double:Capacity (fastbatch.yaml, line 4, column 5) must be a whole number from 1 to 2147483647; it is '-1'.", errors[1]);
    }

    [Theory]
    [InlineData("a: 1\nb: [1, {c: 2}]\nd:\n  - x\n  - 'null'\n  - ~", "a=1 b:0=1 b:1:c=2 d:0=x d:1=null d:2=")]
    [InlineData("base: &b {x: 1}\nother: *b", "base:x=1 other:x=1")]
    [InlineData("", "")]
    [InlineData("# nothing\n---\n", "")]
    public void Nodes_become_keys(string yaml, string expected)
    {
        IConfigurationRoot root = Add(new ConfigurationBuilder(), yaml).Build();
        Assert.Equal(expected, string.Join(" ", root.AsEnumerable()
            .Where(pair => !root.GetSection(pair.Key).GetChildren().Any())
            .OrderBy(static pair => pair.Key, StringComparer.Ordinal)
            .Select(static pair => $"{pair.Key}={pair.Value}")));
    }

    [Theory]
    [InlineData("a: 1\nA: 2", "fastbatch.yaml, line 2, column 1: 'A' is there already, in line 1")]
    [InlineData("a: 1\na: 2", "fastbatch.yaml, line 2, column 1: ")]
    [InlineData("- a\n- b", "fastbatch.yaml, line 1, column 1: a mapping is expected")]
    [InlineData("a: [1", "fastbatch.yaml, line 2, column 1: ")]
    [InlineData("? [a]\n: 1", "fastbatch.yaml, line 1, column 3: a key is expected")]
    [InlineData("a: 1\n---\nb: 2", "fastbatch.yaml, line 3, column 1: there is a second document")]
    [InlineData("a: &x\n  b: *x", "fastbatch.yaml, line ")]
    public void What_is_no_configuration_is_refused_with_its_place(string yaml, string expected)
    {
        var exception = Assert.Throws<InvalidDataException>(() => Add(new ConfigurationBuilder(), yaml).Build());
        Assert.StartsWith(expected, exception.InnerException!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_broken_while_the_service_runs_changes_nothing()
    {
        var test = new TestHost();
        Add(test, "FastBatch: {Doubler.Double: {MaxBatchSize: 8, Overload: Reject}}");
        test.FastBatch.AddDoublerDoubleBatcher();
        using IHost host = await test.StartAsync();
        var batcher = host.Services.GetRequiredService<Doubler.DoubleBatcher>();
        BatcherOptions before = batcher.Options;
        Write("FastBatch:\n  Doubler.Double: {MaxBatchSize: 4");
        test.Change();
        Assert.Equal(before, batcher.Options);
        Assert.Contains(test.Logged, static line => line is { Level: LogLevel.Error, Id: 9 } && line.Text.StartsWith(
            "Settings stay as they are, since a file cannot be read: fastbatch.yaml, line ", StringComparison.Ordinal));

        // Whatever else changes meanwhile.
        test.Change(("FastBatch:Doubler.Double:MaxQueueDelay", "1ms"));
        Assert.Equal(before with { MaxQueueDelay = TimeSpan.FromMilliseconds(1) }, batcher.Options);
        Write("FastBatch: {Doubler.Double: {MaxBatchSize: 4}}");
        test.Change();
        Assert.Equal(new BatcherOptions { MaxBatchSize = 4, MaxQueueDelay = TimeSpan.FromMilliseconds(1) }, batcher.Options);
    }

    [Fact]
    public void A_file_may_be_optional()
    {
        Assert.Empty(new ConfigurationBuilder().SetBasePath(_directory).AddYamlFile("none.yaml", optional: true).Build().AsEnumerable());
        Assert.Throws<FileNotFoundException>(() => new ConfigurationBuilder().SetBasePath(_directory).AddYamlFile("none.yaml").Build());
    }

    private IConfigurationBuilder Add(IConfigurationBuilder builder, string yaml)
    {
        Write(yaml);
        return builder.SetBasePath(_directory).AddYamlFile("fastbatch.yaml", reloadOnChange: false);
    }

    private void Write(string yaml) => File.WriteAllText(Path.Combine(_directory, "fastbatch.yaml"), yaml);

    private void Add(TestHost test, string yaml) => Add((IConfigurationBuilder)test.Configuration, yaml);
}
