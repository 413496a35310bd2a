namespace FastBatch.Scheduling;

/// <summary>
/// Estimates how many rows arrive per timestamp unit, over the last some hundred rows. It is told of arrivals in bulk, when a decision is
/// due anyway, so that callers pay nothing. Device side; no allocation.
/// </summary>
internal sealed class ArrivalRate
{
    // Few enough to follow a change soon, many enough that the estimate scatters by some 6 %, and what rests on its root by 3 %.
    private const double Memory = 256;

    private long _total;
    private long _time;
    private double _rows;
    private double _elapsed;
    private bool _started;

    /// <summary>Rows per timestamp unit; 0 while nothing is known.</summary>
    public double Value => _elapsed > 0 ? _rows / _elapsed : 0;

    /// <summary>By <paramref name="now"/>, <paramref name="total"/> rows have been submitted since the start.</summary>
    public void Record(long total, long now)
    {
        if (_started)
        {
            _rows += total - _total;
            _elapsed += now - _time;
            if (_rows > Memory)
            {
                _elapsed *= Memory / _rows;
                _rows = Memory;
            }
        }

        (_started, _total, _time) = (true, total, now);
    }
}
