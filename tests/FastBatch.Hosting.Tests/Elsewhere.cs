namespace FastBatch.Hosting.Tests.Elsewhere;

/// <summary>A type of the same name as another.</summary>
public sealed partial class Doubler
{
    [Batchable]
    public void Double(ReadOnlySpan<long> values, Span<long> doubles)
    {
        for (int i = 0; i < values.Length; i++)
        {
            doubles[i] = 2 * values[i];
        }
    }
}
