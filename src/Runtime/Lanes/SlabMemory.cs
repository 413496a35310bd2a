using FastBatch.Devices;

namespace FastBatch.Lanes;

/// <summary>The memory of one <see cref="OutputSlab"/>: its outputs, in the order of the parameters, and what lets devices copy to them.</summary>
internal sealed class SlabMemory
{
    private readonly List<OutputRows> _outputs = [];

    // Unpinned with the slab: callers may hold rows of it when the batcher is long gone.
    private PinnedRows[]? _pinned;

    public IReadOnlyList<OutputRows> Outputs => _outputs;

    /// <summary>Its place among the outputs.</summary>
    public int Add(OutputRows rows)
    {
        _outputs.Add(rows);
        return _outputs.Count - 1;
    }

    /// <summary>Where its first rows are not what those of another slab of the method are; null if they are.</summary>
    public string? FindDifference(SlabMemory expected, int rows)
    {
        for (int i = 0; i < _outputs.Count; i++)
        {
            if (_outputs[i].FindDifference(expected._outputs[i], rows) is { } difference)
            {
                return _outputs.Count == 1 ? difference : $"of output {i + 1}, {difference}";
            }
        }

        return null;
    }

    /// <summary>Lets devices copy results into it. Before the first use; again, nothing. If it throws, it may be tried again.</summary>
    public void Pin(IReadOnlyList<Device> devices)
    {
        if (_pinned is not null)
        {
            return;
        }

        var pinned = new PinnedRows[_outputs.Count];
        for (int i = 0; i < pinned.Length; i++)
        {
            _outputs[i].UsePages();
            pinned[i] = new PinnedRows(devices, _outputs[i].Memory);
        }

        _pinned = pinned;
    }
}
