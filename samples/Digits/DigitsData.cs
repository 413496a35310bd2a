using System.Text;

namespace Digits;

/// <summary>The held-out images of the sample, with their labels and with the logits that PyTorch computes for them.</summary>
public sealed class DigitsData
{
    // Pixels in the file are whole numbers in 0..16; the network takes 0..1.
    private const float PixelScale = 1 / 16f;

    private readonly float[] _images;
    private readonly byte[] _labels;
    private readonly float[] _logits;

    private DigitsData(float[] images, byte[] labels, float[] logits) => (_images, _labels, _logits) = (images, labels, logits);

    /// <summary>The number of images.</summary>
    public int Count => _labels.Length;

    /// <summary>Reads a file that <c>training/train.py</c> wrote.</summary>
    /// <param name="path">The path of <c>digits.test.bin</c>.</param>
    /// <returns>The images.</returns>
    /// <exception cref="InvalidDataException">The file holds something else.</exception>
    /// <exception cref="EndOfStreamException">The file ends too early.</exception>
    public static DigitsData Load(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Load(stream);
    }

    /// <summary>Reads images in the format of <c>digits.test.bin</c>; the stream stays open.</summary>
    /// <param name="stream">
    /// Little-endian: "DIGT", uint32 version = 1, uint32 images, uint32 pixels = 64, uint32 classes = 10, then
    /// uint8 pixels[images][64] in 0..16, uint8 labels[images], float32 logits[images][10].
    /// </param>
    /// <returns>The images.</returns>
    /// <exception cref="InvalidDataException">The stream holds something else.</exception>
    /// <exception cref="EndOfStreamException">The stream ends too early.</exception>
    public static DigitsData Load(Stream stream)
    {
        using BinaryReader reader = new(stream, Encoding.UTF8, leaveOpen: true);
        if (!reader.ReadBytes(4).AsSpan().SequenceEqual("DIGT"u8) || reader.ReadUInt32() != 1)
        {
            throw new InvalidDataException("This is not a digits test file of version 1.");
        }

        (uint count, uint pixels, uint classes) = (reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt32());
        if (count > 1 << 20 || pixels != DigitsNetwork.ImageLength || classes != DigitsNetwork.ClassCount)
        {
            throw new InvalidDataException($"The test file holds {count} images of {pixels} pixels in {classes} classes.");
        }

        float[] images = new float[count * pixels];
        foreach (ref float pixel in images.AsSpan())
        {
            pixel = reader.ReadByte() * PixelScale;
        }

        byte[] labels = new byte[count];
        reader.ReadExactly(labels);
        float[] logits = new float[count * classes];
        foreach (ref float logit in logits.AsSpan())
        {
            logit = reader.ReadSingle();
        }

        return new DigitsData(images, labels, logits);
    }

    /// <summary>The pixels of an image: 64 floats, row by row, each in 0..1.</summary>
    /// <param name="index">The image, from 0 to <see cref="Count"/> - 1.</param>
    /// <returns>[64], ready for <see cref="DigitsNetwork.Forward"/>.</returns>
    public ReadOnlyMemory<float> Image(int index) => _images.AsMemory(index * DigitsNetwork.ImageLength, DigitsNetwork.ImageLength);

    /// <summary>The digit that an image shows, 0 to 9.</summary>
    /// <param name="index">The image, from 0 to <see cref="Count"/> - 1.</param>
    /// <returns>The label.</returns>
    public int Label(int index) => _labels[index];

    /// <summary>The 10 logits that PyTorch computes for an image with the weights of <c>digits.weights.bin</c>.</summary>
    /// <param name="index">The image, from 0 to <see cref="Count"/> - 1.</param>
    /// <returns>[10].</returns>
    public ReadOnlyMemory<float> Logits(int index) => _logits.AsMemory(index * DigitsNetwork.ClassCount, DigitsNetwork.ClassCount);
}
