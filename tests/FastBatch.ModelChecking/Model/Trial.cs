namespace FastBatch.ModelChecking;

/// <summary>
/// One run of a scenario: its threads, of which one runs at a time, and its memory. Every operation that others can notice ends with a
/// point where any thread may go on; which one does, and which store a read returns, is decided by <see cref="Choices"/>. Reads need no
/// such point: whatever a read could have returned earlier it can still return now.
/// </summary>
internal sealed partial class Trial
{
    public const int MaxThreads = 16;
    private const int MaxSteps = 20_000;

    [ThreadStatic]
    private static ModelThread? t_current;

    [ThreadStatic]
    private static Trial? t_trial;

    private readonly List<ModelThread> _threads = [];
    private readonly WorkerPool _workers;
    private readonly List<ModelThread> _candidates = [];
    private int _steps;
    private bool _stopping;

    public Trial(Scenario scenario, Choices choices, WorkerPool workers)
    {
        Scenario = scenario;
        Choices = choices;
        _workers = workers;
        _sequential = new View(this);
    }

    public static Trial? Current => t_trial;

    public static ModelThread? CurrentThread => t_current;

    public Scenario Scenario { get; }

    public Choices Choices { get; }

    public int ThreadCount => _threads.Count;

    public string? Failure { get; private set; }

    /// <summary>What happened, in order; kept only when a failure is shown.</summary>
    public List<string>? Trace { get; init; }

    /// <summary>Runs it to its end on the calling thread and workers.</summary>
    public void Run()
    {
        var main = new ModelThread(0, "main", false, static () => { }, new View(this)) { Worker = _workers.Own };
        _threads.Add(main);
        t_current = main;
        t_trial = this;
        try
        {
            ShippingState.Reset();
            ShippingState.ResetThread();
            Guard(() =>
            {
                Scenario.Body(new Model(this));
                Block("the end of all threads", () => _threads.TrueForAll(thread =>
                    thread == main || thread.IsDone || (thread.IsBackground && !thread.CanRun)));
                foreach (ModelThread thread in _threads)
                {
                    main.View.Join(thread.View);
                }

                Scenario.Ending?.Invoke();
            });
            Stop(main);
        }
        finally
        {
            Scenario.Ending = null;
            t_current = null;
            t_trial = null;
        }
    }

    public ModelThread Spawn(string name, bool isBackground, Action body)
    {
        if (_threads.Count == MaxThreads)
        {
            throw Fail($"more than {MaxThreads} threads");
        }

        ModelThread parent = t_current!;
        int number = _threads.Count(thread => thread.Name.StartsWith(name, StringComparison.Ordinal));
        var child = new ModelThread(_threads.Count, number == 0 ? name : $"{name}{number + 1}", isBackground, body, parent.View.Copy());
        child.Learn(parent.History);
        parent.View.Tick(parent.Id);
        _threads.Add(child);
        child.View.Tick(child.Id);
        child.Worker = _workers.Take(child.Id);
        child.Worker.Assign(() => RunChild(child));
        Note($"starts {child.Name}");
        _needsPoint = true;
        return child;
    }

    /// <summary>The first failure counts; the exception unwinds whoever found it.</summary>
    public StoppedException Fail(string failure)
    {
        if (Failure is null)
        {
            Failure = failure;
            Note("FAILS: " + failure);
        }

        _stopping = true;
        return new StoppedException();
    }

    /// <summary>Others may go on before the next operation.</summary>
    public void RequirePoint() => _needsPoint = true;

    public string NameOf(int thread) => _threads[thread].Name;

    /// <summary>The current thread goes on once the condition holds.</summary>
    public void Block(string what, Func<bool> isReady)
    {
        if (_stopping)
        {
            throw new StoppedException();
        }

        ModelThread current = t_current!;
        if (isReady())
        {
            return;
        }

        Note($"waits for {what}");
        _needsPoint = _hasRead = false;
        current.IsReady = isReady;
        current.BlockedAt = what;
        Switch(current);
        current.IsReady = null;
        if (_stopping)
        {
            throw new StoppedException();
        }
    }

    public void Note(string what)
    {
        if (Trace is not null)
        {
            Trace.Add($"{Trace.Count,4}  {t_current?.Name,-10} {what}");
        }
    }

    private void Point()
    {
        _needsPoint = _hasRead = false;
        Switch(t_current!);
        if (_stopping)
        {
            throw new StoppedException();
        }
    }

    private void CountStep()
    {
        if (++_steps > MaxSteps)
        {
            throw Fail($"{MaxSteps} steps and no end: somebody spins for what does not come");
        }
    }

    // Which of the threads that can run goes on; the current one first, so that the first trial has no needless switch.
    private void Switch(ModelThread current)
    {
        ModelThread? next = _stopping ? _threads.Find(static thread => !thread.IsDone && thread.Id != 0) ?? _threads[0] : ChooseNext(current);
        if (next is null || next == current)
        {
            return;
        }

        next.Worker!.Go();
        if (!current.IsDone || current.Id == 0)
        {
            current.Worker!.Await();
        }
    }

    private ModelThread? ChooseNext(ModelThread current)
    {
        _candidates.Clear();
        bool currentRuns = current.CanRun;
        if (currentRuns)
        {
            _candidates.Add(current);
        }

        foreach (ModelThread thread in _threads)
        {
            if (thread != current && thread.CanRun)
            {
                _candidates.Add(thread);
            }
        }

        if (_candidates.Count == 0)
        {
            Deadlock();
            return _threads.Find(static thread => !thread.IsDone && thread.Id != 0) ?? _threads[0];
        }

        return _candidates[Choices.Thread(this, _candidates, currentRuns)];
    }

    private void Deadlock()
    {
        string blocked = string.Join("; ", _threads.Where(static thread => !thread.IsDone && thread.Id != 0)
            .Select(static thread => $"{thread.Name} waits for {thread.BlockedAt}"));
        _ = Fail($"nothing can run any more: {blocked}");
    }

    private void RunChild(ModelThread thread)
    {
        t_current = thread;
        t_trial = this;
        ShippingState.ResetThread();
        if (!_stopping)
        {
            Guard(thread.Body);
        }

        thread.IsDone = true;
        _needsPoint = _hasRead = false;
        Note("ends");
        t_current = null;
        t_trial = null;
        Switch(thread);
    }

    private void Guard(Action body)
    {
        try
        {
            body();
        }
        catch (StoppedException)
        {
        }
        catch (Exception exception)
        {
            _ = Fail($"{t_current!.Name} throws {exception.GetType().Name}: {exception.Message}\n{exception.StackTrace}");
        }
    }

    // Background threads still blocked, and all threads after a failure, are unwound one after the other; the last gives main the baton.
    private void Stop(ModelThread main)
    {
        _stopping = true;
        while (_threads.Exists(static thread => !thread.IsDone && thread.Id != 0))
        {
            Switch(main);
        }

        main.IsDone = true;
    }

    /// <summary>Of all that decides what can happen from here on, but for what is left of a bound.</summary>
    public ulong StateHash()
    {
        ulong hash = Hashing.Mix(_memoryHash, _sequential.Hash);
        foreach (ModelThread thread in _threads)
        {
            ulong view = thread.IsDone ? 0 : thread.View.Hash;
            ulong pending = thread.IsDone || thread.Acquirable is null ? 0 : thread.Acquirable.Hash;
            ulong released = thread.IsDone || !Scenario.HasTwin ? 0 : thread.Released.Hash;
            hash += Hashing.Mix(Hashing.Mix(Hashing.Mix(thread.History, view), pending), released + (thread.IsDone ? 1UL : 0));
        }

        return hash;
    }
}

/// <summary>Real threads kept from one trial to the next.</summary>
internal sealed class WorkerPool
{
    private readonly List<Worker> _workers = [];

    public Worker Own { get; } = Worker.OfThisThread();

    public Worker Take(int thread)
    {
        while (_workers.Count <= thread)
        {
            _workers.Add(Worker.Start());
        }

        return _workers[thread];
    }
}
