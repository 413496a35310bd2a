using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastBatch.Devices;

namespace FastBatch.Native.Interop;

/// <summary>As <see cref="NativeError"/>, for calls that speak of a device rather than of what it is to compute.</summary>
internal static unsafe class CudaError
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ThrowIfFailed(NativeStatus status, byte* error, string where)
    {
        if (status != NativeStatus.Ok)
        {
            Throw(status, error, where);
        }
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Throw(NativeStatus status, byte* error, string where)
    {
        DeviceFailure failure = status switch
        {
            NativeStatus.Lost => DeviceFailure.Lost,
            NativeStatus.OutOfMemory => DeviceFailure.OutOfMemory,
            _ => DeviceFailure.Refused,
        };
        throw new DeviceException(failure, $"{where}: {Marshal.PtrToStringUTF8((nint)error)}");
    }
}
