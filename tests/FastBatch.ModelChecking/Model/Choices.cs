namespace FastBatch.ModelChecking;

/// <summary>
/// What is decided in an execution: depth first, each trial takes the last choice of the one before that has an alternative left. A
/// state that was reached before is not explored again: the trial then runs to its end without alternatives.
/// </summary>
/// <param name="bound">The most times a thread that could go on is interrupted; negative for no bound.</param>
/// <param name="comparesStates">False to explore known states again, to see that nothing is missed by not doing so.</param>
internal sealed class Choices(int bound, bool comparesStates = true)
{
    private readonly HashSet<ulong> _states = [];
    private HashSet<string> _contended = [];
    private List<Choice> _taken = [];
    private int _next;
    private bool _isKnown;
    private int _interruptions;

    /// <summary>
    /// Whether reads are points where others may go on, too. Only needed with process-wide barriers, which end what a read of another thread
    /// could return; found out in the first trial that has one, which starts the exploration anew.
    /// </summary>
    public bool SplitsReads { get; private set; }

    public bool MustRestart { get; private set; }

    /// <summary>
    /// Whether stores to locations of that name race with other stores to them. Found out as it happens, and starts the exploration anew.
    /// </summary>
    public bool IsContended(string location) => _contended.Contains(location);

    public void Contend(string location) => MustRestart |= _contended.Add(location);

    public int States => _states.Count;

    /// <summary>Whether this trial came upon nothing new after its prefix.</summary>
    public bool IsKnown => _isKnown;

    public int Thread(Trial trial, List<ModelThread> candidates, bool currentRuns)
    {
        if (comparesStates && _next >= _taken.Count && !_isKnown)
        {
            ulong state = trial.StateHash();
            if (bound >= 0)
            {
                state = Hashing.Mix(state, Hashing.Mix((ulong)_interruptions, (ulong)candidates[0].Id));
            }

            _isKnown = !_states.Add(state);
        }

        bool mayInterrupt = bound < 0 || _interruptions < bound;
        int chosen = Choose(currentRuns && !mayInterrupt ? 1 : candidates.Count);
        if (currentRuns && chosen > 0)
        {
            _interruptions++;
        }

        return chosen;
    }

    /// <summary>How old a store a read returns; 0 for the newest.</summary>
    public int Store(int count) => Choose(count);

    /// <summary>What the scenario leaves open.</summary>
    public int Any(int count) => Choose(count);

    public void RequireSplitReads()
    {
        if (!SplitsReads)
        {
            MustRestart = true;
        }
    }

    public void Begin()
    {
        _next = 0;
        _isKnown = false;
        _interruptions = 0;
    }

    /// <summary>False if all has been explored.</summary>
    public bool Advance()
    {
        if (MustRestart)
        {
            MustRestart = false;
            SplitsReads = true;
            _taken.Clear();
            _states.Clear();
            return true;
        }

        while (_taken.Count > 0)
        {
            Choice last = _taken[^1];
            _taken.RemoveAt(_taken.Count - 1);
            if (last.Taken + 1 < last.Count)
            {
                _taken.Add(new Choice(last.Taken + 1, last.Count));
                return true;
            }
        }

        return false;
    }

    /// <summary>The same choices once more, for a trace.</summary>
    public Choices Replay()
    {
        var replay = new Choices(bound) { SplitsReads = SplitsReads, _taken = [.. _taken], _contended = _contended };
        replay.Begin();
        return replay;
    }

    private int Choose(int count)
    {
        if (count == 1)
        {
            return 0;
        }

        if (_next < _taken.Count)
        {
            Choice choice = _taken[_next++];
            return choice.Count == count
                ? choice.Taken
                : throw new InvalidOperationException($"The scenario is not deterministic: {choice.Count} possibilities became {count}.");
        }

        if (_isKnown)
        {
            return 0;
        }

        _taken.Add(new Choice(0, count));
        _next++;
        return 0;
    }

    private readonly record struct Choice(int Taken, int Count);
}
