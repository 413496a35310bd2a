using FastBatch;
using FastBatch.Native;

namespace Digits;

/// <summary>64 -> 128 -> 64 -> 10, with the weights of <c>small.pt</c>: so small that what stands around it counts.</summary>
internal sealed partial class SmallModule : torch.nn.Module<Tensor, Tensor>
{
    private readonly torch.nn.Module<Tensor, Tensor> _layers;

    public SmallModule(string path)
        : base("small")
    {
        using torch.jit.ScriptModule<Tensor, Tensor> script = torch.jit.load<Tensor, Tensor>(path);
        Dictionary<string, Tensor> weights = script.named_parameters().ToDictionary(static named => named.name, static named => (Tensor)named.parameter);
        _layers = torch.nn.Sequential(
            ("first", Linear(weights, "first")),
            ("relu1", torch.nn.ReLU()),
            ("second", Linear(weights, "second")),
            ("relu2", torch.nn.ReLU()),
            ("third", Linear(weights, "third")));
        RegisterComponents();
    }

    [Batchable]
    [return: Row(10)]
    public Tensor Classify([Row(64)] Tensor images) => _layers.call(images);

    public override Tensor forward(Tensor images) => _layers.call(images);

    private static torch.nn.Module<Tensor, Tensor> Linear(Dictionary<string, Tensor> weights, string name)
    {
        Tensor weight = weights[$"{name}.weight"];
        var layer = torch.nn.Linear(weight.shape[1], weight.shape[0]);
        using IDisposable noGradients = torch.no_grad();
        layer.weight!.copy_(weight);
        layer.bias!.copy_(weights[$"{name}.bias"]);
        return layer;
    }
}

/// <summary>A network through FastBatch.Native.</summary>
internal sealed partial class NativeNetwork(TorchScriptModule module)
{
    [Batchable]
    [return: Row(10)]
    public TorchTensor Classify([Row(64)] TorchTensor images) => module.Forward(images);
}
