namespace FastBatch.Simulation.Oracles;

/// <summary>
/// The least mean cost any policy can reach with Poisson arrivals: latency plus a price times device time, per request. A semi-Markov
/// decision process, seen when the device becomes free: with q rows waiting, run min(q, N) of them, or wait for one more. Solved by policy
/// iteration: each round finds the mean cost and the relative values of a policy exactly, by one linear system, and improves it; it ends
/// when no state can improve, which is the optimality equation.
/// </summary>
/// <remarks>
/// Queues longer than the last state are lumped into it; there are so many states that less than 1e-9 of the time is spent there. Runs take
/// all that fits, as is optimal where t(n) is a line (a test tries the others).
/// </remarks>
internal sealed class MeanCostOptimum
{
    private const int MaxRounds = 100;
    private const double Tolerance = 1e-10;

    private readonly double _rate;
    private readonly double _price;
    private readonly DeviceModel _device;
    private readonly int _maxBatchSize;
    private readonly int _states;

    // Of a run of n rows: the probability that k rows arrive meanwhile.
    private readonly double[][] _arrivals;

    private MeanCostOptimum(DeviceModel device, int maxBatchSize, double rate, double price)
    {
        (_device, _maxBatchSize, _rate, _price) = (device, maxBatchSize, rate, price);
        _states = StatesNeeded();
        _arrivals = [.. Enumerable.Range(0, maxBatchSize + 1).Select(n => Poisson(rate * device.Mean(n)))];
    }

    /// <summary>Mean cost per request, in ms.</summary>
    public double Cost { get; private set; }

    /// <summary>The fewest rows worth a run.</summary>
    public int Limit { get; private set; }

    /// <summary>Whether the optimum is to run from some number of rows on, and only from there on.</summary>
    public bool IsControlLimit { get; private set; }

    /// <summary>The optimum.</summary>
    /// <param name="device">The cost of a batch; no jitter.</param>
    /// <param name="maxBatchSize">The largest batch.</param>
    /// <param name="rate">Rows per ms.</param>
    /// <param name="price">What a ms of device time costs, in ms of one request's latency.</param>
    public static MeanCostOptimum Solve(DeviceModel device, int maxBatchSize, double rate, double price)
    {
        var optimum = new MeanCostOptimum(device, maxBatchSize, rate, price);
        bool[] runs = new bool[optimum._states];
        Array.Fill(runs, true, 1, runs.Length - 1);
        for (int round = 0; ; round++)
        {
            (double[] values, double gain) = optimum.Evaluate(runs);
            if (!optimum.Improve(runs, values, gain))
            {
                optimum.Cost = gain / rate;
                optimum.Limit = Array.IndexOf(runs, true);
                optimum.IsControlLimit = Array.IndexOf(runs, false, optimum.Limit) < 0;
                return optimum;
            }

            if (round == MaxRounds)
            {
                throw new InvalidOperationException($"No optimum after {MaxRounds} rounds.");
            }
        }
    }

    /// <summary>The mean cost per request of running from <paramref name="limit"/> rows on.</summary>
    public static double CostOfLimit(DeviceModel device, int maxBatchSize, double rate, double price, int limit)
    {
        var problem = new MeanCostOptimum(device, maxBatchSize, rate, price);
        bool[] runs = new bool[problem._states];
        Array.Fill(runs, true, limit, runs.Length - limit);
        return problem.Evaluate(runs).Gain / rate;
    }

    // Until the device is free again q rows wait or run, and those that arrive wait half the time on average.
    private double RunCost(int queued, int rows)
    {
        double time = _device.Mean(rows);
        return queued * time + _rate * time * time / 2 + _price * time;
    }

    // v(q) = cost(q) - g time(q) + sum over next states of p v(next), with v(0) = 0 and g the mean cost per time.
    private (double[] Values, double Gain) Evaluate(bool[] runs)
    {
        // The unknown in column 0 is g, as v(0) is 0.
        double[][] rows = new double[_states][];
        for (int q = 0; q < _states; q++)
        {
            double[] row = rows[q] = new double[_states + 1];
            row[q] = 1;
            if (runs[q])
            {
                int n = Math.Min(q, _maxBatchSize);
                double[] arrivals = _arrivals[n];
                for (int k = 0; k < arrivals.Length; k++)
                {
                    row[Math.Min(q - n + k, _states - 1)] -= arrivals[k];
                }

                (row[0], row[_states]) = (_device.Mean(n), RunCost(q, n));
            }
            else
            {
                row[q + 1] -= 1;
                (row[0], row[_states]) = (1 / _rate, q / _rate);
            }
        }

        double[] solution = LinearSystem.Solve(rows);
        double gain = solution[0];
        solution[0] = 0;
        return (solution, gain);
    }

    private bool Improve(bool[] runs, double[] values, double gain)
    {
        bool improved = false;
        for (int q = 1; q < _states - 1; q++)
        {
            double run = RunValue(q, Math.Min(q, _maxBatchSize), values, gain);
            double wait = (q - gain) / _rate + values[q + 1];
            double margin = Tolerance * (1 + Math.Abs(run));
            if (runs[q] ? wait < run - margin : run < wait - margin)
            {
                runs[q] = !runs[q];
                improved = true;
            }
        }

        return improved;
    }

    private double RunValue(int queued, int rows, double[] values, double gain)
    {
        double value = RunCost(queued, rows) - gain * _device.Mean(rows);
        double[] arrivals = _arrivals[rows];
        for (int k = 0; k < arrivals.Length; k++)
        {
            value += arrivals[k] * values[Math.Min(queued - rows + k, _states - 1)];
        }

        return value;
    }

    /// <summary>How much a run of fewer rows than fit could gain in any state, in ms of cost; for tests.</summary>
    public static double BestGainOfSmallerRuns(DeviceModel device, int maxBatchSize, double rate, double price)
    {
        MeanCostOptimum optimum = Solve(device, maxBatchSize, rate, price);
        bool[] runs = new bool[optimum._states];
        Array.Fill(runs, true, optimum.Limit, runs.Length - optimum.Limit);
        (double[] values, double gain) = optimum.Evaluate(runs);
        double best = 0;

        // Not in the states next to the last, where the lumping shows.
        for (int q = 1; q < optimum._states / 2; q++)
        {
            for (int n = 1; n < Math.Min(q, maxBatchSize); n++)
            {
                best = Math.Max(best, values[q] - optimum.RunValue(q, n, values, gain));
            }
        }

        return best;
    }

    // Beyond the largest batch the queue's tail falls by exp(-theta) a row, where E exp(theta (arrivals - N)) = 1 over a full run; theta is
    // about twice the drift over the variance.
    private int StatesNeeded()
    {
        double arrivals = _rate * _device.Mean(_maxBatchSize);
        if (arrivals >= _maxBatchSize)
        {
            throw new ArgumentException("More arrives than the device can do: there is no mean.");
        }

        double theta = 2 * (_maxBatchSize - arrivals) / arrivals;
        return _maxBatchSize + (int)Math.Clamp(25 / theta, 2 * Math.Sqrt(arrivals) + 16, 1500);
    }

    private static double[] Poisson(double mean)
    {
        double[] probabilities = new double[(int)(mean + 9 * Math.Sqrt(mean) + 12)];
        double logarithm = -mean;
        double rest = 1;
        for (int k = 0; k < probabilities.Length; k++)
        {
            probabilities[k] = Math.Exp(logarithm);
            rest -= probabilities[k];
            logarithm += Math.Log(mean / (k + 1));
        }

        probabilities[^1] += Math.Max(0, rest);
        return probabilities;
    }
}
