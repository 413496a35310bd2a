using FastBatch.ModelChecking;

namespace System.Threading;

/// <summary>
/// Stands in for the lock of the same name: the compiler takes any type of this name for what <c>lock</c> enters. Reentrant.
/// </summary>
internal sealed class Lock
{
    private Trial? _trial;
    private ulong _label;
    private ModelThread? _owner;
    private int _depth;
    private View? _released;
    private ulong _history;

    public Scope EnterScope()
    {
        Trial? trial = Trial.Current;
        if (trial is null)
        {
            return default;
        }

        if (_trial != trial)
        {
            (_trial, _owner, _depth, _released, _history) = (trial, null, 0, null, 0);
            _label = trial.NewLabel();
        }

        ModelThread thread = Trial.CurrentThread!;
        if (_owner != thread)
        {
            trial.Enter();
            trial.Block("a lock", () => _owner is null);
            _owner = thread;
            if (_released is not null)
            {
                thread.View.Join(_released);
            }

            // What the lock guards is not modelled: the thread learns all that those before it in the lock knew.
            thread.Learn(_history);
            trial.Note("enters a lock");
            _depth++;
            trial.RequirePoint();
        }
        else
        {
            _depth++;
        }

        return new Scope(this);
    }

    private void Exit()
    {
        if (--_depth > 0)
        {
            return;
        }

        Trial trial = _trial!;
        ModelThread thread = Trial.CurrentThread!;
        _owner = null;
        _released = trial.ReleaseView(thread);
        ulong before = _history;
        _history = Hashing.Mix(_history, thread.History);
        trial.NoteChange(_label, before, _history);
        trial.Note("leaves a lock");
        trial.RequirePoint();
    }

    public readonly ref struct Scope(Lock? owner)
    {
        public void Dispose() => owner?.Exit();
    }
}
