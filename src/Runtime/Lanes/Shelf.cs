using FastBatch.Atomics;

namespace FastBatch.Lanes;

/// <summary>A few objects kept for reuse, taken and returned by any thread without a lock.</summary>
internal sealed class Shelf<T>(int places)
    where T : class
{
    private readonly AtomicReference<T>[] _places = new AtomicReference<T>[places];

    public T? TryTake()
    {
        for (int i = 0; i < _places.Length; i++)
        {
            // The plain look first: an exchange on an empty place would still cost its fence.
            if (_places[i].Read() is not null && _places[i].Exchange(null) is { } item)
            {
                return item;
            }
        }

        return null;
    }

    /// <summary>False if there is no place for it.</summary>
    public bool TryReturn(T item)
    {
        for (int i = 0; i < _places.Length; i++)
        {
            if (_places[i].Read() is null && _places[i].CompareExchange(null, item))
            {
                return true;
            }
        }

        return false;
    }
}
