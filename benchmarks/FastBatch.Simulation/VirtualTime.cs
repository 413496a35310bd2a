namespace FastBatch.Simulation;

/// <summary>The simulated clock counts nanoseconds; scenarios are written in milliseconds.</summary>
internal static class VirtualTime
{
    public const long Frequency = 1_000_000_000;
    public const double TicksPerMillisecond = 1e6;

    public static long FromMilliseconds(double milliseconds) => (long)Math.Round(milliseconds * TicksPerMillisecond);

    public static double ToMilliseconds(double ticks) => ticks / TicksPerMillisecond;
}
