using System.Runtime.CompilerServices;
using FastBatch.Atomics;
using FastBatch.ModelChecking;

namespace FastBatch;

// What fields of the shipping code become, see Build/Instrument.cs: the field turns into a property over one of these.

/// <summary>
/// A field that is no atomic: of two threads that touch it, one at least to write, one must know of the other's access. If not, that is a
/// race and fails the trial, whether or not a wrong value was read.
/// </summary>
internal struct Plain<T>
{
    private PlainState<T>? _state;

    public T Get(T initial, string name, bool isNoted = true) => In(initial, name).Get(isNoted);

    public void Set(T value, string name, bool isNoted = true) => In(default!, name).Set(value, isNoted);

    private PlainState<T> In(T initial, string name)
    {
        Trial? trial = Trial.Current;
        if (_state is null || (trial is not null && _state.Trial != trial))
        {
            _state = new PlainState<T>(trial, initial, name);
        }

        return _state;
    }
}

internal sealed class PlainState<T>(Trial? trial, T initial, string name)
{
    private readonly ulong _label = trial?.NewLabel() ?? 0;
    private readonly int[] _reads = new int[Trial.MaxThreads];
    private T _value = initial;
    private int _writer = -1;
    private int _written;
    private ulong _hash;

    public Trial? Trial { get; } = trial;

    public T Get(bool isNoted)
    {
        if (Trial is { } trial && Trial.CurrentThread is { } thread)
        {
            CheckRead(trial, thread);
            thread.Learn(trial.HashOf(_value));
            _reads[thread.Id] = Math.Max(thread.View.Clock(thread.Id), 1);
            Changed(trial, thread);
            Note(isNoted, trial, trial.Trace is null ? "" : $"{name} -> {Trial.Show(_value)}   (plain)");
        }

        return _value;
    }

    public void Set(T value, bool isNoted)
    {
        if (Trial is { } trial && Trial.CurrentThread is { } thread)
        {
            CheckWrite(trial, thread);
            _writer = thread.Id;
            _written = thread.View.Clock(thread.Id);
            Array.Clear(_reads);
            _value = value;
            Changed(trial, thread);
            Note(isNoted, trial, trial.Trace is null ? "" : $"{name} := {Trial.Show(value)}   (plain)");
        }

        _value = value;
    }

    private static void Note(bool isNoted, Trial trial, string what)
    {
        if (isNoted)
        {
            trial.Note($"{"",-38} {what}");
        }
    }

    private void CheckRead(Trial trial, ModelThread thread)
    {
        if (_writer >= 0 && _writer != thread.Id && thread.View.Clock(_writer) < _written)
        {
            throw trial.Fail($"race: {thread.Name} reads {name}, which {trial.NameOf(_writer)} wrote, and nothing orders the two");
        }
    }

    private void CheckWrite(Trial trial, ModelThread thread)
    {
        if (_writer >= 0 && _writer != thread.Id && thread.View.Clock(_writer) < _written)
        {
            throw trial.Fail($"race: {thread.Name} writes {name}, which {trial.NameOf(_writer)} wrote, and nothing orders the two");
        }

        for (int reader = 0; reader < _reads.Length; reader++)
        {
            if (reader != thread.Id && _reads[reader] > 0 && thread.View.Clock(reader) < _reads[reader])
            {
                throw trial.Fail($"race: {thread.Name} writes {name}, which {trial.NameOf(reader)} read, and nothing orders the two");
            }
        }
    }

    private void Changed(Trial trial, ModelThread thread)
    {
        ulong hash = Hashing.Mix(trial.HashOf(_value), (ulong)_writer);
        hash = Hashing.Mix(hash, (ulong)_written);
        for (int i = 0; i < trial.ThreadCount; i++)
        {
            hash += Hashing.Mix((ulong)i + 77, _reads[i]);
        }

        trial.NoteChange(_label, _hash, hash);
        _hash = hash;
    }
}

/// <summary>
/// A field that one thread at a time owns and accesses plainly, and that others look at with <see cref="Volatile"/> or change with
/// <see cref="Interlocked"/>. The plain accesses are checked for races among themselves.
/// </summary>
internal struct Mixed<T>
{
    private MixedState<T>? _state;

    // One reference: the field may have its place in an explicit layout.
    public MixedState<T> State => _state ??= new MixedState<T>();

    public T Get(string name)
    {
        MixedState<T> state = State;
        state.Owned.Get(0, name, isNoted: false);
        return Words.Read(ref state.Word, ref state.Initial, new Site(name, "", "", 0), acquire: false);
    }

    public void Set(T value, string name)
    {
        MixedState<T> state = State;
        state.Owned.Set(0, name, isNoted: false);
        Words.Write(ref state.Word, ref state.Initial, value, new Site(name, "", "", 0), release: false);
    }
}

internal sealed class MixedState<T>
{
    public T Initial = default!;
    public Modelled<T> Word;

    // Stands for the plain accesses.
    public Plain<int> Owned;
}

/// <summary>A field of C#'s <c>volatile</c>.</summary>
internal struct VolatileField<T>
{
    internal T Initial;
    internal Modelled<T> Word;

    public T Get(string name) => Words.Read(ref Word, ref Initial, new Site(name, "", "", 0));

    public void Set(T value, string name) => Words.Write(ref Word, ref Initial, value, new Site(name, "", "", 0));
}

internal static class Volatile
{
    /// <summary>The field's name, without what made it another.</summary>
    public static string Named(string expression) => expression.Replace("ref ", "", StringComparison.Ordinal).TrimEnd('_');

    public static T Read<T>(
        ref Mixed<T> field, [CallerArgumentExpression(nameof(field))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Words.Read(ref field.State.Word, ref field.State.Initial, new(Named(expression), member, file, line));

    public static void Write<T>(
        ref Mixed<T> field, T value, [CallerArgumentExpression(nameof(field))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Words.Write(ref field.State.Word, ref field.State.Initial, value, new(Named(expression), member, file, line));
}

internal static class Interlocked
{
    public static T Exchange<T>(
        ref Mixed<T> field, T value, [CallerArgumentExpression(nameof(field))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Words.Modify(ref field.State.Word, ref field.State.Initial, _ => (true, value), new(Volatile.Named(expression), member, file, line));
}
