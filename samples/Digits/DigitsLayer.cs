using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Digits;

/// <summary>What the kernels ask of a vector of floats. Each struct that answers gets kernels of its own, with all of it inlined.</summary>
internal interface ILanes<TVector>
{
    static abstract TVector Spread(float value);

    static abstract TVector MultiplyAdd(TVector left, TVector right, TVector sum);

    static abstract TVector Max(TVector left, TVector right);
}

/// <summary>AVX-512: <see cref="Vector{T}"/> stays at 256 bits there.</summary>
internal readonly struct Lanes512 : ILanes<Vector512<float>>
{
    public static Vector512<float> Spread(float value) => Vector512.Create(value);

    public static Vector512<float> MultiplyAdd(Vector512<float> left, Vector512<float> right, Vector512<float> sum) =>
        Vector512.MultiplyAddEstimate(left, right, sum);

    public static Vector512<float> Max(Vector512<float> left, Vector512<float> right) => Vector512.MaxNative(left, right);
}

/// <summary>The vectors of every other processor: those of AVX2 or ARM64, and slow but right ones where there are none.</summary>
internal readonly struct LanesAny : ILanes<Vector<float>>
{
    public static Vector<float> Spread(float value) => new(value);

    public static Vector<float> MultiplyAdd(Vector<float> left, Vector<float> right, Vector<float> sum) =>
        Vector.MultiplyAddEstimate(left, right, sum);

    public static Vector<float> Max(Vector<float> left, Vector<float> right) => Vector.MaxNative(left, right);
}

/// <summary>The running sums of one row over a panel. The kernels keep them in registers from the first input to the last.</summary>
internal struct Sums<TVector, TLanes>(ref TVector bias)
    where TVector : struct
    where TLanes : struct, ILanes<TVector>
{
    private TVector _first = bias;
    private TVector _second = Unsafe.Add(ref bias, 1);
    private TVector _third = Unsafe.Add(ref bias, 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(float input, TVector first, TVector second, TVector third)
    {
        TVector spread = TLanes.Spread(input);
        _first = TLanes.MultiplyAdd(spread, first, _first);
        _second = TLanes.MultiplyAdd(spread, second, _second);
        _third = TLanes.MultiplyAdd(spread, third, _third);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(ref float output, TVector floor)
    {
        ref TVector target = ref Unsafe.As<float, TVector>(ref output);
        target = TLanes.Max(floor, _first);
        Unsafe.Add(ref target, 1) = TLanes.Max(floor, _second);
        Unsafe.Add(ref target, 2) = TLanes.Max(floor, _third);
    }
}

/// <summary>One layer: outputs = max(floor, weights * inputs + bias).</summary>
/// <remarks>
/// The weights lie in panels. A panel holds the outputs of three vectors: first their biases, then for each input the weights
/// from it. They stay float16, as in the file: half the memory, and half of what a pass reads. A panel is widened when its turn
/// comes, once for all rows of a batch; a kernel reads it from front to back, out of the cache.
/// </remarks>
internal sealed class DigitsLayer
{
    private const int PanelVectors = 3;

    private readonly int _inputs;
    private readonly int _inputStride;
    private readonly int _panelLength;
    private readonly Half[] _panels;

    // The panel whose turn it is.
    private readonly float[] _widened;
    private readonly int _start;

    public DigitsLayer(BinaryReader reader, int inputs, int outputs, int inputStride)
    {
        int panels = (outputs + PanelWidth - 1) / PanelWidth;
        OutputStride = panels * PanelWidth;
        _inputs = inputs;
        _inputStride = inputStride;
        _panelLength = (1 + inputs) * PanelWidth;
        _panels = new Half[panels * _panelLength];

        // Pinned, so that vectors which start at a cache line keep doing so.
        const int CacheLine = 64;
        _widened = GC.AllocateArray<float>(_panelLength + (CacheLine / sizeof(float)), pinned: true);
        _start = (int)(-Marshal.UnsafeAddrOfPinnedArrayElement(_widened, 0) & (CacheLine - 1)) / sizeof(float);

        for (int output = 0; output < outputs; output++)
        {
            for (int input = 0; input < inputs; input++)
            {
                _panels[PlaceOf(output) + ((1 + input) * PanelWidth)] = ReadFinite(reader);
            }
        }

        for (int output = 0; output < outputs; output++)
        {
            _panels[PlaceOf(output)] = ReadFinite(reader);
        }
    }

    /// <summary>Floats from one row of the output to the next: the outputs, and those that fill up the last panel.</summary>
    public int OutputStride { get; }

    private static int PanelWidth => PanelVectors * (Vector512.IsHardwareAccelerated ? Vector512<float>.Count : Vector<float>.Count);

    // The 24 sums of 8 rows do not fit in the 16 registers of AVX2; the 12 of 4 rows leave just enough for the operands.
    private static bool HasManyRegisters => Vector512.IsHardwareAccelerated || AdvSimd.IsSupported;

    /// <summary>Runs the layer on a batch.</summary>
    /// <param name="input">[rows, input stride].</param>
    /// <param name="output">
    /// [rows, <see cref="OutputStride"/>]. Both arrays have room for a multiple of 8 rows: a kernel may compute rows beyond the
    /// last, from what lies there, and nobody reads them.
    /// </param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="floor">What a smaller output is raised to.</param>
    public void Run<TVector, TLanes>(float[] input, float[] output, int rows, float floor)
        where TVector : struct
        where TLanes : struct, ILanes<TVector>
    {
        TVector floors = TLanes.Spread(floor);
        for (int column = 0, start = 0; column < OutputStride; column += PanelWidth, start += _panelLength)
        {
            Widen(_panels.AsSpan(start, _panelLength), _widened.AsSpan(_start));
            ref TVector panel = ref Unsafe.As<float, TVector>(ref _widened[_start]);
            for (int row = 0; row < rows;)
            {
                ref float source = ref input[row * _inputStride];
                ref float target = ref output[(row * OutputStride) + column];
                switch (rows - row)
                {
                    case 1:
                        Multiply1<TVector, TLanes>(ref source, ref panel, ref target, floors);
                        row += 1;
                        break;
                    case > 4 when HasManyRegisters:
                        Multiply8<TVector, TLanes>(ref source, ref panel, ref target, floors);
                        row += 8;
                        break;
                    default:
                        Multiply4<TVector, TLanes>(ref source, ref panel, ref target, floors);
                        row += 4;
                        break;
                }
            }
        }
    }

    // Exact for all that is finite.
    private static void Widen(ReadOnlySpan<Half> halves, Span<float> floats)
    {
        ref short source = ref Unsafe.As<Half, short>(ref MemoryMarshal.GetReference(halves));
        ref float target = ref MemoryMarshal.GetReference(floats[..halves.Length]);
        int i = 0;
        for (; i <= halves.Length - Vector<short>.Count; i += Vector<short>.Count)
        {
            Vector.Widen(Unsafe.As<short, Vector<short>>(ref Unsafe.Add(ref source, i)), out Vector<int> lower, out Vector<int> upper);
            Unsafe.As<float, Vector<float>>(ref Unsafe.Add(ref target, i)) = Widen(lower);
            Unsafe.As<float, Vector<float>>(ref Unsafe.Add(ref target, i + Vector<int>.Count)) = Widen(upper);
        }

        for (; i < halves.Length; i++)
        {
            floats[i] = (float)halves[i];
        }
    }

    // Sign, exponent and fraction move to where a float has them; its exponent counts from 127 and not from 15, so 112 are missing.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Widen(Vector<int> half)
    {
        const int Moved = unchecked((int)0x8FFFE000);
        const float TwoTo112 = 5.192296858534828e33f;
        return Vector.AsVectorSingle((half << 13) & new Vector<int>(Moved)) * new Vector<float>(TwoTo112);
    }

    private static Half ReadFinite(BinaryReader reader) => reader.ReadHalf() is var value && Half.IsFinite(value)
        ? value
        : throw new InvalidDataException($"The weights file has a weight that is {value}.");

    private int PlaceOf(int output) => (output / PanelWidth * _panelLength) + (output % PanelWidth);

    private void Multiply1<TVector, TLanes>(ref float input, ref TVector panel, ref float output, TVector floor)
        where TVector : struct
        where TLanes : struct, ILanes<TVector>
    {
        Sums<TVector, TLanes> sums = new(ref panel);
        for (nint k = 0; k < _inputs; k++)
        {
            panel = ref Unsafe.Add(ref panel, PanelVectors);
            sums.Add(Unsafe.Add(ref input, k), panel, Unsafe.Add(ref panel, 1), Unsafe.Add(ref panel, 2));
        }

        sums.Store(ref output, floor);
    }

    private void Multiply4<TVector, TLanes>(ref float input, ref TVector panel, ref float output, TVector floor)
        where TVector : struct
        where TLanes : struct, ILanes<TVector>
    {
        nint stride = _inputStride;
        Sums<TVector, TLanes> sums0 = new(ref panel), sums1 = sums0, sums2 = sums0, sums3 = sums0;
        for (nint k = 0; k < _inputs; k++)
        {
            panel = ref Unsafe.Add(ref panel, PanelVectors);
            (TVector first, TVector second, TVector third) = (panel, Unsafe.Add(ref panel, 1), Unsafe.Add(ref panel, 2));
            sums0.Add(Unsafe.Add(ref input, k), first, second, third);
            sums1.Add(Unsafe.Add(ref input, k + stride), first, second, third);
            sums2.Add(Unsafe.Add(ref input, k + (2 * stride)), first, second, third);
            sums3.Add(Unsafe.Add(ref input, k + (3 * stride)), first, second, third);
        }

        sums0.Store(ref output, floor);
        sums1.Store(ref Unsafe.Add(ref output, OutputStride), floor);
        sums2.Store(ref Unsafe.Add(ref output, 2 * OutputStride), floor);
        sums3.Store(ref Unsafe.Add(ref output, 3 * OutputStride), floor);
    }

    private void Multiply8<TVector, TLanes>(ref float input, ref TVector panel, ref float output, TVector floor)
        where TVector : struct
        where TLanes : struct, ILanes<TVector>
    {
        nint stride = _inputStride;
        ref float input4 = ref Unsafe.Add(ref input, 4 * stride); // two bases share their four offsets: fewer address registers
        Sums<TVector, TLanes> sums0 = new(ref panel), sums1 = sums0, sums2 = sums0, sums3 = sums0;
        Sums<TVector, TLanes> sums4 = sums0, sums5 = sums0, sums6 = sums0, sums7 = sums0;
        for (nint k = 0; k < _inputs; k++)
        {
            panel = ref Unsafe.Add(ref panel, PanelVectors);
            (TVector first, TVector second, TVector third) = (panel, Unsafe.Add(ref panel, 1), Unsafe.Add(ref panel, 2));
            sums0.Add(Unsafe.Add(ref input, k), first, second, third);
            sums1.Add(Unsafe.Add(ref input, k + stride), first, second, third);
            sums2.Add(Unsafe.Add(ref input, k + (2 * stride)), first, second, third);
            sums3.Add(Unsafe.Add(ref input, k + (3 * stride)), first, second, third);
            sums4.Add(Unsafe.Add(ref input4, k), first, second, third);
            sums5.Add(Unsafe.Add(ref input4, k + stride), first, second, third);
            sums6.Add(Unsafe.Add(ref input4, k + (2 * stride)), first, second, third);
            sums7.Add(Unsafe.Add(ref input4, k + (3 * stride)), first, second, third);
        }

        sums0.Store(ref output, floor);
        sums1.Store(ref Unsafe.Add(ref output, OutputStride), floor);
        sums2.Store(ref Unsafe.Add(ref output, 2 * OutputStride), floor);
        sums3.Store(ref Unsafe.Add(ref output, 3 * OutputStride), floor);
        sums4.Store(ref Unsafe.Add(ref output, 4 * OutputStride), floor);
        sums5.Store(ref Unsafe.Add(ref output, 5 * OutputStride), floor);
        sums6.Store(ref Unsafe.Add(ref output, 6 * OutputStride), floor);
        sums7.Store(ref Unsafe.Add(ref output, 7 * OutputStride), floor);
    }
}
