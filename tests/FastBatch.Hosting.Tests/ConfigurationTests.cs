using System.Reflection;
using FastBatch.Devices;
using FastBatch.Hosting.Configuration;
using FastBatch.Scheduling;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace FastBatch.Hosting.Tests;

/// <summary>Settings: where they come from, which wins, and what is said of wrong ones.</summary>
public class ConfigurationTests
{
    private const string Section = "FastBatch:Doubler.Double";

    [Fact]
    public void Every_option_is_a_setting() => Assert.Equal(
        typeof(BatcherOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(static property => property.Name).Order(),
        BatcherSetting.All.Select(static setting => setting.Name).Order());

    [Fact]
    public void Every_setting_can_be_copied()
    {
        var from = new BatcherOptions
        {
            MaxBatchSize = 7,
            MaxQueueDelay = TimeSpan.FromMilliseconds(1),
            Deadline = TimeSpan.FromSeconds(9),
            DeviceCost = 2,
            Policy = WorkConservingPolicy.Instance,
            Capacity = 99,
            MaxQueueBytes = 1 << 20,
            Overload = OverloadMode.Reject,
            ZeroRows = false,
            DedicatedThread = true,
            InlineContinuations = true,
            Devices = [new OtherDevice()],
            MaxInFlight = 3,
            UseCudaGraphs = true,
            GraphSizes = [1, 8],
            IsolateFaults = false,
            RunLimit = TimeSpan.FromSeconds(3),
            RequireFinite = FiniteChecks.Outputs,
            Checked = true,
            DrainTimeout = TimeSpan.FromSeconds(1),
            TimeProvider = new OtherTime(),
        };
        BatcherOptions copy = BatcherSetting.All.Aggregate(new BatcherOptions(), (to, setting) =>
        {
            BatcherOptions next = setting.Copy(from, to);
            Assert.True(next != to, $"{setting.Name} is not copied, or not set above.");
            return next;
        });
        Assert.Equal(from, copy);
    }

    [Fact]
    public async Task Configuration_wins_over_the_attribute_and_code_over_both()
    {
        var test = new TestHost(
            ($"{Section}:MaxBatchSize", "8"),
            ($"{Section}:capacity", "100"),
            ($"{Section}:MaxQueueDelay", "250us"),
            ($"{Section}:Overload", "reject"),
            ($"{Section}:DedicatedThread", "false"),
            ($"{Section}:DrainTimeout", "infinite"),
            ($"{Section}:DeviceCost", "1.5"));
        test.FastBatch.AddDoublerDoubleBatcher(configure: static options => options with { Capacity = 200, ZeroRows = false });
        using IHost host = await test.StartAsync();
        var batcher = host.Services.GetRequiredService<Doubler.DoubleBatcher>();
        Assert.Equal(8, batcher.MaxBatchSize);
        Assert.Equal(
            new BatcherOptions
            {
                MaxBatchSize = 8,
                Capacity = 200,
                MaxQueueDelay = TimeSpan.FromMicroseconds(250),
                Overload = OverloadMode.Reject,
                DedicatedThread = false,
                DrainTimeout = Timeout.InfiniteTimeSpan,
                DeviceCost = 1.5,
                ZeroRows = false,
            },
            batcher.Options);
        Assert.Same(batcher.Options, host.Services.GetRequiredService<IOptionsMonitor<BatcherOptions>>().Get("Doubler.Double"));
    }

    [Fact]
    public async Task A_name_has_a_section_below_that_of_its_method()
    {
        var test = new TestHost(
            ($"{Section}:MaxBatchSize", "8"), ($"{Section}:DrainTimeout", "1s"), ($"{Section}:small:MaxBatchSize", "2"));
        test.FastBatch.AddDoublerDoubleBatcher().AddDoublerDoubleBatcher("small");
        using IHost host = await test.StartAsync();
        BatcherOptions all = host.Services.GetRequiredService<Doubler.DoubleBatcher>().Options;
        BatcherOptions small = host.Services.GetRequiredKeyedService<Doubler.DoubleBatcher>("small").Options;
        Assert.Equal(8, all.MaxBatchSize);
        Assert.Equal(all with { MaxBatchSize = 2 }, small);
    }

    [Fact]
    public async Task Another_section_may_be_read()
    {
        var test = new TestHost(("Models:Batching:Doubler.Double:MaxBatchSize", "0"));
        test.FastBatch.Configure(test.Configuration.GetSection("Models:Batching")).AddDoublerDoubleBatcher();
        IEnumerable<string> errors = await ErrorsAsync(test);
        Assert.Equal(
            ["Models:Batching:Doubler.Double:MaxBatchSize (MemoryConfigurationProvider) must be a whole number from 1 to 2147483647; it is '0'."], errors);
    }

    [Theory]
    [InlineData("MaxBatchSize", "0", "must be a whole number from 1 to 2147483647; it is '0'.")]
    [InlineData("MaxBatchSize", "many", "must be a whole number from 1 to 2147483647; it is 'many'.")]
    [InlineData("MaxBatchSize", null, "must be a whole number from 1 to 2147483647; it is ''.")]
    [InlineData("MaxBatchSize", "2147483648", "must be a whole number from 1 to 2147483647; it is '2147483648'.")]
    [InlineData("MaxBatchSize", "8.0", "must be a whole number from 1 to 2147483647; it is '8.0'.")]
    [InlineData("MaxQueueBytes", "0", "must be a whole number from 1 to 9223372036854775807; it is '0'.")]
    [InlineData("Deadline", "0", "must be a duration of more than zero, such as 250us, 5ms, 2s or 00:00:02; it is '0'.")]
    [InlineData("RunLimit", "0ms", "must be a duration of more than zero, such as 250us, 5ms, 2s or 00:00:02; it is '0ms'.")]
    [InlineData("MaxQueueDelay", "5", "must be a duration, zero or more, such as 250us, 5ms, 2s or 00:00:02; it is '5'.")]
    [InlineData("MaxQueueDelay", "-5ms", "must be a duration, zero or more, such as 250us, 5ms, 2s or 00:00:02; it is '-5ms'.")]
    [InlineData("MaxQueueDelay", "infinite", "must be a duration, zero or more, such as 250us, 5ms, 2s or 00:00:02; it is 'infinite'.")]
    [InlineData("DrainTimeout", "soon", "must be a duration, zero or more, such as 250us, 5ms, 2s or 00:00:02, or infinite; it is 'soon'.")]
    [InlineData("DeviceCost", "-1", "must be a number, zero or more; it is '-1'.")]
    [InlineData("Overload", "Explode", "must be Wait, Reject or DropOldest; it is 'Explode'.")]
    [InlineData("Overload", "1", "must be Wait, Reject or DropOldest; it is '1'.")]
    [InlineData("IsolateFaults", "yes", "must be true or false; it is 'yes'.")]
    [InlineData("Policy", "Adaptive", "can be set in code only.")]
    [InlineData("MaxBatchSize:Value", "3", "must be a whole number from 1 to 2147483647; it is a section.")]
    public async Task An_impossible_value_is_an_error_at_start(string key, string? value, string error)
    {
        var test = new TestHost(($"{Section}:{key}", value));
        test.FastBatch.AddDoublerDoubleBatcher();
        string setting = key.Split(':')[0];
        Assert.Equal([$"{Section}:{setting} (MemoryConfigurationProvider) {error}"], await ErrorsAsync(test));
    }

    [Theory]
    [InlineData("FastBatch", "64")]
    [InlineData("FastBatch:Doubler.Double", "64")]
    [InlineData("FastBatch:Doubler.Double", "")]
    [InlineData("FastBatch:Doubler.Double:small", "64")]
    public async Task A_value_in_place_of_a_section_is_an_error_at_start(string key, string value)
    {
        var test = new TestHost((key, value));
        test.FastBatch.AddDoublerDoubleBatcher().AddDoublerDoubleBatcher("small");
        Assert.Equal(
            [$"{key} (MemoryConfigurationProvider) must be a section, with a key for each setting; it is '{value}'."], await ErrorsAsync(test));
    }

    [Theory]
    [InlineData("""{"FastBatch":{"Doubler.Double":{}}}""", null)]
    [InlineData("""{"FastBatch":{"Doubler.Double":null}}""", null)]
    [InlineData("""{"FastBatch":{"Doubler.Double":[]}}""", "FastBatch:Doubler.Double ")]
    [InlineData("""{"FastBatch":{"Doubler.Double":[8]}}""", "FastBatch:Doubler.Double:0 ")]
    [InlineData("""{"FastBatch":{"Doubler.Double":{"MaxBatchSize":[8,9]}}}""", "FastBatch:Doubler.Double:MaxBatchSize ")]
    [InlineData("""{"FastBatch":{"Doubler.Double":{"MaxBatchSize":{}}}}""", "FastBatch:Doubler.Double:MaxBatchSize ")]
    [InlineData("""{"FastBatch":{"Doubler.Double":{"MaxBatchSize":true}}}""", "FastBatch:Doubler.Double:MaxBatchSize ")]
    [InlineData("""{"FastBatch":{"Doubler.Double":{"MaxBatchSize":8.5}}}""", "FastBatch:Doubler.Double:MaxBatchSize ")]
    [InlineData("""{"FastBatch":{"Doubler.Double":{"IsolateFaults":1}}}""", "FastBatch:Doubler.Double:IsolateFaults ")]
    [InlineData("""{"FastBatch":{"Doubler.Double":{"IsolateFaults":false,"DeviceCost":1.5e0}}}""", null)]
    public async Task Json_of_the_wrong_type_is_an_error_at_start(string json, string? error)
    {
        var test = new TestHost();
        test.Configuration.AddJsonStream(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(json)));
        test.FastBatch.AddDoublerDoubleBatcher();
        if (error is null)
        {
            using IHost host = await test.StartAsync();
        }
        else
        {
            Assert.StartsWith(error, Assert.Single(await ErrorsAsync(test)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task All_that_is_wrong_is_said_at_once()
    {
        var test = new TestHost(
            ($"{Section}:MaxBatchSze", "8"),
            ($"{Section}:Capacity", "none"),
            ($"{Section}:small:MaxQueueDeley", "1ms"),
            ("FastBatch:Dubler.Double:MaxBatchSize", "8"));
        test.FastBatch.AddDoublerDoubleBatcher().AddDoublerDoubleBatcher("small").AddNegationNegateBatcher();
        const string Settings = "there are MaxBatchSize, MaxQueueDelay, Deadline, DeviceCost, Capacity, MaxQueueBytes, Overload, ZeroRows, DedicatedThread, "
            + "InlineContinuations, MaxInFlight, UseCudaGraphs, GraphSizes, IsolateFaults, RunLimit, RequireFinite, Checked, DrainTimeout";
        Assert.Equal(
            [
                $"{Section}:Capacity (MemoryConfigurationProvider) must be a whole number from 1 to 2147483647; it is 'none'.",
                $"{Section}:MaxBatchSze (MemoryConfigurationProvider) is no setting: {Settings}, small.",
                $"{Section}:small:MaxQueueDeley (MemoryConfigurationProvider) is no setting: {Settings}.",
                "FastBatch:Dubler.Double (MemoryConfigurationProvider) is no batcher's section: there are Doubler.Double, Negation.Negate.",
            ],
            (await ErrorsAsync(test)).Order());
    }

    [Fact]
    public async Task Settings_that_do_not_go_together_are_an_error_at_start()
    {
        var test = new TestHost(($"{Section}:Capacity", "15"));
        test.FastBatch.AddDoublerDoubleBatcher();
        string error = Assert.Single(await ErrorsAsync(test));
        Assert.StartsWith(
            $"{Section}:Capacity: Doubler.Double: BatcherOptions.Capacity must be at least the largest batch (16); it is 15.",
            error,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Other_sections_are_nobodys_business()
    {
        var test = new TestHost(("Logging:LogLevel:Default", "Warning"), ("FastBatchers", "3"));
        test.FastBatch.AddDoublerDoubleBatcher();
        using IHost host = await test.StartAsync();
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("0s", 0)]
    [InlineData("250us", 0.25)]
    [InlineData(" 1.5 ms ", 1.5)]
    [InlineData("2S", 2000)]
    [InlineData("1min", 60_000)]
    [InlineData("00:00:00.005", 5)]
    public void Durations_have_a_unit(string text, double milliseconds)
    {
        Assert.True(SettingText.TryDuration(text, out TimeSpan? duration));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), duration);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("ms")]
    [InlineData("5 parsecs")]
    [InlineData("NaNms")]
    [InlineData("1e300s")]
    [InlineData("-00:00:01")]
    public void What_is_no_duration_is_refused(string text) => Assert.False(SettingText.TryDuration(text, out _));

    [Theory]
    [InlineData("4", "4")]
    [InlineData("32, 1,8", "1, 8, 32")]
    public void Sizes_are_a_list_in_any_order_equal_if_they_are_the_same(string text, string sizes)
    {
        Assert.True(SettingText.TrySizes(text, out GraphSizes? first));
        Assert.True(SettingText.TrySizes(text, out GraphSizes? second));
        Assert.Equal(sizes, first!.ToString());
        Assert.Equal(new BatcherOptions { GraphSizes = first }, new BatcherOptions { GraphSizes = second });
    }

    [Theory]
    [InlineData("")]
    [InlineData("1, ")]
    [InlineData("0, 1")]
    [InlineData("1; 2")]
    [InlineData("many")]
    public void What_is_no_list_of_sizes_is_refused(string text) => Assert.False(SettingText.TrySizes(text, out _));

    internal static async Task<IEnumerable<string>> ErrorsAsync(TestHost test)
    {
        using IHost host = test.Build();
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        return exception.Failures;
    }

    private sealed class OtherTime : TimeProvider;

    private sealed class OtherDevice : Device
    {
        public override string Name => "other";

        public override void Pin(nint address, long bytes) => throw new NotSupportedException();

        public override void Unpin(nint address) => throw new NotSupportedException();

        public override DeviceStreams Open() => throw new NotSupportedException();
    }
}
