using FastBatch.Tests.Devices;

namespace FastBatch.Native.Tests;

/// <summary>Batches on a CUDA device, of a TorchScript module that answers each row with itself. Skipped, with the reason, where there is none.</summary>
public sealed class CudaContractTests : DeviceContract, IDisposable
{
    private readonly TorchScriptModule _module =
        TorchScriptModule.Load(Fixture.Path("identity"), new TorchScriptOptions { Device = TorchDevice.Cuda() });

    private readonly CudaDevice _device = new();

    [CudaTheory]
    [MemberData(nameof(Scenarios))]
    public Task Holds(string scenario) => Perform(scenario);

    public void Dispose() => _module.Dispose();

    protected override IEcho Open(BatcherOptions options) => new EchoOnCuda(_module, options with { Devices = [_device] });
}

/// <summary>The same as graphs: what is answered, and that it is graphs that answer.</summary>
public sealed class CudaGraphContractTests : DeviceContract, IDisposable
{
    private readonly TorchScriptModule _module =
        TorchScriptModule.Load(Fixture.Path("identity"), new TorchScriptOptions { Device = TorchDevice.Cuda() });

    private readonly CudaDevice _device = new();

    [CudaTheory]
    [MemberData(nameof(Scenarios))]
    public Task Holds(string scenario) => Perform(scenario);

    [CudaTheory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(16)]
    public async Task Every_size_is_recorded_and_answers(int rows)
    {
        await using IEcho batcher = Open(new BatcherOptions());
        await batcher.Batcher.WarmUpAsync();
        Assert.All(batcher.Batcher.GetGraphs(), static size => Assert.True(size.Refusal is null && size.Recorded == size.Places, $"{size}"));
        for (int round = 0; round < 50; round++)
        {
            float[] answers = await Task.WhenAll(Enumerable.Range(1, rows).Select(id => batcher.SubmitAsync(id).AsTask()));
            Assert.Equal(Enumerable.Range(1, rows).Select(static id => (float)id), answers);
        }

        Assert.True(batcher.Batcher.GetGraphs().Sum(static size => size.Replays) > 0);
    }

    public void Dispose() => _module.Dispose();

    protected override IEcho Open(BatcherOptions options) => new EchoOnCuda(_module, options with { Devices = [_device], UseCudaGraphs = true });
}

/// <summary>Runs where there is a CUDA device, or where FASTBATCH_DEVICE says that there is one.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CudaTheoryAttribute() : DeviceTheoryAttribute("cuda", CudaDevice.WhyMissing());

/// <summary>The contract's method over native tensors.</summary>
internal sealed partial class EchoOnCuda : DeviceContract.IEcho
{
    private readonly TorchScriptModule _module;
    private readonly EchoBatcher _batcher;

    public EchoOnCuda(TorchScriptModule module, BatcherOptions options)
    {
        _module = module;
        _batcher = CreateEchoBatcher(options);
    }

    public Batcher Batcher => _batcher;

    [Batchable(MaxBatchSize = 16)]
    [return: Row<float>(4)]
    public TorchTensor Echo([Row<float>(4)] TorchTensor rows) => _module.Forward(rows);

    public async ValueTask<float> SubmitAsync(float id, CancellationToken cancellationToken = default)
    {
        float[] answer = new float[4];
        await _batcher.SubmitAsync(new[] { id, id, id, id }, answer, cancellationToken);
        return answer.AsSpan().IndexOfAnyExcept(answer[3]) < 0 ? answer[3] : -1;
    }

    public ValueTask<RowLease<float>> LeaseAsync(float id) => _batcher.SubmitAsync(new[] { id, id, id, id });

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();
}
