namespace FastBatch.LoadTests.Soak;

/// <summary>What goes wrong on purpose.</summary>
internal enum FaultKind
{
    None,

    /// <summary>Now and then one row makes the method throw, whenever it is in a batch.</summary>
    Poison,

    /// <summary>The method throws on a batch, whatever is in it.</summary>
    Batch,

    /// <summary>The same, with an exception that does not speak of rows.</summary>
    Transient,

    /// <summary>A batch takes some milliseconds.</summary>
    Slow,

    /// <summary>The method does not return until the batcher has given up.</summary>
    Hang,

    /// <summary>The method does not return for longer than the limit, and then does.</summary>
    Stall,

    /// <summary>A callback that writes a row in place throws half way.</summary>
    Writer,

    /// <summary>The memory that the answer is to be written to throws.</summary>
    Memory,

    /// <summary>The policy throws, or drops requests.</summary>
    Policy,

    /// <summary>Many requests are cancelled, before, with or after their answer.</summary>
    Cancel,

    /// <summary>Awaits and leases are forgotten, doubled and used too late; continuations block.</summary>
    Misuse,

    /// <summary>All of them, each in some of the episodes.</summary>
    Mixed,
}

/// <summary>Which faults one episode has, and how often. Chances are one in so many; 0 is never.</summary>
internal sealed record FaultPlan
{
    public int PoisonRows { get; init; }

    public int ThrowingBatches { get; init; }

    public int TransientBatches { get; init; }

    public int SlowBatches { get; init; }

    public bool Hangs { get; init; }

    public int StalledBatches { get; init; }

    public int ThrowingWriters { get; init; }

    public int ThrowingMemories { get; init; }

    public int PolicyFaults { get; init; }

    public int Cancellations { get; init; }

    public int Misuses { get; init; }

    /// <summary>The plan of one episode of a run with this kind of fault throughout.</summary>
    public static FaultPlan Of(FaultKind kind, Random random) => kind switch
    {
        FaultKind.None => new FaultPlan(),
        FaultKind.Poison => new FaultPlan { PoisonRows = 500 },
        FaultKind.Batch => new FaultPlan { ThrowingBatches = 200 },
        FaultKind.Transient => new FaultPlan { TransientBatches = 200 },
        FaultKind.Slow => new FaultPlan { SlowBatches = 100 },
        FaultKind.Hang => new FaultPlan { Hangs = true },
        FaultKind.Stall => new FaultPlan { StalledBatches = 2_000 },
        FaultKind.Writer => new FaultPlan { ThrowingWriters = 100 },
        FaultKind.Memory => new FaultPlan { ThrowingMemories = 100 },
        FaultKind.Policy => new FaultPlan { PolicyFaults = 200 },
        FaultKind.Cancel => new FaultPlan { Cancellations = 4 },
        FaultKind.Misuse => new FaultPlan { Misuses = 100 },
        _ => Mixed(random),
    };

    private static FaultPlan Mixed(Random random) => new()
    {
        PoisonRows = Sometimes(random, 20_000),
        ThrowingBatches = Sometimes(random, 10_000),
        TransientBatches = Sometimes(random, 10_000),
        SlowBatches = Sometimes(random, 5_000),
        Hangs = random.Next(30) == 0,
        StalledBatches = random.Next(4) == 0 ? 20_000 : 0,
        ThrowingWriters = Sometimes(random, 5_000),
        ThrowingMemories = Sometimes(random, 5_000),
        PolicyFaults = Sometimes(random, 10_000),
        Cancellations = Sometimes(random, 100),
        Misuses = Sometimes(random, 2_000),
    };

    private static int Sometimes(Random random, int chance) => random.Next(2) == 0 ? chance : 0;
}

/// <summary>A fault that this program injected.</summary>
internal class InjectedException(string what) : Exception($"injected: {what}");

/// <summary>Injected, and of the kind that does not speak of rows.</summary>
internal sealed class InjectedTimeoutException() : TimeoutException("injected: transient");
