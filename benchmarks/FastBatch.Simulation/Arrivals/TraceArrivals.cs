namespace FastBatch.Simulation.Arrivals;

/// <summary>Requests at given times (ticks, in order): a recording, or a case made by hand.</summary>
internal sealed class TraceArrivals(IReadOnlyList<long> times) : ArrivalSource
{
    private int _next;

    public override long Next => _next < times.Count ? times[_next] : long.MaxValue;

    public override void Advance() => _next++;
}
