namespace FastBatch.Hosting;

/// <summary>How batchers start and stop with the host.</summary>
public sealed class FastBatchHostOptions
{
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(10);

    /// <summary>
    /// How long the host, once told to stop, goes on with admission closed before it stops anything: requests that come meanwhile are refused
    /// with a <see cref="BatcherClosedException"/>, not with a broken connection, while load balancers learn that this instance is no longer
    /// ready. Part of the host's shutdown timeout. Zero or more, at most 10 minutes. Default 0.
    /// </summary>
    public TimeSpan StoppingDelay { get; set; }

    internal bool IsPossible => StoppingDelay >= TimeSpan.Zero && StoppingDelay <= LongestDelay;
}
