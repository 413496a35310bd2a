using System.Numerics;
using System.Runtime.Intrinsics;
using System.Text;

namespace Digits;

/// <summary>
/// A classifier of handwritten digits in managed code: a multilayer perceptron, 64 -> 768 -> 768 -> 10 with ReLU after the two
/// hidden layers.
/// </summary>
/// <remarks>
/// <para>
/// One image costs a read of all 650,000 weights, which are widened from float16 as they are needed. A batch costs the same once
/// for up to 64 images.
/// </para>
/// <para>
/// Every logit is summed in the same order whatever the batch, so an image gives the same bits alone, in a batch of any size
/// and at any place in it. Another kind of processor may give other last bits.
/// </para>
/// <para>Not thread-safe: a pass works in buffers that belong to the network, so one thread at a time may run it.</para>
/// </remarks>
public sealed class DigitsNetwork
{
    /// <summary>Floats per image: 8 rows of 8 pixels.</summary>
    public const int ImageLength = 64;

    /// <summary>Logits per image, one for each digit.</summary>
    public const int ClassCount = 10;

    // The activations of so many rows stay in a cache of a megabyte, beside the weights that are in use.
    private const int ChunkRows = 64;

    private const int MaxLayers = 16;
    private const int MaxWidth = 1 << 14;

    private readonly DigitsLayer[] _layers;
    private float[] _input;
    private float[] _output;

    private DigitsNetwork(DigitsLayer[] layers)
    {
        _layers = layers;
        int widest = Math.Max(ImageLength, layers.Max(layer => layer.OutputStride));
        _input = new float[ChunkRows * widest];
        _output = new float[ChunkRows * widest];
    }

    /// <summary>Reads a network from a file that <c>training/train.py</c> wrote.</summary>
    /// <param name="path">The path of <c>digits.weights.bin</c>.</param>
    /// <returns>The network, ready to run.</returns>
    /// <exception cref="InvalidDataException">The file holds something else.</exception>
    /// <exception cref="EndOfStreamException">The file ends too early.</exception>
    public static DigitsNetwork Load(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Load(stream);
    }

    /// <summary>Reads a network in the format of <c>digits.weights.bin</c>; the stream stays open.</summary>
    /// <param name="stream">
    /// Little-endian: "DIGW", uint32 version = 1, uint32 layers, uint32 widths[layers + 1], then for each layer
    /// float16 weights[output][input] and float16 bias[output].
    /// </param>
    /// <returns>The network, ready to run.</returns>
    /// <exception cref="InvalidDataException">The stream holds something else.</exception>
    /// <exception cref="EndOfStreamException">The stream ends too early.</exception>
    public static DigitsNetwork Load(Stream stream)
    {
        using BinaryReader reader = new(stream, Encoding.UTF8, leaveOpen: true);
        if (!reader.ReadBytes(4).AsSpan().SequenceEqual("DIGW"u8) || reader.ReadUInt32() != 1)
        {
            throw new InvalidDataException("This is not a digits weights file of version 1.");
        }

        uint layerCount = reader.ReadUInt32();
        if (layerCount is 0 or > MaxLayers)
        {
            throw new InvalidDataException($"The weights file has {layerCount} layers, not 1 to {MaxLayers}.");
        }

        uint[] widths = new uint[layerCount + 1];
        foreach (ref uint width in widths.AsSpan())
        {
            width = reader.ReadUInt32();
        }

        if (widths[0] != ImageLength || widths[^1] != ClassCount || widths.Any(width => width is 0 or > MaxWidth))
        {
            throw new InvalidDataException(
                $"The weights file has layers of {string.Join(", ", widths)} values, not {ImageLength}, ..., {ClassCount}.");
        }

        DigitsLayer[] layers = new DigitsLayer[layerCount];
        int stride = ImageLength;
        for (int i = 0; i < layers.Length; i++)
        {
            layers[i] = new DigitsLayer(reader, (int)widths[i], (int)widths[i + 1], stride);
            stride = layers[i].OutputStride;
        }

        return new DigitsNetwork(layers);
    }

    /// <summary>Computes the logits of a batch. Allocates nothing.</summary>
    /// <param name="images">[count, 64]: image after image, each row by row, each pixel in 0..1.</param>
    /// <param name="logits">[count, 10], overwritten: the largest of ten is at the digit that the network sees.</param>
    /// <param name="count">The number of images.</param>
    /// <exception cref="ArgumentException">A span is shorter than <paramref name="count"/> rows.</exception>
    public void Forward(ReadOnlySpan<float> images, Span<float> logits, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (images.Length / ImageLength < count || logits.Length / ClassCount < count)
        {
            throw new ArgumentException(
                $"{count} images take {ImageLength} floats and {ClassCount} logits each, not {images.Length} and {logits.Length} in all.");
        }

        for (int start = 0; start < count; start += ChunkRows)
        {
            int rows = Math.Min(ChunkRows, count - start);
            ForwardChunk(images.Slice(start * ImageLength, rows * ImageLength), logits.Slice(start * ClassCount, rows * ClassCount), rows);
        }
    }

    private void ForwardChunk(ReadOnlySpan<float> images, Span<float> logits, int rows)
    {
        images.CopyTo(_input);
        foreach (DigitsLayer layer in _layers)
        {
            float floor = layer == _layers[^1] ? float.NegativeInfinity : 0; // 0 makes a ReLU
            if (Vector512.IsHardwareAccelerated)
            {
                layer.Run<Vector512<float>, Lanes512>(_input, _output, rows, floor);
            }
            else
            {
                layer.Run<Vector<float>, LanesAny>(_input, _output, rows, floor);
            }

            (_input, _output) = (_output, _input);
        }

        for (int row = 0; row < rows; row++)
        {
            _input.AsSpan(row * _layers[^1].OutputStride, ClassCount).CopyTo(logits[(row * ClassCount)..]);
        }
    }
}
