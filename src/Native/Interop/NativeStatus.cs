using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastBatch.Native.Interop;

/// <summary>What a native function answers: <c>fb_status</c>.</summary>
internal enum NativeStatus
{
    Ok = 0,
    Torch = 1,
    Exception = 2,
    Unknown = 3,
    Argument = 4,
    Mismatch = 5,
    OutOfMemory = 6,
    Unsupported = 7,
    Lost = 8,
}

/// <summary>Turns an answer other than <see cref="NativeStatus.Ok"/> into an exception.</summary>
internal static unsafe class NativeError
{
    /// <summary>
    /// Bytes of a buffer for the text of an error, traceback of the script included. On the caller's stack, and not cleared: a call that
    /// succeeds pays next to nothing for it.
    /// </summary>
    public const int Capacity = 8192;

    /// <param name="status">What the function answered.</param>
    /// <param name="error">The text it left, 0-terminated UTF-8.</param>
    /// <param name="where">What was being done, as the beginning of a sentence: "digits.pt.forward".</param>
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
        string text = Marshal.PtrToStringUTF8((nint)error) ?? "";
        throw new TorchException(
            status is >= NativeStatus.Torch and <= NativeStatus.Lost ? (TorchFailure)status : TorchFailure.Unknown,
            $"{where}: {(text.Length > 0 ? text : $"the native library answered {status} and no text")}");
    }
}
