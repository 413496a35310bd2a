namespace FastBatch.Native;

/// <summary>
/// The type of a tensor's elements, by its .NET name; the numbers are libtorch's. A model may return types that .NET has no name for
/// (bfloat16, complex numbers): they come as their bare number and cannot be read.
/// </summary>
public enum TorchElementType
{
    /// <summary><see cref="byte"/>, torch.uint8.</summary>
    Byte = 0,

    /// <summary><see cref="sbyte"/>, torch.int8.</summary>
    SByte = 1,

    /// <summary><see cref="short"/>, torch.int16.</summary>
    Int16 = 2,

    /// <summary><see cref="int"/>, torch.int32.</summary>
    Int32 = 3,

    /// <summary><see cref="long"/>, torch.int64.</summary>
    Int64 = 4,

    /// <summary><see cref="System.Half"/>, torch.float16.</summary>
    Half = 5,

    /// <summary><see cref="float"/>, torch.float32.</summary>
    Single = 6,

    /// <summary><see cref="double"/>, torch.float64.</summary>
    Double = 7,

    /// <summary><see cref="bool"/>, torch.bool.</summary>
    Boolean = 11,
}
