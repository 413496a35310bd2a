namespace FastBatch.Diagnostics;

/// <summary>How one of a batcher's devices is doing. A moment's view.</summary>
public sealed record DeviceStatus
{
    /// <summary>How people know it: "cuda:0".</summary>
    public required string Name { get; init; }

    /// <summary>What its streams said of themselves when they were opened, for people to read: what computes where.</summary>
    public required string Description { get; init; }

    /// <summary>Why it takes no batches any more; null while it does.</summary>
    public Exception? Loss { get; init; }

    /// <summary>Whether what it runs has taken longer than <see cref="BatcherOptions.RunLimit"/>: it gets no batches until that ends.</summary>
    public bool IsStalled { get; init; }

    /// <summary>Batches launched whose results have not arrived.</summary>
    public int BatchesRunning { get; init; }

    /// <summary>Batches it has run.</summary>
    public long Batches { get; init; }

    /// <summary>Rows in those.</summary>
    public long Rows { get; init; }

    /// <summary>What any batch costs there however few its rows, learned; zero before the first batches.</summary>
    public TimeSpan FixedCost { get; init; }

    /// <summary>What each row adds to that, learned; zero before the first batches.</summary>
    public TimeSpan CostPerRow { get; init; }
}
