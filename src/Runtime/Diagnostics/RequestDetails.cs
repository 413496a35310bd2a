namespace FastBatch.Diagnostics;

/// <summary>What is noted of every request as it is submitted. Costs callers some nanoseconds each, so only where somebody wants it.</summary>
[Flags]
public enum RequestDetails
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>When it was submitted: <see cref="BatchReport.Enqueued"/>.</summary>
    Times = 1,

    /// <summary>The trace it belongs to: <see cref="BatchReport.Origins"/>.</summary>
    Origins = 2,
}
