namespace FastBatch;

/// <summary>How a <see cref="Batcher"/> is doing.</summary>
public enum BatcherState
{
    /// <summary>It accepts requests and runs them.</summary>
    Serving,

    /// <summary>
    /// Its method has not returned for <see cref="BatcherOptions.RunLimit"/>: requests are refused until it does. Then it serves again.
    /// </summary>
    Stalled,

    /// <summary>It refuses new requests and runs those accepted before.</summary>
    Closing,

    /// <summary>Every request it ever accepted has ended.</summary>
    Closed,

    /// <summary>Its device is lost, or all of them are: every request ends with a <see cref="DeviceLostException"/>. See <see cref="Batcher.Loss"/>.</summary>
    Lost,

    /// <summary>
    /// It accepts requests and runs them, but not on all of its devices: some are lost, or do not finish what they run. See
    /// <see cref="Batcher.GetDeviceStatus"/>.
    /// </summary>
    Degraded,
}
