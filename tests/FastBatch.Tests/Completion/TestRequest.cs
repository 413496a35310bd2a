using FastBatch.Completion;
using FastBatch.Lanes;

namespace FastBatch.Tests.Completion;

/// <summary>A request whose result is the number of its row.</summary>
internal sealed class TestRequest : PendingRequest<int>
{
    public ValueTask<int> Task => new(this, Version);

    public Func<int, int> OnDeliver { get; set; } = static row => row;

    protected override void Deliver(OutputSlab outputs, int row) => Result = OnDeliver(row);

    protected override void Forget() => Result = 0;
}

internal sealed class NoOutputs(int maxRows = 1) : OutputSlab(maxRows);
