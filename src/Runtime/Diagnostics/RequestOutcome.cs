namespace FastBatch.Diagnostics;

/// <summary>How a request ended. Each ends exactly once, in one of these ways.</summary>
public enum RequestOutcome
{
    /// <summary>Its caller has the result.</summary>
    Succeeded,

    /// <summary>
    /// The method threw: <see cref="BatchExecutionException"/>; or gave it a value that is not finite: <see cref="NonFiniteException"/>.
    /// </summary>
    Failed,

    /// <summary>Its caller gave it up: <see cref="OperationCanceledException"/>.</summary>
    Cancelled,

    /// <summary>The batcher was full, or the answer would have been late: <see cref="BatcherOverloadedException"/>.</summary>
    Rejected,

    /// <summary>The batcher was closed: <see cref="BatcherClosedException"/>.</summary>
    Closed,

    /// <summary>The policy dropped it: <see cref="RequestDroppedException"/>.</summary>
    Dropped,

    /// <summary>It was late, or would have been: <see cref="DeadlineExceededException"/>.</summary>
    Expired,

    /// <summary>
    /// The callback that writes the row threw, and its caller has that exception; or it brought a value that is not finite:
    /// <see cref="NonFiniteException"/>.
    /// </summary>
    Abandoned,

    /// <summary>The method did not return: <see cref="BatcherStalledException"/>.</summary>
    Stalled,
}
