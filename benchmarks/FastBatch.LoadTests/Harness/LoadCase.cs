namespace FastBatch.LoadTests.Harness;

/// <summary>One load that all contestants are put under in turn.</summary>
internal sealed record LoadCase(
    string Scenario,
    string Title,
    int InFlight,
    int RowBytes,
    double? OfferedPerSecond,
    Func<Contestant, WindowLength, Measurement> Measure,
    string? Library = null);
