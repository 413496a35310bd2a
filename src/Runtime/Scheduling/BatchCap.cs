namespace FastBatch.Scheduling;

/// <summary>
/// The most rows a batch may have at the moment: the user's limit, and what the device's memory was found to hold. Device side; no
/// allocation. Invariant: after a batch ran out of memory none as large runs until many in a row have shown that there is room, and every
/// such failure doubles how many that takes.
/// </summary>
internal sealed class BatchCap(int limit)
{
    private const int FirstPatience = 1000;
    private const int MostPatience = 1 << 20;
    private const int RiseDivisor = 8;

    // What is known to fit; anything while nothing has failed.
    private int _fits = int.MaxValue;

    // Full batches since the last change, and how many of them make the cap rise by a part of it.
    private int _fullBatches;
    private int _patience = FirstPatience;

    /// <summary>The user's limit, in rows.</summary>
    public int Limit { get; set; } = limit;

    /// <summary>Rows; at least 1.</summary>
    public int Value => Math.Min(Limit, _fits);

    /// <summary>A batch did not fit into memory.</summary>
    public void OutOfMemory(int rows)
    {
        _fits = Math.Clamp(rows / 2, 1, _fits);
        _patience = Math.Min(2 * _patience, MostPatience);
        _fullBatches = 0;
    }

    /// <summary>A batch has run.</summary>
    public void Succeeded(int rows)
    {
        if (_fits < Limit && rows >= _fits && ++_fullBatches >= _patience)
        {
            _fits += Math.Max(1, _fits / RiseDivisor);
            _fullBatches = 0;
        }
    }
}
