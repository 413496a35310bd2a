namespace FastBatch.ModelChecking;

/// <summary>One thread of an trial. It runs on a real thread, but only while it has the baton.</summary>
internal sealed class ModelThread(int id, string name, bool isBackground, Action body, View view)
{
    public int Id { get; } = id;

    public string Name { get; } = name;

    /// <summary>Whether the trial may end while this thread is blocked.</summary>
    public bool IsBackground { get; } = isBackground;

    public Action Body { get; } = body;

    /// <summary>What it knows.</summary>
    public View View { get; set; } = view;

    /// <summary>What it knew at its last fence: all that a relaxed store tells others.</summary>
    public View Released { get; set; } = view.Copy();

    /// <summary>What its relaxed reads would have told it: known after its next fence. Null for nothing.</summary>
    public View? Acquirable { get; set; }

    /// <summary>
    /// Of everything the thread has learned so far. Its code is deterministic, so this stands for its stack and all it wrote.
    /// </summary>
    public ulong History { get; set; } = (ulong)id + 1;

    /// <summary>Null while it can run.</summary>
    public Func<bool>? IsReady { get; set; }

    public string BlockedAt { get; set; } = "";

    public bool IsDone { get; set; }

    /// <summary>Objects and locations it was the first to touch.</summary>
    public int NewObjects { get; set; }

    /// <summary>What it has read since it last yielded, and which store: it spins until one of them has a newer one.</summary>
    public Dictionary<Location, int> SpinReads { get; } = [];

    public Worker? Worker { get; set; }

    public bool CanRun => !IsDone && (IsReady is null || IsReady());

    public void Learn(ulong hash) => History = Hashing.Mix(History, hash);
}

/// <summary>A real thread that lends itself to one model thread per execution. It sleeps while others run: spinning takes their cores.</summary>
internal sealed class Worker
{
    private readonly SemaphoreSlim _baton = new(0);
    private Action? _work;

    public static Worker Start()
    {
        var worker = new Worker();
        new System.Threading.Thread(worker.Loop, maxStackSize: 1 << 20) { IsBackground = true }.Start();
        return worker;
    }

    /// <summary>For the thread that explores: it is a worker itself.</summary>
    public static Worker OfThisThread() => new();

    public void Assign(Action work) => _work = work;

    public void Go() => _baton.Release();

    public void Await() => _baton.Wait();

    private void Loop()
    {
        while (true)
        {
            Await();
            _work!();
        }
    }
}

/// <summary>Unwinds a thread whose trial is over.</summary>
internal sealed class StoppedException : Exception;
