using FastBatch.Devices;
using FastBatch.Execution.Streams;
using FastBatch.Scheduling;

namespace FastBatch;

/// <summary>Settings of one batcher. What is left unset comes from the method's <see cref="BatchableAttribute"/>, then from the default.</summary>
public sealed record BatcherOptions
{
    internal const int DefaultMaxBatchSize = 64;
    private const int MaxCapacity = 1 << 24;
    private const int MaxDevices = 64;

    // Timers count no further.
    private static readonly TimeSpan LongestDrain = TimeSpan.FromDays(49);

    /// <summary>The most rows the method is given at once; at least 1. Default: the attribute's.</summary>
    public int? MaxBatchSize { get; init; }

    /// <summary>
    /// How long the oldest request may wait for a fuller batch, counted from its submission; not negative. Zero runs as soon as the
    /// device is free. Default: the attribute's. Not to be combined with <see cref="Policy"/>.
    /// </summary>
    public TimeSpan? MaxQueueDelay { get; init; }

    /// <summary>
    /// How long callers want their answers, counted from submission; more than zero. A request that would be answered later, as far as
    /// batches so far tell, is refused with a <see cref="BatcherOverloadedException"/>; one that turns out too late is not run and ends
    /// with a <see cref="DeadlineExceededException"/>, as does one whose batch still runs some 10 ms after its deadline.
    /// <see cref="RequestOptions.Deadline"/> overrides it for one request. Default: the attribute's.
    /// </summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>
    /// What device time is worth: how many milliseconds of waiting, summed over requests, saving one millisecond of it may cost; finite and
    /// not negative. Above zero, rows wait for a fuller batch as the <see cref="AdaptivePolicy"/> finds worthwhile, for
    /// <see cref="MaxQueueDelay"/> at most if one is set. Default 0: latency alone counts. Not to be combined with <see cref="Policy"/>.
    /// </summary>
    public double DeviceCost { get; init; }

    /// <summary>
    /// When a batch closes. Default: <see cref="WorkConservingPolicy"/>; <see cref="AdaptivePolicy"/> where device time has a price,
    /// otherwise <see cref="SizeOrDelayPolicy"/> where a delay is set.
    /// </summary>
    public IBatchPolicy? Policy { get; init; }

    /// <summary>
    /// The most rows of one priority submitted and not yet run; at least the largest batch. Memory for all of them is reserved at start; for
    /// priorities other than <see cref="RequestPriority.Normal"/> when one is first used, and up to 16 MB for as many rows again where several
    /// threads resume callers at the same time. Default: 1,024, less where rows are large, and never less than four full batches.
    /// </summary>
    public int? Capacity { get; init; }

    /// <summary>
    /// The most bytes of input rows of one priority submitted and not yet run, those that wait for room included: it limits
    /// <see cref="Capacity"/>, and with <see cref="OverloadMode.Wait"/> what comes beyond it is refused with a
    /// <see cref="BatcherOverloadedException"/>. At least the largest batch. Default: no limit.
    /// </summary>
    public long? MaxQueueBytes { get; init; }

    /// <summary>What happens to a request when <see cref="Capacity"/> is reached. Default: <see cref="OverloadMode.Wait"/>.</summary>
    public OverloadMode Overload { get; init; } = OverloadMode.Wait;

    /// <summary>
    /// Whether a row that a callback writes in place is zeroed before. Set it to false only if every callback writes every element of the
    /// row: what it leaves out would be another request's data. Saves one pass over the row. Default true.
    /// </summary>
    public bool ZeroRows { get; init; } = true;

    /// <summary>
    /// Whether the method runs on a thread of the batcher's own instead of on the thread pool. Default: only if the policy lets rows wait
    /// (<see cref="IBatchPolicy.UsesEnqueueTime"/>). The pool is faster where the method computes on the CPU.
    /// </summary>
    public bool? DedicatedThread { get; init; }

    /// <summary>
    /// Whether a dedicated thread runs the callers' continuations itself instead of handing them to the thread pool. Saves a hand-over;
    /// a continuation that blocks then stops the batcher. Needs a dedicated thread, and makes the batcher have one. Default false.
    /// </summary>
    public bool InlineContinuations { get; init; }

    /// <summary>
    /// Where batches run, each device on a thread of its own; a batch goes to the one that should be done with it first. Default none: on the
    /// CPU. What the method computes with, a model's weights say, is the user's to bring there: with several devices an instance for each.
    /// At most 64, each of them once.
    /// </summary>
    public IReadOnlyList<Device> Devices { get; init; } = [];

    /// <summary>
    /// With <see cref="Devices"/>: how many batches may compute or wait on each, 1 to 16. With 2, rows are copied while the batch
    /// before computes; more only helps where launching takes longer than running. Default 2.
    /// </summary>
    public int MaxInFlight { get; init; } = 2;

    /// <summary>
    /// With a <see cref="Device"/> that can: whether batches run as CUDA graphs, recorded once and given to the device as a whole, which saves
    /// most of what launching costs; for small models that is most of the time. A batch is then filled up with rows of zeros to one of the
    /// <see cref="GraphSizes"/>. The method must do the same every time: what it computes with besides its rows stays where it is, and it reads
    /// nothing back from the device. A graph answers callers once it has agreed with the method on rows of theirs; if it does not, or cannot be
    /// recorded, batches of that size run without (<see cref="Batcher.GetGraphs"/> says why). On the CPU it does nothing. Default: the
    /// attribute's.
    /// </summary>
    public bool? UseCudaGraphs { get; init; }

    /// <summary>
    /// With <see cref="UseCudaGraphs"/>: the sizes that graphs are recorded for, each 1 to the largest batch. Larger batches run as they are.
    /// Each size costs memory of the device and some runs at the start. Default: 1, 2, 4 and so on, and the largest batch.
    /// </summary>
    public GraphSizes? GraphSizes { get; init; }

    /// <summary>
    /// Whether a batch that throws is run again in halves, so that only the requests fail that make it throw, and the others get their
    /// results. The method then sees rows more than once; with n rows, at most 2 log2 n more runs for each bad one, and at most four
    /// of those are told apart. Not done where no part of the last batch that threw could be run, nor for exceptions that do not speak of
    /// rows (out of memory, cancelled, timed out, and what <see cref="IRowFault"/> says). Default true.
    /// </summary>
    public bool IsolateFaults { get; init; } = true;

    /// <summary>
    /// How long the method may run on one batch, and its parts, before callers are made to wait for it no longer; more than zero. When it
    /// has, or a quarter later, every request that is run or waits ends with a <see cref="BatcherStalledException"/>, new ones are refused
    /// with one, and <see cref="Batcher.State"/> is <see cref="BatcherState.Stalled"/>, until the method returns after all: then it serves
    /// again. Rows and outputs that the method has are used by nobody else before. Default: no limit.
    /// </summary>
    public TimeSpan? RunLimit { get; init; }

    /// <summary>
    /// Which values must be finite, in elements of type float, double and Half: a request with a NaN or an infinity among them ends with a
    /// <see cref="NonFiniteException"/>, and others are not touched by it. Inputs are checked when they are submitted, before the method can
    /// see them, outputs when they are delivered. Default <see cref="FiniteChecks.None"/>: every value passes through, bit by bit.
    /// </summary>
    public FiniteChecks RequireFinite { get; init; }

    /// <summary>
    /// Whether rows are filled with the byte 0xDB as soon as they are given back: input rows when the method has read them, outputs when
    /// their callers have them, leased ones when the lease is disposed. What keeps reading by mistake, or leaves out part of a row with
    /// <see cref="ZeroRows"/> off, then sees the same garbage every time instead of a value that may be another request's. Costs a pass
    /// over every row; for tests and for the hunt after a mistake. Default false.
    /// </summary>
    public bool Checked { get; init; }

    /// <summary>
    /// How long <see cref="Batcher.DisposeAsync"/> waits for accepted requests to run; what has not run by then ends with a
    /// <see cref="BatcherClosedException"/>. Default 30 s; <see cref="Timeout.InfiniteTimeSpan"/> for no limit.
    /// </summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The clock of the scheduler. Default <see cref="TimeProvider.System"/>.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Gets the executor of <see cref="Devices"/>, to drive it in place of a thread: for tests in which time is virtual.</summary>
    internal Action<StreamExecutor>? Drive { get; init; }

    internal void Validate(string batcher, int maxBatchSize)
    {
        Require(maxBatchSize >= 1, batcher, nameof(MaxBatchSize), maxBatchSize, "at least 1");
        Require(MaxQueueDelay is null || MaxQueueDelay >= TimeSpan.Zero, batcher, nameof(MaxQueueDelay), MaxQueueDelay, "zero or more");
        Require(MaxQueueDelay is null || Policy is null, batcher, nameof(MaxQueueDelay), MaxQueueDelay, "unset where Policy is set");
        Require(Deadline is null || Deadline > TimeSpan.Zero, batcher, nameof(Deadline), Deadline, "more than zero");
        Require(DeviceCost >= 0 && double.IsFinite(DeviceCost), batcher, nameof(DeviceCost), DeviceCost, "zero or more, and finite");
        Require(DeviceCost == 0 || Policy is null, batcher, nameof(DeviceCost), DeviceCost, "unset where Policy is set");
        Require(Capacity is null || Capacity >= maxBatchSize, batcher, nameof(Capacity), Capacity, $"at least the largest batch ({maxBatchSize})");
        Require(Capacity is null or <= MaxCapacity, batcher, nameof(Capacity), Capacity, $"at most {MaxCapacity}");
        Require(maxBatchSize <= MaxCapacity / 4, batcher, nameof(MaxBatchSize), maxBatchSize, $"at most {MaxCapacity / 4}");
        Require(
            RunLimit is null || (RunLimit > TimeSpan.Zero && RunLimit <= LongestDrain),
            batcher, nameof(RunLimit), RunLimit, "more than zero and at most 49 days");
        Require((RequireFinite & ~FiniteChecks.All) == 0, batcher, nameof(RequireFinite), RequireFinite, "a combination of defined values");
        Require(Enum.IsDefined(Overload), batcher, nameof(Overload), Overload, "a defined value");
        Require(
            (DrainTimeout >= TimeSpan.Zero && DrainTimeout <= LongestDrain) || DrainTimeout == Timeout.InfiniteTimeSpan,
            batcher, nameof(DrainTimeout), DrainTimeout, "zero or more, or Timeout.InfiniteTimeSpan, and at most 49 days");
        Require(
            !InlineContinuations || DedicatedThread != false,
            batcher, nameof(InlineContinuations), InlineContinuations, $"false where {nameof(DedicatedThread)} is false");
        ArgumentNullException.ThrowIfNull(Devices);
        Require(
            Devices.Count <= MaxDevices && Devices.DistinctBy(static device => device?.Name).Count(static device => device is not null) == Devices.Count,
            batcher, nameof(Devices), string.Join(", ", Devices.Select(static device => device?.Name ?? "null")), $"at most {MaxDevices}, and each of them once");
        Require(
            Devices.Count == 0 || DedicatedThread != false, batcher, nameof(DedicatedThread), DedicatedThread, $"unset or true where {nameof(Devices)} is set");
        Require(MaxInFlight is >= 1 and <= 16, batcher, nameof(MaxInFlight), MaxInFlight, "1 to 16");
        Require(GraphSizes is null or [>= 1, ..], batcher, nameof(GraphSizes), GraphSizes, "at least one size, of 1 or more");
        ArgumentNullException.ThrowIfNull(TimeProvider);
    }

    /// <summary>Refuses other values than those it was made with where these cannot change any more.</summary>
    internal void RequireSameFixed(string batcher, BatcherOptions current)
    {
        RequireSame(batcher, nameof(Capacity), Capacity, current.Capacity);
        RequireSame(batcher, nameof(MaxQueueBytes), MaxQueueBytes, current.MaxQueueBytes);
        RequireSame(batcher, nameof(ZeroRows), ZeroRows, current.ZeroRows);
        RequireSame(batcher, nameof(DedicatedThread), DedicatedThread, current.DedicatedThread);
        RequireSame(batcher, nameof(InlineContinuations), InlineContinuations, current.InlineContinuations);
        RequireSame(batcher, nameof(IsolateFaults), IsolateFaults, current.IsolateFaults);
        RequireSame(batcher, nameof(RunLimit), RunLimit, current.RunLimit);
        RequireSame(batcher, nameof(RequireFinite), RequireFinite, current.RequireFinite);
        RequireSame(batcher, nameof(Checked), Checked, current.Checked);
        RequireSame(batcher, nameof(TimeProvider), TimeProvider, current.TimeProvider);
        if (!Devices.SequenceEqual(current.Devices))
        {
            RequireSame(batcher, nameof(Devices), ShowDevices(), current.ShowDevices());
        }

        RequireSame(batcher, nameof(MaxInFlight), MaxInFlight, current.MaxInFlight);
        RequireSame(batcher, nameof(UseCudaGraphs), UseCudaGraphs, current.UseCudaGraphs);
        RequireSame(batcher, nameof(GraphSizes), GraphSizes, current.GraphSizes);
    }

    /// <summary>Refuses a bound that one batch does not fit into.</summary>
    internal void RequireQueueBytes(string batcher, long rowBytes, int largestBatch) => Require(
        MaxQueueBytes is null || MaxQueueBytes / rowBytes >= largestBatch, batcher, nameof(MaxQueueBytes), MaxQueueBytes,
        $"at least the largest batch ({largestBatch} rows of {rowBytes} bytes)");

    /// <summary>Refuses sizes that no batch has.</summary>
    internal void RequireGraphSizes(string batcher, int largestBatch) => Require(
        GraphSizes is null || GraphSizes[^1] <= largestBatch, batcher, nameof(GraphSizes), GraphSizes, $"at most the largest batch ({largestBatch})");

    /// <summary>Refuses a batch larger than the memory that was reserved for one.</summary>
    internal void RequireBatchSize(string batcher, int given, int largest) =>
        Require(given <= largest, batcher, nameof(MaxBatchSize), given, $"at most {largest} while it serves: there is memory for no more");

    /// <summary>The policy that these settings ask for.</summary>
    internal IBatchPolicy PolicyOr(TimeSpan maxQueueDelay)
    {
        TimeSpan delay = MaxQueueDelay ?? maxQueueDelay;
        if (DeviceCost > 0)
        {
            // The attribute's zero says nothing; one set here is a limit.
            return new AdaptivePolicy(DeviceCost, delay > TimeSpan.Zero ? delay : MaxQueueDelay);
        }

        return Policy ?? (delay > TimeSpan.Zero ? new SizeOrDelayPolicy(delay) : WorkConservingPolicy.Instance);
    }

    // With the number of the object, lest two that are called the same look the same.
    private string ShowDevices() =>
        string.Join(", ", Devices.Select(static device => $"{device.Name} ({System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(device):x})"));

    private static void RequireSame<T>(string batcher, string option, T given, T current)
    {
        if (!EqualityComparer<T>.Default.Equals(given, current))
        {
            throw new ArgumentException(
                $"{batcher}: {nameof(BatcherOptions)}.{option} is fixed while it serves: it is {Show(current)}, and {Show(given)} is given.", option);
        }

        static string Show(T value) => value?.ToString() ?? "unset";
    }

    private static void Require(bool condition, string batcher, string option, object? given, string expected)
    {
        if (!condition)
        {
            throw new ArgumentOutOfRangeException(option, given, $"{batcher}: {nameof(BatcherOptions)}.{option} must be {expected}; it is {given}.");
        }
    }
}
