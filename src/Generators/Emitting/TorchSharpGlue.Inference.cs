namespace FastBatch.Generators.Emitting;

/// <summary>Batches without gradients, by the functions of TorchSharp's library.</summary>
internal static partial class TorchSharpGlue
{
    private const string Inference = """
        /// <summary>
        /// No gradients are kept on this thread until it is disposed. Entered for each batch, not for the life of a thread: batches run on
        /// pool threads, which belong to others in between. Costs no object where TorchSharp's library has the functions.
        /// </summary>
        internal readonly ref struct TorchSharpInference
        {
            private static readonly global::System.Lazy<Functions> s_functions = new(static () => new Functions());

            private readonly Functions? _functions;
            private readonly nint _guard;
            private readonly global::System.IDisposable? _scope;

            private TorchSharpInference(Functions functions, nint guard, global::System.IDisposable? scope)
            {
                _functions = functions;
                _guard = guard;
                _scope = scope;
            }

            [global::System.Runtime.InteropServices.UnmanagedFunctionPointer(global::System.Runtime.InteropServices.CallingConvention.Cdecl)]
            private delegate nint EnterFunction(byte enabled);

            [global::System.Runtime.InteropServices.UnmanagedFunctionPointer(global::System.Runtime.InteropServices.CallingConvention.Cdecl)]
            private delegate void LeaveFunction(nint guard);

            [global::System.Runtime.InteropServices.UnmanagedFunctionPointer(global::System.Runtime.InteropServices.CallingConvention.Cdecl)]
            private delegate byte IsEnabledFunction();

            [global::System.Runtime.InteropServices.UnmanagedFunctionPointer(global::System.Runtime.InteropServices.CallingConvention.Cdecl)]
            private delegate void SetEnabledFunction(byte enabled);

            public static TorchSharpInference Enter()
            {
                Functions functions = s_functions.Value;
                if (functions.Enter is not null)
                {
                    return new TorchSharpInference(functions, functions.Enter(1), null);
                }

                if (functions.IsGradEnabled is null)
                {
                    return new TorchSharpInference(functions, 0, global::TorchSharp.torch.no_grad());
                }

                nint wasEnabled = functions.IsGradEnabled();
                functions.SetGradEnabled!(0);
                return new TorchSharpInference(functions, wasEnabled, null);
            }

            /// <summary>
            /// Not even if the thread's owner had left it on: a tensor that is made in inference mode does not count what is written to it.
            /// </summary>
            public static TorchSharpInference Suspend()
            {
                Functions functions = s_functions.Value;
                return functions.Enter is not null ? new TorchSharpInference(functions, functions.Enter(0), null) : default;
            }

            public void Dispose()
            {
                if (_scope is not null)
                {
                    _scope.Dispose();
                }
                else if (_functions?.Leave is { } leave)
                {
                    leave(_guard);
                }
                else
                {
                    _functions?.SetGradEnabled!((byte)_guard);
                }
            }

            // Inference mode where TorchSharp has it (0.101.4 and later); before that, no gradients.
            private sealed class Functions
            {
                public Functions()
                {
                    EnterFunction? enter = TorchSharpLibrary.Find<EnterFunction>("THSAutograd_getInferenceModeGuard");
                    LeaveFunction? leave = TorchSharpLibrary.Find<LeaveFunction>("THSAutograd_deleteInferenceModeGuard");
                    if (enter is not null && leave is not null)
                    {
                        Enter = enter;
                        Leave = leave;
                        return;
                    }

                    IsEnabledFunction? isEnabled = TorchSharpLibrary.Find<IsEnabledFunction>("THSAutograd_isGradEnabled");
                    SetEnabledFunction? setEnabled = TorchSharpLibrary.Find<SetEnabledFunction>("THSAutograd_setGrad");
                    if (isEnabled is not null && setEnabled is not null)
                    {
                        IsGradEnabled = isEnabled;
                        SetGradEnabled = setEnabled;
                    }
                }

                public EnterFunction? Enter { get; }

                public LeaveFunction? Leave { get; }

                public IsEnabledFunction? IsGradEnabled { get; }

                public SetEnabledFunction? SetGradEnabled { get; }
            }
        }
        """;
}
