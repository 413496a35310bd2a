namespace FastBatch.LoadTests.Harness;

/// <summary>How long the load runs before it is measured, and how long it is measured.</summary>
internal readonly record struct WindowLength(TimeSpan Settle, TimeSpan Measured)
{
    public static WindowLength OfSeconds(double seconds) =>
        new(TimeSpan.FromSeconds(Math.Max(0.02, seconds / 4)), TimeSpan.FromSeconds(seconds));
}
