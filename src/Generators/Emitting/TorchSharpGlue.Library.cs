namespace FastBatch.Generators.Emitting;

/// <summary>What TorchSharp does not offer, by the functions of the libraries that it has loaded.</summary>
internal static partial class TorchSharpGlue
{
    private const string Memory = """
        /// <summary>
        /// Tensors over memory that is there already, for which TorchSharp has no function. libtorch has one in its C interface; before that
        /// had it, FastBatch.Native's library can stand in. Any thread.
        /// </summary>
        internal static class TorchSharpMemory
        {
            private static readonly global::System.Lazy<CreateFunction> s_create = new(FindCreate);
            private static readonly global::System.Lazy<AssignFunction?> s_assign = new(
                static () => TorchSharpLibrary.Find<AssignFunction>("aoti_torch_assign_tensors"));

            private static readonly global::System.Lazy<DeleteFunction?> s_delete = new(
                static () => TorchSharpLibrary.Find<DeleteFunction>("aoti_torch_delete_tensor_object"));

            private static readonly global::System.Lazy<DataFunction?> s_data = new(
                static () => TorchSharpLibrary.Find<DataFunction>("THSTensor_data"));

            // at::TensorBase::_version() const, of which no C interface tells; by the names that the two kinds of compilers give it.
            private static readonly global::System.Lazy<VersionFunction?> s_version = new(
                static () => TorchSharpLibrary.Find<VersionFunction>(global::System.OperatingSystem.IsWindows()
                    ? "?_version@TensorBase@at@@QEBA_JXZ"
                    : "_ZNK2at10TensorBase8_versionEv"));

            [global::System.Runtime.InteropServices.UnmanagedFunctionPointer(global::System.Runtime.InteropServices.CallingConvention.Cdecl)]
            private delegate int CreateFunction(
                ref byte data,
                long rank,
                ref long sizes,
                ref long strides,
                long offset,
                int type,
                int deviceType,
                int deviceIndex,
                out nint tensor);

            [global::System.Runtime.InteropServices.UnmanagedFunctionPointer(global::System.Runtime.InteropServices.CallingConvention.Cdecl)]
            private delegate int AssignFunction(nint source, nint target);

            [global::System.Runtime.InteropServices.UnmanagedFunctionPointer(global::System.Runtime.InteropServices.CallingConvention.Cdecl)]
            private delegate int DeleteFunction(nint tensor);

            [global::System.Runtime.InteropServices.UnmanagedFunctionPointer(global::System.Runtime.InteropServices.CallingConvention.Cdecl)]
            private delegate nint DataFunction(nint tensor);

            [global::System.Runtime.InteropServices.UnmanagedFunctionPointer(global::System.Runtime.InteropServices.CallingConvention.Cdecl)]
            private delegate long VersionFunction(nint tensor);

            /// <summary>Throws now what would be thrown at the first batch.</summary>
            public static void Require(global::System.Collections.Generic.IReadOnlyList<global::FastBatch.Devices.Device> devices)
            {
                _ = s_create.Value;
                foreach (global::FastBatch.Devices.Device device in devices)
                {
                    if (device.CudaIndex is not null && WhyNoDevice() is { } reason)
                    {
                        throw new global::System.NotSupportedException(
                            $"{TorchSharpLibrary.Description} cannot compute on the streams of {device.Name}: {reason}");
                    }
                }
            }

            /// <summary>
            /// A tensor over rows that lie one after the other, and do not move. It belongs to no DisposeScope that the thread may have.
            /// One that is used no more becomes that tensor, where libtorch can do so; where it cannot, it is disposed.
            /// </summary>
            public static global::TorchSharp.torch.Tensor Wrap<T>(
                global::FastBatch.Devices.Device? device,
                global::System.ReadOnlySpan<T> rows,
                global::System.ReadOnlySpan<long> sizes,
                global::System.ReadOnlySpan<long> strides,
                global::TorchSharp.torch.Tensor? used = null)
                where T : unmanaged
            {
                nint made = Create(device, rows, sizes, strides);
                if (used is { IsInvalid: false }
                    && s_assign.Value is { } assign
                    && s_delete.Value is { } delete
                    && assign(made, used.Handle) == 0)
                {
                    delete(made);
                    return used;
                }

                used?.Dispose();
                return global::TorchSharp.torch.Tensor.UnsafeCreateTensor(made).DetachFromDisposeScope();
            }

            /// <summary>Whether the tensor begins at the first of these rows, which do not move. No, if nothing can tell.</summary>
            public static bool IsOver<T>(global::TorchSharp.torch.Tensor tensor, global::System.ReadOnlySpan<T> rows)
                where T : unmanaged =>
                s_data.Value is { } data
                && data(tensor.Handle) == global::System.Runtime.CompilerServices.Unsafe.ByteOffset(
                    ref global::System.Runtime.CompilerServices.Unsafe.NullRef<T>(),
                    ref global::System.Runtime.InteropServices.MemoryMarshal.GetReference(rows));

            /// <summary>
            /// Grows with every write to a tensor that <see cref="Wrap"/> made, also through views of it. Always 0, if nothing can tell.
            /// </summary>
            public static long VersionOf(global::TorchSharp.torch.Tensor tensor) => s_version.Value?.Invoke(tensor.Handle) ?? 0;

            /// <summary>The type of a tensor's elements.</summary>
            [global::System.Runtime.CompilerServices.MethodImpl(global::System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
            public static global::TorchSharp.torch.ScalarType TypeOf<T>()
                where T : unmanaged =>
                typeof(T) == typeof(float) ? global::TorchSharp.torch.ScalarType.Float32
                : typeof(T) == typeof(double) ? global::TorchSharp.torch.ScalarType.Float64
                : typeof(T) == typeof(global::System.Half) ? global::TorchSharp.torch.ScalarType.Float16
                : typeof(T) == typeof(long) ? global::TorchSharp.torch.ScalarType.Int64
                : typeof(T) == typeof(int) ? global::TorchSharp.torch.ScalarType.Int32
                : typeof(T) == typeof(short) ? global::TorchSharp.torch.ScalarType.Int16
                : typeof(T) == typeof(sbyte) ? global::TorchSharp.torch.ScalarType.Int8
                : typeof(T) == typeof(byte) ? global::TorchSharp.torch.ScalarType.Byte
                : typeof(T) == typeof(bool) ? global::TorchSharp.torch.ScalarType.Bool
                : throw new global::System.NotSupportedException($"No tensor has elements of {typeof(T)}.");

            private static nint Create<T>(
                global::FastBatch.Devices.Device? device,
                global::System.ReadOnlySpan<T> rows,
                global::System.ReadOnlySpan<long> sizes,
                global::System.ReadOnlySpan<long> strides)
                where T : unmanaged
            {
                using TorchSharpInference suspended = TorchSharpInference.Suspend();
                int failed = s_create.Value(
                    ref global::System.Runtime.CompilerServices.Unsafe.As<T, byte>(
                        ref global::System.Runtime.InteropServices.MemoryMarshal.GetReference(rows)),
                    sizes.Length,
                    ref global::System.Runtime.InteropServices.MemoryMarshal.GetReference(sizes),
                    ref global::System.Runtime.InteropServices.MemoryMarshal.GetReference(strides),
                    offset: 0,
                    (int)TypeOf<T>(),
                    deviceType: device?.CudaIndex is null ? 0 : 1,
                    deviceIndex: device?.CudaIndex ?? 0,
                    out nint tensor);
                return failed == 0
                    ? tensor
                    : throw new global::System.InvalidOperationException(
                        $"libtorch made no tensor [{string.Join(", ", sizes.ToArray())}] over {rows.Length} elements; it says why on standard error.");
            }

            private static CreateFunction FindCreate()
            {
                if (TorchSharpLibrary.Find<CreateFunction>("aoti_torch_create_tensor_from_blob") is { } create)
                {
                    return create;
                }
        """;

    // The rest of the class, where the assembly references FastBatch.Native and where it does not.
    private const string WithNative = """

                string? failure = global::FastBatch.Native.TorchHandle.WhyUnusable(TorchSharpLibrary.Handle);
                return failure is null
                    ? CreateNatively
                    : throw new global::System.NotSupportedException(
                        $"{TorchSharpLibrary.Description} has no function that makes a tensor over memory, which libtorch 2.2 and later have; "
                        + $"nor can FastBatch.Native's be used: {failure} TorchSharp 0.103 or later needs neither.");
            }

            // The streams are FastBatch.Native's: the two must use one libtorch, in which a thread has one current stream.
            private static string? WhyNoDevice() =>
                global::FastBatch.Native.TorchHandle.WhyUnusable(TorchSharpLibrary.Handle)
                ?? (s_create.Value == CreateNatively ? "its libtorch makes no tensors over memory itself, as 2.2 and later do." : null);

            private static int CreateNatively(
                ref byte data,
                long rank,
                ref long sizes,
                ref long strides,
                long offset,
                int type,
                int deviceType,
                int deviceIndex,
                out nint tensor)
            {
                tensor = global::FastBatch.Native.TorchHandle.Create(
                    ref data,
                    type,
                    global::System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpan(ref sizes, (int)rank),
                    global::System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpan(ref strides, (int)rank));
                return 0;
            }
        }
        """;

    private const string WithoutNative = """

                throw new global::System.NotSupportedException(
                    $"{TorchSharpLibrary.Description} has no function that makes a tensor over memory, which libtorch 2.2 and later have. Use "
                    + "TorchSharp 0.103 or later, or reference FastBatch.Native, whose library has one.");
            }

            private static string WhyNoDevice() => "this assembly does not reference FastBatch.Native, whose streams they are.";
        }
        """;

    private const string Library = """
        /// <summary>TorchSharp's native library as it is loaded already, and through it libtorch's. Nothing is loaded by a file's name.</summary>
        internal static class TorchSharpLibrary
        {
            private static readonly global::System.Lazy<nint> s_handle = new(Find);

            public static nint Handle => s_handle.Value;

            /// <summary>"TorchSharp 0.105.2 with libtorch from '/app/libtorch_cpu.so'".</summary>
            public static string Description =>
                $"TorchSharp {typeof(global::TorchSharp.torch.Tensor).Assembly.GetName().Version?.ToString(3)} with libtorch from "
                + $"'{Libtorch?.FileName ?? "an unknown place"}'";

            private static global::System.Diagnostics.ProcessModule? Libtorch
            {
                get
                {
                    using var process = global::System.Diagnostics.Process.GetCurrentProcess();
                    foreach (global::System.Diagnostics.ProcessModule module in process.Modules)
                    {
                        if (module.ModuleName.Contains("torch_cpu", global::System.StringComparison.OrdinalIgnoreCase))
                        {
                            return module;
                        }
                    }

                    return null;
                }
            }

            /// <summary>A function of the library, or of those it depends on; null if none has it.</summary>
            public static TDelegate? Find<TDelegate>(string name)
                where TDelegate : global::System.Delegate
            {
                if (!global::System.Runtime.InteropServices.NativeLibrary.TryGetExport(Handle, name, out nint function)
                    && !(global::System.OperatingSystem.IsWindows()
                        && Libtorch is { } libtorch
                        && global::System.Runtime.InteropServices.NativeLibrary.TryGetExport(libtorch.BaseAddress, name, out function)))
                {
                    // On Windows a library does not answer for those that it depends on.
                    return null;
                }

                return global::System.Runtime.InteropServices.Marshal.GetDelegateForFunctionPointer<TDelegate>(function);
            }

            private static nint Find()
            {
                global::TorchSharp.torch.InitializeDeviceType(global::TorchSharp.DeviceType.CPU);
                return global::System.Runtime.InteropServices.NativeLibrary.Load(
                    "LibTorchSharp", typeof(global::TorchSharp.torch.Tensor).Assembly, null);
            }
        }
        """;
}
