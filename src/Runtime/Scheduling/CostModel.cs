namespace FastBatch.Scheduling;

/// <summary>
/// Learns what a batch of n rows costs, t(n) = a + b n with a, b at least 0, by least squares in which a batch counts 2 % less with every
/// batch after it. Device side; no allocation. Invariant: one wild sample (a collection, a page fault) moves the line no further than a
/// sample at the edge of the usual scatter; a lasting change widens the scatter and is followed within some tens of batches.
/// </summary>
internal sealed class CostModel
{
    private const double Forgetting = 0.98;

    // Samples before any is called an outlier, and how many times the usual deviation one may differ after that.
    private const int Trusting = 8;
    private const double Outlier = 4;

    // Until then: how many times as long, or as short, as batches were so far, even if every row cost the same and nothing else did.
    private const double Implausible = 10;

    // Samples that make a line to deviate from.
    private const int Scattering = 2;
    private const double DeviationGain = 0.05;
    private const double SmallestDeviation = 0.01;

    // Below this relative spread of sizes, slope and intercept cannot be told apart.
    private const double SmallestSpread = 1e-3;

    // The first run of a size is a warm-up: of each size up to 64, of each power of two above.
    private ulong _seen;
    private ulong _seenLarge;

    // Weighted sums over the samples: 1, n, n^2, t, n t.
    private double _s0;
    private double _s1;
    private double _s2;
    private double _t0;
    private double _t1;
    private double _deviation;

    /// <summary>a: what any batch costs, in timestamp units.</summary>
    public double Fixed { get; private set; }

    /// <summary>b: what each row adds, in timestamp units.</summary>
    public double PerRow { get; private set; }

    /// <summary>Mean absolute deviation of a batch from the line, as a share of it.</summary>
    public double Deviation => _deviation;

    /// <summary>What is known, as one value.</summary>
    public CostEstimate Estimate => new(Fixed, PerRow, _deviation);

    /// <summary>The batches the estimate rests on, ever.</summary>
    public long Samples { get; private set; }

    /// <summary>The cost expected of a batch; 0 while nothing is known.</summary>
    public double Predict(int rows) => Fixed + PerRow * rows;

    /// <summary>A batch of <paramref name="rows"/> rows took <paramref name="duration"/>.</summary>
    /// <param name="rows">At least 1.</param>
    /// <param name="duration">In timestamp units.</param>
    public void Record(int rows, double duration)
    {
        if (IsFirstOfItsSize(rows) || duration < 0)
        {
            return;
        }

        if (Samples is > 0 and < Trusting && _t0 > 0)
        {
            duration = Doubt(rows, duration);
        }

        if (Samples > 0)
        {
            duration = Clamp(duration, Predict(rows));
        }

        Samples++;
        double n = rows;
        _s0 = _s0 * Forgetting + 1;
        _s1 = _s1 * Forgetting + n;
        _s2 = _s2 * Forgetting + n * n;
        _t0 = _t0 * Forgetting + duration;
        _t1 = _t1 * Forgetting + n * duration;
        Fit();
    }

    private void Fit()
    {
        double spread = _s0 * _s2 - _s1 * _s1;
        if (spread < SmallestSpread * _s0 * _s2)
        {
            // All of one size: the line keeps its shape and is scaled through the mean.
            double predicted = Fixed * _s0 + PerRow * _s1;
            (Fixed, PerRow) = predicted > 0
                ? (Fixed * _t0 / predicted, PerRow * _t0 / predicted)
                : (_t0 / _s0, 0);
            return;
        }

        double slope = (_s0 * _t1 - _s1 * _t0) / spread;
        double intercept = (_t0 - slope * _s1) / _s0;
        (Fixed, PerRow) = slope < 0 ? (_t0 / _s0, 0)
            : intercept < 0 ? (0, _t1 / _s2)
            : (intercept, slope);
    }

    // Among the first few batches one that was held up must not count for all: it is cut, or, if it came first, forgotten.
    private double Doubt(int rows, double duration)
    {
        double mean = _t0 / _s0;
        double size = rows * _s0 / _s1;
        if (duration * Implausible < mean * Math.Min(1, size))
        {
            (_s0, _s1, _s2, _t0, _t1, Samples) = (0, 0, 0, 0, 0, 0);
        }

        return Math.Min(duration, Implausible * mean * Math.Max(1, size));
    }

    private double Clamp(double duration, double predicted)
    {
        if (predicted <= 0)
        {
            return duration;
        }

        double limit = Samples < Trusting ? double.PositiveInfinity : Outlier * predicted * Math.Max(_deviation, SmallestDeviation);
        double difference = Math.Clamp(duration - predicted, -limit, limit);
        if (Samples >= Scattering)
        {
            _deviation += DeviationGain * (Math.Min(Math.Abs(difference) / predicted, 1) - _deviation);
        }

        return predicted + difference;
    }

    private bool IsFirstOfItsSize(int rows)
    {
        ref ulong seen = ref rows <= 64 ? ref _seen : ref _seenLarge;
        ulong bit = 1UL << (rows <= 64 ? rows - 1 : int.Log2(rows));
        bool isFirst = (seen & bit) == 0;
        seen |= bit;
        return isFirst;
    }
}
