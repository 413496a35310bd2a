using FastBatch.Devices;

namespace FastBatch.Lanes;

/// <summary>
/// Where a batch lies while a device has it: buffers of the device's for the rows of each input and each output, kept from batch to batch.
/// </summary>
/// <param name="device">The device.</param>
/// <param name="firstRow">The number of the first row, among those of all such buffers.</param>
/// <param name="inputs">The buffers of the inputs, in the order of the parameters.</param>
/// <param name="outputs">The same for the outputs.</param>
internal sealed unsafe class DeviceRows(Device device, int firstRow, nint[] inputs, nint[] outputs)
{
    public Device Device { get; } = device;

    public int FirstRow { get; } = firstRow;

    public nint[] Inputs { get; } = inputs;

    public nint[] Outputs { get; } = outputs;

    /// <summary>Rows of one of the buffers. Not to be read or written here unless the device's memory is the host's.</summary>
    public static Span<T> Rows<T>(nint buffer, int rowLength, int first, int count)
        where T : unmanaged => new((T*)buffer + ((nint)first * rowLength), count * rowLength);
}
