using FastBatch.Tests.Devices.Simulated;

namespace FastBatch.Tests.Devices;

/// <summary>Batches on the CPU, without a device.</summary>
public class CpuContractTests : DeviceContract
{
    [DeviceTheory("cpu")]
    [MemberData(nameof(Scenarios))]
    public Task Holds(string scenario) => Perform(scenario);

    protected override IEcho Open(BatcherOptions options) => new EchoOver(options);
}

/// <summary>Batches on the simulated device, which takes as long as it says, on a thread of the batcher's.</summary>
public class SimulatedContractTests : DeviceContract
{
    private readonly SimulatedDevice _device = new(TimeProvider.System);

    [DeviceTheory("simulated")]
    [MemberData(nameof(Scenarios))]
    public Task Holds(string scenario) => Perform(scenario);

    protected override IEcho Open(BatcherOptions options) => new EchoOver(options with { Devices = [_device] });
}

/// <summary>Batches on three simulated devices, one of them slower, each on a thread of the batcher's.</summary>
public class SeveralSimulatedContractTests : DeviceContract
{
    private readonly SimulatedDevice[] _devices =
        [new(TimeProvider.System), new(TimeProvider.System, 1), new(TimeProvider.System, 2) { Compute = new LinearCost(300_000, 0) }];

    [DeviceTheory("simulated")]
    [MemberData(nameof(Scenarios))]
    public Task Holds(string scenario) => Perform(scenario);

    protected override IEcho Open(BatcherOptions options) => new EchoOver(options with { Devices = _devices });
}

/// <summary>The same, where batches are graphs.</summary>
public class SimulatedGraphContractTests : DeviceContract
{
    private readonly SimulatedDevice _device = new(TimeProvider.System);

    [DeviceTheory("simulated")]
    [MemberData(nameof(Scenarios))]
    public Task Holds(string scenario) => Perform(scenario);

    protected override IEcho Open(BatcherOptions options) => new EchoOver(options with { Devices = [_device], UseCudaGraphs = true });
}

/// <summary>The contract's method over spans.</summary>
internal sealed partial class EchoOver(BatcherOptions options) : DeviceContract.IEcho
{
    private readonly EchoBatcher _batcher = CreateEchoBatcher(options);

    public Batcher Batcher => _batcher;

    [Batchable(MaxBatchSize = 16)]
    public static void Echo([Row(4)] ReadOnlySpan<float> rows, [Row(4)] Span<float> answers) => rows.CopyTo(answers);

    public async ValueTask<float> SubmitAsync(float id, CancellationToken cancellationToken = default)
    {
        float[] answer = new float[4];
        await _batcher.SubmitAsync(new[] { id, id, id, id }, answer, cancellationToken);
        return answer.AsSpan().IndexOfAnyExcept(answer[3]) < 0 ? answer[3] : -1;
    }

    public ValueTask<RowLease<float>> LeaseAsync(float id) => _batcher.SubmitAsync(new[] { id, id, id, id });

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();
}
