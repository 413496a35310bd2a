using Microsoft.Win32.SafeHandles;

namespace FastBatch.Native.Interop;

/// <summary>A loaded module. Closed while a call is under way on another thread, it is freed when that call returns.</summary>
internal sealed class TorchModuleHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        NativeMethods.fb_module_free(handle);
        return true;
    }
}

/// <summary>A method of a module. The native side keeps the module's weights alive for it, so the two may be freed in any order.</summary>
internal sealed class TorchMethodHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        NativeMethods.fb_method_free(handle);
        return true;
    }
}
