namespace FastBatch.Devices;

/// <summary>How a device failed.</summary>
public enum DeviceFailure
{
    /// <summary>It refused this once: a call that it cannot carry out, an argument that it does not take.</summary>
    Refused,

    /// <summary>It has no memory left for this.</summary>
    OutOfMemory,

    /// <summary>It can do nothing more for this process: a kernel accessed what it must not, the device fell off the bus.</summary>
    Lost,
}

/// <summary>A device, or the way to it, failed; it says nothing of the rows.</summary>
/// <param name="failure">How it failed.</param>
/// <param name="message">What was asked of which device, and what it answered.</param>
/// <param name="innerException">The cause, when there is one.</param>
public sealed class DeviceException(DeviceFailure failure, string message, Exception? innerException = null)
    : Exception(message, innerException), IRowFault
{
    /// <summary>How it failed.</summary>
    public DeviceFailure Failure { get; } = failure;

    /// <inheritdoc/>
    public bool IsOfRows => false;

    /// <inheritdoc/>
    public bool IsOutOfMemory => Failure == DeviceFailure.OutOfMemory;
}
