using FastBatch.Atomics;
using FastBatch.ModelChecking;

namespace FastBatch.Execution;

/// <summary>Stands in for <c>Parker</c>: one permit, taken and given with full fences. A limited park may also end by itself.</summary>
internal sealed class Parker
{
    private AtomicInt32 _permit;
    private bool _unparked;

    public static Parker Create() => new();

    public bool Park(TimeSpan timeout)
    {
        if (TakePermit())
        {
            return true;
        }

        if (timeout >= TimeSpan.Zero && Model.Choose(2) == 1)
        {
            return TakePermit();
        }

        Model.Await("its unpark", () => _unparked);
        return TakePermit();
    }

    public void Unpark()
    {
        _permit.Exchange(1);
        _unparked = true;
    }

    private bool TakePermit()
    {
        bool taken = _permit.Exchange(0) == 1;
        if (taken)
        {
            _unparked = false;
        }

        return taken;
    }
}
