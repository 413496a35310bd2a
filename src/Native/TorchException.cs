namespace FastBatch.Native;

/// <summary>libtorch, or the native library over it, refused or failed.</summary>
public sealed class TorchException : Exception, IRowFault
{
    internal TorchException(TorchFailure failure, string message)
        : base(message) => Failure = failure;

    /// <summary>What kind of failure it was.</summary>
    public TorchFailure Failure { get; }

    /// <inheritdoc/>
    public bool IsOfRows => Failure is TorchFailure.Torch or TorchFailure.Exception or TorchFailure.Unknown;

    /// <inheritdoc/>
    public bool IsOutOfMemory => Failure == TorchFailure.OutOfMemory;
}

/// <summary>Who failed, and at what.</summary>
public enum TorchFailure
{
    /// <summary>libtorch refused: a file is no TorchScript module, a value cannot be what it is to be.</summary>
    Torch = 1,

    /// <summary>A script raised, or an operator in it refused its operands: the message has the script's traceback.</summary>
    Exception = 2,

    /// <summary>Native code threw something that has no text.</summary>
    Unknown = 3,

    /// <summary>
    /// A tensor outside its scope or thread, a scope left before one inside it, a method that is not there, too few or too many inputs.
    /// </summary>
    Argument = 4,

    /// <summary>A result's shape, element type, number or kind is not what was announced; the message names both.</summary>
    Mismatch = 5,

    /// <summary>Memory, the host's or a device's, ran out.</summary>
    OutOfMemory = 6,

    /// <summary>This build of the native library, or this machine, cannot do it: CUDA where there is none.</summary>
    Unsupported = 7,

    /// <summary>An error of the CUDA device that stays: nothing more can be done with it in this process.</summary>
    DeviceLost = 8,
}
