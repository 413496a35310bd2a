namespace FastBatch.LoadTests.Soak;

/// <summary>
/// Remembers which of one client's requests have been run: the last 64, as a window over their sequence. By the thread that runs the model.
/// </summary>
internal struct Replays
{
    private const int Width = 64;

    private long _highest;
    private ulong _seen;

    /// <summary>The request is run. False if it was before, or is older than anything that can still be on its way.</summary>
    public bool TryMark(long sequence)
    {
        if (sequence > _highest)
        {
            long shift = sequence - _highest;
            _seen = shift < Width ? _seen << (int)shift : 0;
            _highest = sequence;
        }

        long age = _highest - sequence;
        if (age >= Width || (_seen & (1UL << (int)age)) != 0)
        {
            return false;
        }

        _seen |= 1UL << (int)age;
        return true;
    }

    /// <summary>The run threw: it does not count.</summary>
    public void Unmark(long sequence)
    {
        long age = _highest - sequence;
        if (age < Width)
        {
            _seen &= ~(1UL << (int)age);
        }
    }
}
