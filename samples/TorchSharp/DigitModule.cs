using System.Text;
using FastBatch;

namespace Digits;

/// <summary>The network of the Digits sample as a module of TorchSharp; its weights come from the sample's file.</summary>
public sealed partial class DigitModule : torch.nn.Module<Tensor, Tensor>
{
    private readonly torch.nn.Module<Tensor, Tensor> _layers;

    /// <summary>Reads the weights.</summary>
    /// <param name="path">The path of <c>digits.weights.bin</c>.</param>
    public DigitModule(string path)
        : base("digits")
    {
        _layers = Read(path);
        RegisterComponents();
    }

    /// <summary>Computes the logits of a batch of images.</summary>
    /// <param name="images">[N, 64]: 8 x 8 pixels in 0..1 each.</param>
    /// <returns>[N, 10]: the largest is the digit.</returns>
    [Batchable(MaxBatchSize = 64)]
    [return: Row(DigitsNetwork.ClassCount)]
    public Tensor Classify([Row(DigitsNetwork.ImageLength)] Tensor images) => forward(images);

    /// <inheritdoc/>
    public override Tensor forward(Tensor images) => _layers.call(images);

    // "DIGW", a version, the number of layers, their widths; then each layer's weights[output][input] and bias[output], as float16.
    private static torch.nn.Module<Tensor, Tensor> Read(string path)
    {
        using BinaryReader reader = new(File.OpenRead(path), Encoding.UTF8);
        if (!reader.ReadBytes(4).AsSpan().SequenceEqual("DIGW"u8) || reader.ReadUInt32() != 1)
        {
            throw new InvalidDataException($"{path} is not a digits weights file of version 1.");
        }

        int[] widths = new int[reader.ReadInt32() + 1];
        for (int i = 0; i < widths.Length; i++)
        {
            widths[i] = reader.ReadInt32();
        }

        var layers = new List<(string Name, torch.nn.Module<Tensor, Tensor> Layer)>();
        for (int i = 1; i < widths.Length; i++)
        {
            var linear = torch.nn.Linear(widths[i - 1], widths[i]);
            Fill(linear.weight!, reader);
            Fill(linear.bias!, reader);
            layers.Add(($"linear{i}", linear));
            if (i < widths.Length - 1)
            {
                layers.Add(($"relu{i}", torch.nn.ReLU()));
            }
        }

        return torch.nn.Sequential(layers);
    }

    private static void Fill(Tensor parameter, BinaryReader reader)
    {
        float[] values = new float[parameter.NumberOfElements];
        foreach (ref float value in values.AsSpan())
        {
            value = (float)reader.ReadHalf();
        }

        using IDisposable noGradients = torch.no_grad();
        using Tensor read = torch.tensor(values, parameter.shape);
        parameter.copy_(read);
    }
}
