using System.Runtime.CompilerServices;
using FastBatch.Native.Interop;

namespace FastBatch.Native;

/// <summary>
/// A TorchScript module (<c>torch.jit.save</c>) in evaluation mode, ready to run. Any number of threads may run it at once, each inside a
/// <see cref="TorchScope"/> of its own; a module that changes its own attributes when run is the exception.
/// </summary>
public sealed unsafe class TorchScriptModule : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TorchScriptMethod> _methods = [];
    private readonly TorchModuleHandle _handle;
    private volatile TorchScriptMethod? _forward;

    private TorchScriptModule(TorchModuleHandle handle, string name) => (_handle, Name) = (handle, name);

    /// <summary>The file's name, or "module" if it came from memory; what errors begin with.</summary>
    public string Name { get; }

    /// <summary>Loads a module from a file.</summary>
    /// <param name="path">The path of a <c>.pt</c> file that <c>torch.jit.save</c> wrote.</param>
    /// <param name="options">How; null for the CPU and the code as it was saved.</param>
    /// <exception cref="TorchException">The file is not there, is no TorchScript module, or the device is not there.</exception>
    /// <exception cref="DllNotFoundException">The native library is not there: <see cref="Torch.UnavailableReason"/>.</exception>
    public static TorchScriptModule Load(string path, TorchScriptOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new TorchScriptOptions();
        byte* error = stackalloc byte[NativeError.Capacity];
        NativeStatus status = NativeMethods.fb_module_load_file(
            path, options.Device.Type, options.Device.Index, options.Flags, out TorchModuleHandle handle, error, NativeError.Capacity);
        NativeError.ThrowIfFailed(status, error, path);
        return new TorchScriptModule(handle, Path.GetFileName(path));
    }

    /// <summary>Loads a module from memory, which is not needed afterwards.</summary>
    /// <param name="file">The bytes of a <c>.pt</c> file.</param>
    /// <param name="options">How; null for the CPU and the code as it was saved.</param>
    /// <exception cref="TorchException">The bytes are no TorchScript module, or the device is not there.</exception>
    /// <exception cref="DllNotFoundException">The native library is not there: <see cref="Torch.UnavailableReason"/>.</exception>
    public static TorchScriptModule Load(ReadOnlySpan<byte> file, TorchScriptOptions? options = null)
    {
        options ??= new TorchScriptOptions();
        byte* error = stackalloc byte[NativeError.Capacity];
        fixed (byte* bytes = file)
        {
            NativeStatus status = NativeMethods.fb_module_load_memory(
                bytes,
                (ulong)file.Length,
                options.Device.Type,
                options.Device.Index,
                options.Flags,
                out TorchModuleHandle handle,
                error,
                NativeError.Capacity);
            NativeError.ThrowIfFailed(status, error, $"a module of {file.Length} bytes");
            return new TorchScriptModule(handle, "module");
        }
    }

    /// <summary>Runs <c>forward</c>.</summary>
    /// <param name="inputs">Its arguments, tensors of this thread's scope.</param>
    /// <returns>Its result, which lives as long as the scope.</returns>
    /// <exception cref="TorchException">The script raised, took other arguments, or returned something other than one tensor.</exception>
    /// <exception cref="ObjectDisposedException">The module was disposed.</exception>
    public TorchTensor Forward(params ReadOnlySpan<TorchTensor> inputs) => (_forward ?? FindForward()).Invoke(inputs);

    /// <summary>Runs a <c>forward</c> that returns a tuple or list of tensors.</summary>
    /// <param name="inputs">Its arguments, tensors of this thread's scope.</param>
    /// <param name="outputs">Receives the results, which live as long as the scope. Their number must be its length.</param>
    /// <exception cref="TorchException">The script raised, took other arguments, or returned something else.</exception>
    /// <exception cref="ObjectDisposedException">The module was disposed.</exception>
    public void Forward(ReadOnlySpan<TorchTensor> inputs, Span<TorchTensor> outputs) => (_forward ?? FindForward()).Invoke(inputs, outputs);

    /// <summary>A method of the module, to be kept: looking it up is not free. It belongs to the module and ends with it.</summary>
    /// <param name="name">The method's name in the script.</param>
    /// <exception cref="TorchException">The module has no such method; the message names those it has.</exception>
    /// <exception cref="ObjectDisposedException">The module was disposed.</exception>
    public TorchScriptMethod GetMethod(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
            if (!_methods.TryGetValue(name, out TorchScriptMethod? method))
            {
                byte* error = stackalloc byte[NativeError.Capacity];
                int requiredInputs;
                int maxInputs;
                NativeStatus status = NativeMethods.fb_module_method(
                    _handle, name, out TorchMethodHandle handle, &requiredInputs, &maxInputs, error, NativeError.Capacity);
                NativeError.ThrowIfFailed(status, error, Name);
                method = new TorchScriptMethod(handle, $"{Name}.{name}", requiredInputs, maxInputs);
                _methods.Add(name, method);
            }

            return method;
        }
    }

    /// <summary>Ends the module and its methods. Calls under way on other threads finish first; only then is its memory freed.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (TorchScriptMethod method in _methods.Values)
            {
                method.Close();
            }

            _handle.Dispose(); // used under the lock only, so it closes at once
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private TorchScriptMethod FindForward() => _forward = GetMethod("forward");
}
