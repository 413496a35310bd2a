using static FastBatch.Hosting.Configuration.SettingText;

namespace FastBatch.Hosting.Configuration;

/// <summary>One setting of a batcher: how text becomes its value, and how its value goes from some options to others.</summary>
internal sealed class BatcherSetting
{
    private readonly Func<BatcherOptions, string, BatcherOptions?>? _parse;
    private readonly Func<BatcherOptions, BatcherOptions, BatcherOptions> _copy;

    private BatcherSetting(
        string name,
        string? expected,
        Func<BatcherOptions, string, BatcherOptions?>? parse,
        Func<BatcherOptions, BatcherOptions, BatcherOptions> copy) =>
        (Name, Expected, _parse, _copy) = (name, expected, parse, copy);

    /// <summary>All of them, in the order of the documentation.</summary>
    public static IReadOnlyList<BatcherSetting> All { get; } =
    [
        Of("MaxBatchSize", WholeNumbers, TryWholeNumber, o => o.MaxBatchSize, (o, value) => o with { MaxBatchSize = value }),
        Of("MaxQueueDelay", Durations, TryDuration, o => o.MaxQueueDelay, (o, value) => o with { MaxQueueDelay = value }),
        Of("Deadline", PositiveDurations, TryPositiveDuration, o => o.Deadline, (o, value) => o with { Deadline = value }),
        Of("DeviceCost", Numbers, TryNumber, o => o.DeviceCost, (o, value) => o with { DeviceCost = value }),
        InCode("Policy", o => o.Policy, (o, value) => o with { Policy = value }),
        Of("Capacity", WholeNumbers, TryWholeNumber, o => o.Capacity, (o, value) => o with { Capacity = value }),
        Of("MaxQueueBytes", LongNumbers, TryWholeNumber, o => o.MaxQueueBytes, (o, value) => o with { MaxQueueBytes = value }),
        Of("Overload", NamesOf<OverloadMode>(), TryName, o => o.Overload, (o, value) => o with { Overload = value }),
        Of("ZeroRows", Switches, TrySwitch, o => o.ZeroRows, (o, value) => o with { ZeroRows = value }),
        Of("DedicatedThread", Switches, TrySwitch, o => o.DedicatedThread, (o, value) => o with { DedicatedThread = value }),
        Of("InlineContinuations", Switches, TrySwitch, o => o.InlineContinuations, (o, value) => o with { InlineContinuations = value }),
        InCode("Devices", o => o.Devices, (o, value) => o with { Devices = value }),
        Of("MaxInFlight", WholeNumbers, TryWholeNumber, o => o.MaxInFlight, (o, value) => o with { MaxInFlight = value }),
        Of("UseCudaGraphs", Switches, TrySwitch, o => o.UseCudaGraphs, (o, value) => o with { UseCudaGraphs = value }),
        Of("GraphSizes", Sizes, TrySizes, o => o.GraphSizes, (o, value) => o with { GraphSizes = value }),
        Of("IsolateFaults", Switches, TrySwitch, o => o.IsolateFaults, (o, value) => o with { IsolateFaults = value }),
        Of("RunLimit", PositiveDurations, TryPositiveDuration, o => o.RunLimit, (o, value) => o with { RunLimit = value }),
        Of("RequireFinite", NamesOf<FiniteChecks>(), TryName, o => o.RequireFinite, (o, value) => o with { RequireFinite = value }),
        Of("Checked", Switches, TrySwitch, o => o.Checked, (o, value) => o with { Checked = value }),
        Of("DrainTimeout", DurationsOrInfinite, TryDurationOrInfinite, o => o.DrainTimeout, (o, value) => o with { DrainTimeout = value }),
        InCode("TimeProvider", o => o.TimeProvider, (o, value) => o with { TimeProvider = value }),
    ];

    /// <summary>The property of <see cref="BatcherOptions"/>, and the key in configuration.</summary>
    public string Name { get; }

    /// <summary>What text is accepted; null where only code can set it.</summary>
    public string? Expected { get; }

    public static BatcherSetting? Find(string? key) =>
        All.FirstOrDefault(setting => string.Equals(setting.Name, key, StringComparison.OrdinalIgnoreCase));

    /// <summary>The options with what the text says; null if it is not accepted.</summary>
    public BatcherOptions? Parse(BatcherOptions options, string text) => _parse?.Invoke(options, text);

    /// <summary>The second options with the first one's value.</summary>
    public BatcherOptions Copy(BatcherOptions from, BatcherOptions to) => _copy(from, to);

    private static BatcherSetting Of<T>(
        string name, string expected, TryParse<T> tryParse, Func<BatcherOptions, T> get, Func<BatcherOptions, T, BatcherOptions> with) => new(
        name,
        expected,
        (options, text) => tryParse(text, out T value) ? with(options, value) : null,
        (from, to) => with(to, get(from)));

    private static BatcherSetting InCode<T>(string name, Func<BatcherOptions, T> get, Func<BatcherOptions, T, BatcherOptions> with) =>
        new(name, expected: null, parse: null, (from, to) => with(to, get(from)));
}
