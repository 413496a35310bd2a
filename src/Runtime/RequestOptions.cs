namespace FastBatch;

/// <summary>What one request asks for, beyond what its batcher does for all.</summary>
public readonly record struct RequestOptions
{
    /// <summary>
    /// How long the caller wants the answer, counted from <c>SubmitAsync</c>. A request that would be late is refused or ended early, see
    /// <see cref="BatcherOptions.Deadline"/>; one with no time left (zero or less) ends at once with a
    /// <see cref="DeadlineExceededException"/>. Null: the batcher's; <see cref="Timeout.InfiniteTimeSpan"/>: none.
    /// </summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>Before which others it runs. Default <see cref="RequestPriority.Normal"/>.</summary>
    public RequestPriority Priority { get; init; }
}
