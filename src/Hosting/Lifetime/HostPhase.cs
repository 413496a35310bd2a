namespace FastBatch.Hosting.Lifetime;

/// <summary>How far the host is.</summary>
internal enum HostPhase
{
    /// <summary>Models are loading.</summary>
    Starting,

    /// <summary>Everything has started.</summary>
    Ready,

    /// <summary>Told to stop, or stopped.</summary>
    Stopping,
}
