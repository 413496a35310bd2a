namespace FastBatch.Lanes;

/// <summary>Rows beside the rings, one array each, for requests that wait for room. Kept for reuse. Any thread; behind a lock.</summary>
internal sealed class ParkedRows(InputRows[] inputs)
{
    private readonly Lock _gate = new();
    private readonly Stack<int> _free = new();
    private int _count;

    /// <summary>A free row.</summary>
    public int Take()
    {
        lock (_gate)
        {
            if (!_free.TryPop(out int index))
            {
                index = _count++;

                // Here, where running out of memory costs the caller an exception; giving back must not fail.
                _free.EnsureCapacity(_count);
            }

            foreach (InputRows rows in inputs)
            {
                rows.EnsureParked(index);
            }

            return index;
        }
    }

    public void Return(int index)
    {
        lock (_gate)
        {
            _free.Push(index);
        }
    }
}
