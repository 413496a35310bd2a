namespace FastBatch.Hosting;

/// <summary>How batchers start and stop with the host.</summary>
public sealed class FastBatchHostOptions
{
    internal static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Whether every batcher runs its method on rows of zeros, in batches of every size that is a power of two, before the host is ready: what
    /// a model does only at first keeps no request waiting. Off where the method must see nothing but requests. Default true.
    /// </summary>
    public bool WarmUp { get; set; } = true;

    /// <summary>
    /// How long the host, once told to stop, goes on with admission closed before it stops anything: requests that come meanwhile are refused
    /// with a <see cref="BatcherClosedException"/>, not with a broken connection, while load balancers learn that this instance is no longer
    /// ready. Part of the host's shutdown timeout. Zero or more, at most 10 minutes. Default 0.
    /// </summary>
    public TimeSpan StoppingDelay { get; set; }

    /// <summary>
    /// Which part of the requests of the last half minute a batcher may send away, because there was too much to do, before its health is
    /// degraded. 0 to 1. Default 0.01.
    /// </summary>
    public double ShedBudget { get; set; } = 0.01;

    /// <summary>The same for requests that were accepted and missed their deadline. 0 to 1. Default 0.01.</summary>
    public double LateBudget { get; set; } = 0.01;
}
