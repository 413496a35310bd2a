namespace FastBatch;

/// <summary>
/// Which requests run first, where not all of those that wait fit into the next batch. Within a level, in order of submission. A request that
/// has waited for 100 ms gets its level an eighth of every batch from then on, whatever arrives above it, so none waits for ever.
/// </summary>
public enum RequestPriority
{
    /// <summary>Runs in what the others leave free.</summary>
    Low = -1,

    /// <summary>The default.</summary>
    Normal = 0,

    /// <summary>Before <see cref="Normal"/>.</summary>
    High = 1,

    /// <summary>Before all others.</summary>
    Critical = 2,
}
