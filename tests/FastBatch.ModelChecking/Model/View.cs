namespace FastBatch.ModelChecking;

/// <summary>
/// What a thread knows: of each location, the oldest store it may still read; of each thread, how far that thread had come when this one
/// last synchronised with it. Carried by release stores from one thread to another.
/// </summary>
internal sealed class View(Trial trial)
{
    private int[] _seen = new int[16];
    private int[] _clocks = new int[Trial.MaxThreads];

    /// <summary>Of everything in here; equal views have equal hashes, whatever order locations were made in.</summary>
    public ulong Hash { get; private set; }

    public int Seen(int location) => location < _seen.Length ? _seen[location] : 0;

    public int Clock(int thread) => _clocks[thread];

    public void See(int location, int store)
    {
        if (location >= _seen.Length)
        {
            Array.Resize(ref _seen, Math.Max(location + 1, _seen.Length * 2));
        }

        ulong label = trial.Label(location);
        Hash += Hashing.Mix(label, store) - Hashing.Mix(label, _seen[location]);
        _seen[location] = store;
    }

    public void Tick(int thread) => SetClock(thread, _clocks[thread] + 1);

    public void Join(View other, bool clocks = true)
    {
        for (int i = 0; i < other._seen.Length; i++)
        {
            if (other._seen[i] > Seen(i))
            {
                See(i, other._seen[i]);
            }
        }

        if (!clocks)
        {
            return;
        }

        for (int i = 0; i < trial.ThreadCount; i++)
        {
            if (other._clocks[i] > _clocks[i])
            {
                SetClock(i, other._clocks[i]);
            }
        }
    }

    public View Copy() => new(trial)
    {
        _seen = (int[])_seen.Clone(),
        _clocks = (int[])_clocks.Clone(),
        Hash = Hash,
    };

    private void SetClock(int thread, int value)
    {
        ulong label = (ulong)thread + 0x9000_0000;
        Hash += Hashing.Mix(label, value) - Hashing.Mix(label, _clocks[thread]);
        _clocks[thread] = value;
    }
}

/// <summary>Hashes of states. 64 bits: with 10^8 states the chance that any two are taken for one is 3 in 10,000.</summary>
internal static class Hashing
{
    public static ulong Mix(ulong hash, ulong value)
    {
        ulong x = (hash ^ (value + 0x9E37_79B9_7F4A_7C15 + (hash << 6) + (hash >> 2))) * 0xBF58_476D_1CE4_E5B9;
        x = (x ^ (x >> 27)) * 0x94D0_49BB_1331_11EB;
        return x ^ (x >> 31);
    }

    // Zero for zero: what has never been touched does not count.
    public static ulong Mix(ulong label, int value) => value == 0 ? 0 : Mix(label, (ulong)value);
}
