using FastBatch.LoadTests.Harness;

namespace FastBatch.LoadTests.Rivals;

/// <summary>A yardstick of the torch scenario: no batching and no lock: every processor runs the module, row after row.</summary>
internal readonly struct OneByOne : IContender<OneByOne>
{
    private readonly Lock _meter;

    private OneByOne(Lock meter) => _meter = meter;

    public static string Name => "one-by-one-parallel";

    public static bool IsReference => true;

    public static OneByOne Start() => new(new Lock());

    public ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer)
    {
        lock (_meter)
        {
            BatchMeter.Record(1);
        }

        TorchNetwork.Forward(row.Span, answer.Span);
        return ValueTask.CompletedTask;
    }

    public ValueTask StopAsync() => ValueTask.CompletedTask;
}
