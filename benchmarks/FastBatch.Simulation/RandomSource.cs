namespace FastBatch.Simulation;

/// <summary>Random numbers that a seed decides on every machine and runtime (PCG XSH RR 64/32).</summary>
internal sealed class RandomSource
{
    private const ulong Multiplier = 6364136223846793005;

    private readonly ulong _increment;
    private ulong _state;

    /// <param name="seed">Decides the numbers.</param>
    /// <param name="stream">Numbers of different streams are independent.</param>
    public RandomSource(ulong seed, ulong stream)
    {
        _increment = (stream << 1) | 1;
        Next();
        _state += seed;
        Next();
    }

    /// <summary>Uniform over (0, 1).</summary>
    public double Uniform() => (Next() + 0.5) / (1L << 32);

    /// <summary>Exponential with the given mean.</summary>
    public double Exponential(double mean) => -mean * Math.Log(Uniform());

    /// <summary>Normal with mean 0 and deviation 1.</summary>
    public double Normal() => Math.Sqrt(-2 * Math.Log(Uniform())) * Math.Cos(2 * Math.PI * Uniform());

    private uint Next()
    {
        ulong old = _state;
        _state = unchecked(old * Multiplier + _increment);
        uint shifted = unchecked((uint)(((old >> 18) ^ old) >> 27));
        return uint.RotateRight(shifted, (int)(old >> 59));
    }
}
