using System.Runtime.InteropServices;
using FastBatch.Native.Interop;

namespace FastBatch.Native.Tests;

/// <summary>Tensors for another library. What that does with them is tested with TorchSharp, where it is.</summary>
public class HandleTests
{
    [NativeFact]
    public void A_library_on_the_same_libtorch_may_have_them() => Assert.Null(TorchHandle.WhyUnusable(LibraryResolver.Handle));

    [NativeFact]
    public void A_library_on_another_may_not()
    {
        nint other = NativeLibrary.GetMainProgramHandle();
        string? reason = TorchHandle.WhyUnusable(other);
        Assert.StartsWith("FastBatch's native library uses another libtorch (libtorch ", reason, StringComparison.Ordinal);
    }

    [NativeFact]
    public unsafe void Each_is_a_tensor_of_its_own()
    {
        double* data = stackalloc double[6];
        nint first = TorchHandle.Create(ref *(byte*)data, (int)TorchElementType.Double, [2, 3], [3, 1]);
        nint second = TorchHandle.Create(ref *(byte*)data, (int)TorchElementType.Double, [3, 2], [1, 3]);
        Assert.NotEqual(0, first);
        Assert.NotEqual(first, second);
    }

    [NativeFact]
    public void What_no_tensor_can_be_is_refused()
    {
        byte data = 0;
        Assert.Throws<ArgumentException>(() => TorchHandle.Create(ref data, (int)TorchElementType.Byte, [1], [1, 1]));
        Assert.Throws<TorchException>(() => TorchHandle.Create(ref data, 99, [1], [1]));
        Assert.Throws<TorchException>(() => TorchHandle.Create(ref data, (int)TorchElementType.Byte, [-1], [1]));
    }
}
