// TorchSharp as generated code and the methods of these tests see it: signatures, no bodies. Compiled by the tests into an assembly of its
// name. They are those of 0.99.6 to 0.107 alike.
using System;

#nullable enable

[assembly: System.Reflection.AssemblyVersion("0.103.0.0")]

namespace TorchSharp
{
    public enum DeviceType
    {
        CPU = 0,
        CUDA = 1,
    }

    public static partial class torch
    {
        public enum ScalarType : sbyte
        {
            Byte = 0,
            Int8 = 1,
            Int16 = 2,
            Int32 = 3,
            Int64 = 4,
            Float16 = 5,
            Float32 = 6,
            Float64 = 7,
            ComplexFloat32 = 9,
            ComplexFloat64 = 10,
            Bool = 11,
            BFloat16 = 15,
        }

        public static void InitializeDeviceType(DeviceType deviceType) => throw null!;

        public static IDisposable no_grad() => throw null!;

        public static IDisposable enable_grad(bool enabled = true) => throw null!;

        public static IDisposable set_grad_enabled(bool mode = true) => throw null!;

        public static DisposeScope NewDisposeScope() => throw null!;

        public static Tensor zeros(long[] size) => throw null!;

        public partial class Tensor : IDisposable
        {
            private Tensor() => throw null!;

            public static Tensor UnsafeCreateTensor(IntPtr handle) => throw null!;

            public IntPtr Handle => throw null!;

            public bool IsInvalid => throw null!;

            public ScalarType dtype => throw null!;

            public DeviceType device_type => throw null!;

            public long[] shape => throw null!;

            public Span<byte> bytes => throw null!;

            public bool requires_grad
            {
                get => throw null!;
                set => throw null!;
            }

            public long dim() => throw null!;

            public long size(int dim) => throw null!;

            public long stride(int dim) => throw null!;

            public bool is_contiguous() => throw null!;

            public bool is_neg() => throw null!;

            public Tensor copy_(Tensor source, bool nonBlocking = false) => throw null!;

            public Tensor alias() => throw null!;

            public Tensor detach() => throw null!;

            public Tensor view(params long[] shape) => throw null!;

            public Tensor relu() => throw null!;

            public Tensor clone() => throw null!;

            public Tensor cpu() => throw null!;

            public Tensor requires_grad_(bool requires_grad = true) => throw null!;

            public Scalar item() => throw null!;

            public static explicit operator float(Tensor value) => throw null!;

            public T item<T>()
                where T : unmanaged => throw null!;

            public void backward() => throw null!;

            public Tensor DetachFromDisposeScope() => throw null!;

            public Tensor MoveToOuterDisposeScope() => throw null!;

            public void Dispose() => throw null!;
        }

        public static partial class nn
        {
            public partial class Module : IDisposable
            {
                protected Module(string name) => throw null!;

                public virtual bool training => throw null!;

                public virtual void eval() => throw null!;

                public virtual void train(bool on = true) => throw null!;

                public void Dispose() => throw null!;
            }

            public abstract class HookableModule<TPreHook, TPostHook> : Module
            {
                protected HookableModule(string name)
                    : base(name)
                {
                }
            }

            public abstract partial class Module<T1, TResult> : HookableModule<Func<Module<T1, TResult>, T1, T1>, Func<Module<T1, TResult>, T1, TResult, TResult>>
            {
                protected Module(string name)
                    : base(name)
                {
                }

                public abstract TResult forward(T1 input);

                public TResult call(T1 input) => throw null!;
            }
        }

        public static partial class jit
        {
            public sealed class ScriptModule<T, TResult> : nn.Module<T, TResult>
            {
                internal ScriptModule()
                    : base("")
                {
                }

                public override TResult forward(T input) => throw null!;
            }
        }
    }

    public static class TensorExtensionMethods
    {
        public static float ToSingle(this torch.Tensor value) => throw null!;
    }

    public sealed class Scalar : IDisposable
    {
        public void Dispose() => throw null!;
    }

    public class DisposeScope : IDisposable
    {
        public T MoveToOuter<T>(T disposable)
            where T : IDisposable => throw null!;

        public void Dispose() => throw null!;
    }
}
