namespace FastBatch.ModelChecking;

/// <summary>What is explored: a body that sets up shared state and names the threads that use it.</summary>
internal sealed class Scenario(Action<Model> body)
{
    public Action<Model> Body { get; } = body;

    /// <summary>The defect put into the shipping code, if any.</summary>
    public Twin? Twin { get; init; }

    public bool HasTwin => Twin is not null;

    /// <summary>Cores that the code believes to have.</summary>
    public int Processors { get; init; } = 1;

    /// <summary>Whether threads that find many rows give the device away while they resume callers, without a trial.</summary>
    public bool Overlaps { get; set; }

    /// <summary>Whether callers count as resumed in no time, however few they are: others then rely on the thread that resumes them.</summary>
    public bool AreQuick { get; set; }

    /// <summary>How often timers fire, at any time they could.</summary>
    public int TimerTicks { get; init; }

    /// <summary>What holds when all threads have ended. Set by the body.</summary>
    public Action? Ending { get; set; }

    /// <summary>If set, gets every operation that a twin could make weaker.</summary>
    public HashSet<(Weakening Weakening, string File, string Member, string Expression)>? Sites { get; init; }

    public bool Weakens(in Site site, Weakening weakening)
    {
        Sites?.Add((weakening, site.FileName, site.Member, site.Expression));
        return Twin is { } twin && twin.Weakens(site, weakening);
    }
}

/// <summary>What the body of a scenario uses.</summary>
internal sealed class Model(Trial trial)
{
    /// <summary>Set by the patched source when a thread gets a stripe, in any execution.</summary>
    public static bool HasEntered { get; set; }

    /// <summary>See <see cref="Scenario.Overlaps"/>; for the patched source.</summary>
    public static bool Overlaps
    {
        get => Trial.Current?.Scenario.Overlaps == true;
        set => Trial.Current!.Scenario.Overlaps = value;
    }

    /// <summary>See <see cref="Scenario.AreQuick"/>; for the patched source.</summary>
    public static bool AreQuick
    {
        get => Trial.Current?.Scenario.AreQuick == true;
        set => Trial.Current!.Scenario.AreQuick = value;
    }

    /// <summary>Adds a thread; it starts when the body has ended, or before.</summary>
    public void Thread(string name, Action body, bool isBackground = false) => trial.Spawn(name, isBackground, body);

    /// <summary>Checked when all threads have ended.</summary>
    public void AtEnd(Action check) => trial.Scenario.Ending = check;

    public static void Require(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw Trial.Current!.Fail(otherwise);
        }
    }

    /// <summary>Blocks the thread until the condition, over state that the model does not know, holds.</summary>
    public static void Await(string what, Func<bool> condition) => Trial.Current!.Block(what, condition);

    /// <summary>One of several possibilities; each is explored.</summary>
    public static int Choose(int count)
    {
        Trial trial = Trial.Current!;
        int chosen = trial.Choices.Any(count);
        Trial.CurrentThread!.Learn((ulong)chosen);
        trial.Note($"chooses {chosen} of {count}");
        return chosen;
    }

    /// <summary>
    /// At the head of a loop: nothing that the thread has learned matters any more but this. Makes one state of many; wrong if it leaves out
    /// something that the thread still knows, in variables or in memory that is not modelled.
    /// </summary>
    public static void Knows(params ReadOnlySpan<int> all)
    {
        ModelThread thread = Trial.CurrentThread!;
        ulong history = (ulong)thread.Id + 0x7777;
        foreach (int known in all)
        {
            history = Hashing.Mix(history, (ulong)known);
        }

        thread.History = history;
    }

    /// <summary>For the patched source: what the thread has learned so far, to come back to at the head of a loop that forgets.</summary>
    public static ulong Remember() => Trial.CurrentThread?.History ?? 0;

    /// <summary>At the head of a loop that starts anew: nothing that the thread has learned since matters.</summary>
    public static void Forget(ulong remembered)
    {
        if (Trial.CurrentThread is { } thread)
        {
            thread.History = remembered;
        }
    }

    /// <summary>Runs an asynchronous method, whose waits block here, on a thread of its own.</summary>
    public static Task Run(Func<Task> method)
    {
        var done = new System.Threading.Tasks.TaskCompletionSource();
        Trial.Current!.Spawn("closing", isBackground: false, () =>
        {
            method().GetAwaiter().GetResult();
            done.SetResult();
        });
        return done.Task;
    }

    /// <summary>Spins until something that was read since the last call changes.</summary>
    public static void Spin() => Trial.Current!.Spin("the scenario spins");
}

/// <summary>How an operation of the shipping code is made too weak.</summary>
internal enum Weakening
{
    /// <summary>A release store becomes a plain one.</summary>
    RelaxedStore,

    /// <summary>An acquiring read becomes a plain one.</summary>
    RelaxedRead,

    /// <summary>A fence is left out; an interlocked operation keeps acquire and release but is no fence.</summary>
    NoFence,

    /// <summary>An interlocked operation becomes a read and a store.</summary>
    Split,
}

/// <summary>
/// A defect: one operation of the shipping code made weaker, named by its file, member and (the end of) its expression, or a patch of
/// <c>Instrumentation.txt</c> switched on.
/// </summary>
internal sealed class Twin
{
    private readonly string? _file;
    private readonly string? _member;
    private readonly string? _expression;
    private readonly Weakening _weakening;

    public Twin(Weakening weakening, string file, string member, string? expression = null) =>
        (_weakening, _file, _member, _expression) = (weakening, file, member, expression);

    public Twin(string patch) => Patch = patch;

    public string? Patch { get; }

    /// <summary>Whether the defect was ever come upon; a twin that never is proves nothing.</summary>
    public bool IsReached { get; private set; }

    public bool Weakens(in Site site, Weakening weakening)
    {
        bool weakens = _file is not null
            && weakening == _weakening
            && site.Member == _member
            && site.FileName == _file
            && (_expression is null || site.Expression.EndsWith(_expression, StringComparison.Ordinal));
        IsReached |= weakens;
        return weakens;
    }

    /// <summary>For the patched source: whether the patch of that name applies.</summary>
    public static bool On(string patch)
    {
        if (Trial.Current?.Scenario.Twin is not { } twin || twin.Patch != patch)
        {
            return false;
        }

        twin.IsReached = true;
        return true;
    }

    public override string ToString() => Patch ?? $"{_weakening} of {_expression} in {_member} ({_file})";
}
