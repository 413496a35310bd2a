namespace FastBatch.TorchSharp.Tests;

/// <summary>A network in C#, whose weights are those of Fixtures/mlp.pt.</summary>
internal sealed partial class Mlp : torch.nn.Module<Tensor, Tensor>
{
    private readonly torch.nn.Module<Tensor, Tensor> _layers;

    public Mlp(torch.jit.ScriptModule<Tensor, Tensor> module)
        : base("mlp")
    {
        Dictionary<string, Tensor> weights = module.named_parameters().ToDictionary(static named => named.name, static named => (Tensor)named.parameter);
        _layers = torch.nn.Sequential(
            ("first", Linear(weights["first.weight"], weights["first.bias"])),
            ("relu", torch.nn.ReLU()),
            ("second", Linear(weights["second.weight"], weights["second.bias"])));
        RegisterComponents();
    }

    [Batchable(Name = "Forward")]
    [return: Row(10)]
    public override Tensor forward([Row(16)] Tensor input) => _layers.call(input);

    private static torch.nn.Module<Tensor, Tensor> Linear(Tensor weight, Tensor bias)
    {
        var layer = torch.nn.Linear(weight.shape[1], weight.shape[0]);
        using IDisposable _ = torch.no_grad();
        layer.weight!.copy_(weight);
        layer.bias!.copy_(bias);
        return layer;
    }
}

/// <summary>Modules that Python exported, and the same through FastBatch.Native.</summary>
internal sealed partial class Scripts(string folder) : IDisposable
{
    private readonly torch.jit.ScriptModule<Tensor, Tensor> _mlp = torch.jit.load<Tensor, Tensor>(Path.Combine(folder, "mlp.pt"));
    private readonly torch.jit.ScriptModule<Tensor, Tensor, Tensor> _twoInputs =
        torch.jit.load<Tensor, Tensor, Tensor>(Path.Combine(folder, "two_inputs.pt"));

    private readonly torch.jit.ScriptModule<Tensor, (Tensor, Tensor)> _results =
        torch.jit.load<Tensor, (Tensor, Tensor)>(Path.Combine(folder, "results.pt"));

    private readonly TorchScriptModule _native = TorchScriptModule.Load(Path.Combine(folder, "mlp.pt"));

    public torch.jit.ScriptModule<Tensor, Tensor> MlpModule => _mlp;

    [Batchable]
    [return: Row(10)]
    public Tensor Mlp([Row(16)] Tensor x) => _mlp.call(x);

    [Batchable]
    [return: Row(10)]
    public TorchTensor NativeMlp([Row(16)] TorchTensor x) => _native.Forward(x);

    [Batchable]
    [return: Row(8)]
    public Tensor TwoInputs([Row(8)] Tensor x, [Row<long>(3)] Tensor ids) => _twoInputs.call(x, ids);

    [Batchable]
    [return: Row(4), Row<long>]
    public (Tensor Doubled, Tensor Largest) Results([Row(4)] Tensor x) => _results.call(x);

    public void Dispose()
    {
        _mlp.Dispose();
        _twoInputs.Dispose();
        _results.Dispose();
        _native.Dispose();
    }
}

/// <summary>Everything that a method may do with tensors.</summary>
internal sealed partial class Tricks
{
    private Tensor? _kept;

    /// <summary>What the next batch is to meet.</summary>
    public Func<Tensor, Tensor>? Next { get; set; }

    [Batchable]
    [return: Row(3)]
    public Tensor Any([Row(3)] Tensor x) => Next!(x);

    [Batchable]
    [return: Row(3)]
    public static Tensor Same([Row(3)] Tensor x) => x;

    [Batchable]
    [return: Row(3), Row(3), Row(3)]
    public static (Tensor A, Tensor B, Tensor C) Twice([Row(3)] Tensor x)
    {
        Tensor y = x.relu();
        return (y, y, x);
    }

    [Batchable]
    [return: Row<byte>, Row<sbyte>, Row<short>, Row<int>, Row<long>, Row<Half>, Row, Row<double>, Row<bool>]
    public static (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor) Many(
        [Row<byte>] Tensor a,
        [Row<sbyte>] Tensor b,
        [Row<short>] Tensor c,
        [Row<int>] Tensor d,
        [Row<long>] Tensor e,
        [Row<Half>] Tensor f,
        [Row] Tensor g,
        [Row<double>] Tensor h,
        [Row<bool>] Tensor i) => (a, b.alias(), c, d.alias(), e, f.alias(), g, h.alias(), i);

    [Batchable(BatchDim = 1)]
    [return: Row(2, 3)]
    public static Tensor Turned([Row(2, 3)] Tensor x)
    {
        if (x.shape is not [2, _, 3])
        {
            throw new InvalidOperationException($"[{string.Join(", ", x.shape)}]");
        }

        return x.neg();
    }

    [Batchable(BatchDim = 2, OutputBatchDim = 0)]
    [return: Row(3, 2)]
    public static Tensor Transposed([Row(2, 3)] Tensor x) => x.permute(2, 1, 0);

    // Negated, but not yet: libtorch does it when the elements are read.
    [Batchable]
    [return: Row]
    public static Tensor Imaginary([Row] Tensor x)
    {
        using Tensor complex = torch.complex(x, x);
        using Tensor conjugate = complex.conj();
        return conjugate.imag;
    }

    [Batchable]
    [return: Row(3)]
    public Tensor Keep([Row(3)] Tensor x) => (_kept = x.mul(2)).alias();
}
