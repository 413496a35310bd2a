namespace FastBatch.LoadTests.Rivals;

/// <summary>
/// What the load loops call. Implemented by structs and used through a type parameter, so that the just-in-time compiler
/// makes a separate loop per contender and every call in it is direct: the harness adds no layer and no allocation.
/// </summary>
internal interface IContender<TSelf>
    where TSelf : struct, IContender<TSelf>
{
    static abstract string Name { get; }

    /// <summary>A yardstick, not a rival: it does not batch and answers within the call, on the caller's thread.</summary>
    static virtual bool IsReference => false;

    static abstract TSelf Start();

    /// <summary>The row is read, and the answer written, before the returned task completes; neither may be touched until then.</summary>
    ValueTask SubmitAsync(ReadOnlyMemory<float> row, Memory<float> answer);

    /// <summary>
    /// A request that first has to make its row. Most batchers take rows from a buffer of the caller's; one that lets
    /// the caller write where the batch is formed overrides this.
    /// </summary>
    static virtual ValueTask SubmitProducedAsync(TSelf contender, float value, Memory<float> row, Memory<float> answer)
    {
        row.Span.Fill(value);
        return contender.SubmitAsync(row, answer);
    }

    ValueTask StopAsync();
}
