using System.Runtime.CompilerServices;

namespace FastBatch.Native.Interop;

/// <summary>The number that libtorch gives to a .NET type.</summary>
internal static class ElementType
{
    /// <exception cref="NotSupportedException">Tensors have no such elements.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Of<T>()
        where T : unmanaged =>
        (int)(typeof(T) == typeof(float) ? TorchElementType.Single
            : typeof(T) == typeof(double) ? TorchElementType.Double
            : typeof(T) == typeof(Half) ? TorchElementType.Half
            : typeof(T) == typeof(long) ? TorchElementType.Int64
            : typeof(T) == typeof(int) ? TorchElementType.Int32
            : typeof(T) == typeof(short) ? TorchElementType.Int16
            : typeof(T) == typeof(sbyte) ? TorchElementType.SByte
            : typeof(T) == typeof(byte) ? TorchElementType.Byte
            : typeof(T) == typeof(bool) ? TorchElementType.Boolean
            : throw new NotSupportedException(
                $"A tensor cannot have elements of {typeof(T)}: they are float, double, Half, long, int, short, sbyte, byte or bool."));
}
