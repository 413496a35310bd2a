namespace FastBatch.Diagnostics;

/// <summary>Profiles of batchers.</summary>
public static class BatcherProfiling
{
    /// <summary>Measures where the time of requests goes, until the profile is disposed.</summary>
    /// <param name="batcher">The batcher.</param>
    public static BatchProfile Profile(this Batcher batcher)
    {
        ArgumentNullException.ThrowIfNull(batcher);
        return new BatchProfile(batcher);
    }
}
