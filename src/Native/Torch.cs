using System.Runtime.InteropServices;
using FastBatch.Native.Interop;

namespace FastBatch.Native;

/// <summary>The libtorch of this process.</summary>
public static unsafe class Torch
{
    private const int DescriptionCapacity = 1024;

    /// <summary>Whether the native library and libtorch are there and fit. Loads them on first use; never throws.</summary>
    public static bool IsAvailable => LibraryResolver.Failure is null;

    /// <summary>What is missing and how to get it; null if <see cref="IsAvailable"/>.</summary>
    public static string? UnavailableReason => LibraryResolver.Failure;

    /// <summary>The version of libtorch, the BLAS it computes with, and whether it has CUDA, for people to read.</summary>
    /// <exception cref="DllNotFoundException">The library is not there: <see cref="UnavailableReason"/>.</exception>
    public static string Description
    {
        get
        {
            byte* text = stackalloc byte[DescriptionCapacity];
            text[0] = 0;
            NativeStatus status = NativeMethods.fb_describe(text, DescriptionCapacity);
            NativeError.ThrowIfFailed(status, text, "Torch.Description");
            return Marshal.PtrToStringUTF8((nint)text) ?? "";
        }
    }

    /// <summary>
    /// How many threads one operator may use. Set, it holds for every <see cref="TorchScope"/> entered from then on, on any thread, and for
    /// the BLAS where that has threads of its own; got, it is the calling thread's. Where several batchers run at once, 1 is best.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to less than 1.</exception>
    /// <exception cref="DllNotFoundException">The library is not there: <see cref="UnavailableReason"/>.</exception>
    public static int Threads
    {
        get
        {
            int threads;
            NativeError.ThrowIfFailed(NativeMethods.fb_get_threads(&threads), error: null, "Torch.Threads");
            return threads;
        }

        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            byte* error = stackalloc byte[NativeError.Capacity];
            NativeError.ThrowIfFailed(NativeMethods.fb_set_threads(value, error, NativeError.Capacity), error, "Torch.Threads");
        }
    }

    /// <summary>How many CUDA devices there are; 0 without CUDA.</summary>
    /// <exception cref="TorchException">The driver failed.</exception>
    /// <exception cref="DllNotFoundException">The library is not there: <see cref="UnavailableReason"/>.</exception>
    public static int CudaDeviceCount
    {
        get
        {
            int count = 0;
            byte* error = stackalloc byte[NativeError.Capacity];
            NativeStatus status = NativeMethods.fb_cuda_device_count(&count, error, NativeError.Capacity);
            if (status == NativeStatus.Unsupported)
            {
                return 0;
            }

            NativeError.ThrowIfFailed(status, error, "Torch.CudaDeviceCount");
            return count;
        }
    }

    /// <summary>Waits until a device has done all it was given. On the CPU there is nothing to wait for.</summary>
    /// <param name="device">The device.</param>
    /// <exception cref="TorchException">There is no such device, or something that it was given failed.</exception>
    public static void Synchronize(TorchDevice device)
    {
        if (device != TorchDevice.Cpu)
        {
            byte* error = stackalloc byte[NativeError.Capacity];
            NativeError.ThrowIfFailed(
                NativeMethods.fb_cuda_synchronize(device.Index, error, NativeError.Capacity), error, $"Torch.Synchronize({device})");
        }
    }
}
