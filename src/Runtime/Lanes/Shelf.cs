using FastBatch.Atomics;

namespace FastBatch.Lanes;

/// <summary>Objects kept for reuse, taken and returned by any thread: a few places without a lock, and a stack behind them for more.</summary>
/// <param name="limit">The most objects kept; those beyond are left to the garbage collector.</param>
internal sealed class Shelf<T>(int limit)
    where T : class
{
    private const int Places = 8;

    private readonly AtomicReference<T>[] _places = new AtomicReference<T>[Places];
    private readonly Lock _gate = new();
    private readonly Stack<T> _more = new();
    private AtomicInt32 _moreCount;

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

        return _moreCount.Read() == 0 ? null : TryTakeMore();
    }

    public void Return(T item)
    {
        for (int i = 0; i < _places.Length; i++)
        {
            if (_places[i].Read() is null && _places[i].CompareExchange(null, item))
            {
                return;
            }
        }

        lock (_gate)
        {
            if (_more.Count < limit - Places)
            {
                _more.Push(item);
                _moreCount.Write(_more.Count);
            }
        }
    }

    private T? TryTakeMore()
    {
        lock (_gate)
        {
            _more.TryPop(out T? item);
            _moreCount.Write(_more.Count);
            return item;
        }
    }
}
