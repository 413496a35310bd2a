namespace FastBatch.Diagnostics;

/// <summary>Why a batch was closed when it was.</summary>
public enum BatchCloseReason
{
    /// <summary>The device was free, and nothing was to be waited for.</summary>
    Idle,

    /// <summary>It had the most rows a batch may have, or as many as the policy waited for.</summary>
    Full,

    /// <summary>The time up to which the policy let rows wait had come.</summary>
    Delay,

    /// <summary>The batcher is being disposed: no more rows will come.</summary>
    Drain,
}
