namespace FastBatch.Simulation.Arrivals;

/// <summary>Says when requests come. One source serves one run.</summary>
internal abstract class ArrivalSource
{
    /// <summary>When the next request comes, in ticks; <see cref="long.MaxValue"/> while none is on its way.</summary>
    public abstract long Next { get; }

    /// <summary>The next request has come.</summary>
    public abstract void Advance();

    /// <summary>A request has ended, in whatever way.</summary>
    public virtual void RequestEnded(long now)
    {
    }
}

/// <summary>Independent requests at a rate (per ms) that may change over time (ms), but never exceeds <paramref name="peak"/>.</summary>
internal sealed class RandomArrivals(Func<double, double> rate, double peak, RandomSource random) : ArrivalSource
{
    private double _time = Thin(0, rate, peak, random);

    public override long Next => VirtualTime.FromMilliseconds(_time);

    public override void Advance() => _time = Thin(_time, rate, peak, random);

    public static RandomArrivals Poisson(double rate, RandomSource random) => new(_ => rate, rate, random);

    /// <summary>A day of length <paramref name="period"/> ms: the rate swings around its mean by the share <paramref name="swing"/>.</summary>
    public static RandomArrivals Diurnal(double mean, double swing, double period, RandomSource random) =>
        new(time => mean * (1 + swing * Math.Sin(2 * Math.PI * time / period)), mean * (1 + swing), random);

    /// <summary>One rate, and another between <paramref name="from"/> and <paramref name="to"/> ms.</summary>
    public static RandomArrivals Spike(double rate, double inside, double from, double to, RandomSource random) =>
        new(time => time >= from && time < to ? inside : rate, Math.Max(rate, inside), random);

    // Candidates come at the peak rate; each is one with the probability that the rate has there.
    private static double Thin(double time, Func<double, double> rate, double peak, RandomSource random)
    {
        do
        {
            time += random.Exponential(1 / peak);
        }
        while (rate(time) < peak && random.Uniform() * peak > rate(time));
        return time;
    }
}

/// <summary>Bursts: two rates (per ms) that take turns, each for an exponential time with mean <paramref name="sojourn"/> ms (an MMPP).</summary>
internal sealed class BurstyArrivals : ArrivalSource
{
    private readonly double[] _rates;
    private readonly double _sojourn;
    private readonly RandomSource _random;
    private double _time;
    private double _switch;
    private int _state;

    public BurstyArrivals(double low, double high, double sojourn, RandomSource random)
    {
        (_rates, _sojourn, _random) = ([low, high], sojourn, random);
        _switch = random.Exponential(sojourn);
        Advance();
    }

    public override long Next => VirtualTime.FromMilliseconds(_time);

    public override void Advance()
    {
        // Without memory: what is left of a gap when the rate changes is a fresh gap at the new rate.
        while ((_time += _random.Exponential(1 / _rates[_state])) > _switch)
        {
            _time = _switch;
            _switch += _random.Exponential(_sojourn);
            _state ^= 1;
        }
    }
}

/// <summary>A fixed number of clients, each of which thinks for an exponential time after its answer and asks again.</summary>
internal sealed class ClosedLoopArrivals : ArrivalSource
{
    private readonly PriorityQueue<long, long> _coming = new();
    private readonly double _thinking;
    private readonly RandomSource _random;

    /// <param name="clients">The number of clients.</param>
    /// <param name="thinking">Mean time between answer and next request, in ms; 0 for at once.</param>
    /// <param name="random">The source of think times.</param>
    public ClosedLoopArrivals(int clients, double thinking, RandomSource random)
    {
        (_thinking, _random) = (thinking, random);
        for (int i = 0; i < clients; i++)
        {
            RequestEnded(0);
        }
    }

    public override long Next => _coming.TryPeek(out long time, out _) ? time : long.MaxValue;

    public override void Advance() => _coming.Dequeue();

    public override void RequestEnded(long now)
    {
        long next = now + VirtualTime.FromMilliseconds(_random.Exponential(_thinking));
        _coming.Enqueue(next, next);
    }
}
