using System.Runtime.CompilerServices;
using FastBatch.Native.Interop;

namespace FastBatch.Native;

/// <summary>
/// A method of a <see cref="TorchScriptModule"/>. Running it allocates nothing on the managed heap. Any number of threads may run it at
/// once, each inside a <see cref="TorchScope"/> of its own.
/// </summary>
public sealed unsafe class TorchScriptMethod
{
    private readonly TorchMethodHandle _handle;

    // The handle itself stays open until the last call under way has returned.
    private volatile bool _closed;

    internal TorchScriptMethod(TorchMethodHandle handle, string name, int requiredInputs, int maxInputs) =>
        (_handle, Name, RequiredInputs, MaxInputs) = (handle, name, requiredInputs, maxInputs);

    /// <summary>The module's file and the method: "digits.pt.forward".</summary>
    public string Name { get; }

    /// <summary>How many inputs it must have; those after them have default values in the script.</summary>
    public int RequiredInputs { get; }

    /// <summary>How many inputs it can have.</summary>
    public int MaxInputs { get; }

    /// <summary>Runs the method.</summary>
    /// <param name="inputs">Its arguments, tensors of this thread's scope; those on another device than the module are moved there.</param>
    /// <returns>Its result, which lives as long as the scope.</returns>
    /// <exception cref="TorchException">The script raised, took other arguments, or returned something other than one tensor.</exception>
    /// <exception cref="ObjectDisposedException">The module was disposed.</exception>
    public TorchTensor Invoke(params ReadOnlySpan<TorchTensor> inputs)
    {
        TorchTensor output = default;
        Invoke(inputs, new Span<TorchTensor>(ref output));
        return output;
    }

    /// <summary>Runs a method that returns a tuple or list of tensors.</summary>
    /// <param name="inputs">Its arguments, tensors of this thread's scope; those on another device than the module are moved there.</param>
    /// <param name="outputs">Receives the results, which live as long as the scope. Their number must be its length.</param>
    /// <exception cref="TorchException">The script raised, took other arguments, or returned something else.</exception>
    /// <exception cref="ObjectDisposedException">The module was disposed.</exception>
    [SkipLocalsInit]
    public void Invoke(ReadOnlySpan<TorchTensor> inputs, Span<TorchTensor> outputs)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        byte* error = stackalloc byte[NativeError.Capacity];
        int produced;
        fixed (TorchTensor* first = inputs)
        fixed (TorchTensor* results = outputs)
        {
            NativeStatus status = NativeMethods.fb_method_invoke(
                _handle, (ulong*)first, inputs.Length, (ulong*)results, outputs.Length, &produced, error, NativeError.Capacity);
            NativeError.ThrowIfFailed(status, error, Name);
        }

        if (produced != outputs.Length)
        {
            throw new TorchException(
                TorchFailure.Mismatch, $"{Name}: {outputs.Length} tensors were expected, the method returned {produced}");
        }
    }

    internal void Close()
    {
        _closed = true;
        _handle.Dispose();
    }
}
