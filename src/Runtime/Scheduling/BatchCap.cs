namespace FastBatch.Scheduling;

/// <summary>
/// The most rows a batch may have at the moment: the user's limit, and what the device's memory was found to hold. Device side; no
/// allocation. Invariant: after a batch ran out of memory none as large runs until many in a row have shown that there is room, and every
/// such failure doubles how many that takes.
/// </summary>
internal sealed class BatchCap(int maxBatchSize)
{
    private const int FirstPatience = 1000;
    private const int MostPatience = 1 << 20;
    private const int RiseDivisor = 8;

    // How many rows less than the user's limit.
    private int _withheld;

    // Full batches since the last change, and how many of them make the cap rise by a part of it.
    private int _fullBatches;
    private int _patience = FirstPatience;

    /// <summary>Rows; at least 1.</summary>
    public int Value => maxBatchSize - _withheld;

    /// <summary>A batch did not fit into memory.</summary>
    public void OutOfMemory(int rows)
    {
        _withheld = maxBatchSize - Math.Clamp(rows / 2, 1, Value);
        _patience = Math.Min(2 * _patience, MostPatience);
        _fullBatches = 0;
    }

    /// <summary>A batch has run.</summary>
    public void Succeeded(int rows)
    {
        if (_withheld > 0 && rows >= Value && ++_fullBatches >= _patience)
        {
            _withheld = Math.Max(0, _withheld - Math.Max(1, Value / RiseDivisor));
            _fullBatches = 0;
        }
    }
}
