namespace FastBatch;

/// <summary>What <c>SubmitAsync</c> does when <see cref="BatcherOptions.Capacity"/> rows are already taken.</summary>
public enum OverloadMode
{
    /// <summary>The request waits its turn, asynchronously and in order; its row is kept in memory of its own until there is room.</summary>
    Wait,

    /// <summary>The request ends at once with a <see cref="BatcherOverloadedException"/>.</summary>
    Reject,

    /// <summary>
    /// The request is accepted, and the oldest of its priority that has not run ends with a <see cref="RequestDroppedException"/>: for callers
    /// to whom only fresh answers are of use.
    /// </summary>
    DropOldest,
}
