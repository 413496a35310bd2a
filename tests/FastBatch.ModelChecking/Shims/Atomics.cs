using System.Runtime.CompilerServices;
using FastBatch.ModelChecking;

namespace FastBatch.Atomics;

// Stand in for src/Runtime/Atomics: the same operations, as extensions, so that each knows the expression it is called on.

/// <summary>The location behind a modelled word; made when it is first touched.</summary>
internal struct Modelled<T>
{
    public Location<T>? Location;

    public Location<T>? In(Trial? trial, T initial, string name)
    {
        if (trial is not null && Location?.Trial != trial)
        {
            Location = new Location<T>(trial, initial, name);
        }

        return Location;
    }
}

internal struct AtomicInt32(int value)
{
    internal int Initial = value;
    internal Modelled<int> Word;
}

internal struct AtomicInt64(long value)
{
    internal long Initial = value;
    internal Modelled<long> Word;
}

internal struct AtomicReference<T>
    where T : class
{
    internal T? Initial;
    internal Modelled<T?> Word;
}

internal struct PaddedAtomicInt64
{
    public AtomicInt64 Value;
}

internal static class AtomicOperations
{
    public static int Read(
        this in AtomicInt32 cell, [CallerArgumentExpression(nameof(cell))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        ref AtomicInt32 word = ref Unsafe.AsRef(in cell);
        return Words.Read(ref word.Word, ref word.Initial, new(expression, member, file, line));
    }

    public static void Write(
        this ref AtomicInt32 cell, int value, [CallerArgumentExpression(nameof(cell))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Words.Write(ref cell.Word, ref cell.Initial, value, new(expression, member, file, line));

    public static bool CompareExchange(
        this ref AtomicInt32 cell, int expected, int value, [CallerArgumentExpression(nameof(cell))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Words.Modify(ref cell.Word, ref cell.Initial, old => (old == expected, value), new(expression, member, file, line)) == expected;

    public static int Exchange(
        this ref AtomicInt32 cell, int value, [CallerArgumentExpression(nameof(cell))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Words.Modify(ref cell.Word, ref cell.Initial, _ => (true, value), new(expression, member, file, line));

    public static int Add(
        this ref AtomicInt32 cell, int amount, [CallerArgumentExpression(nameof(cell))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Words.Modify(ref cell.Word, ref cell.Initial, old => (true, old + amount), new(expression, member, file, line)) + amount;

    public static long Read(
        this in AtomicInt64 cell, [CallerArgumentExpression(nameof(cell))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        ref AtomicInt64 word = ref Unsafe.AsRef(in cell);
        return Words.Read(ref word.Word, ref word.Initial, new(expression, member, file, line));
    }

    public static void Write(
        this ref AtomicInt64 cell, long value, [CallerArgumentExpression(nameof(cell))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Words.Write(ref cell.Word, ref cell.Initial, value, new(expression, member, file, line));

    public static bool CompareExchange(
        this ref AtomicInt64 cell, long expected, long value, [CallerArgumentExpression(nameof(cell))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Words.Modify(ref cell.Word, ref cell.Initial, old => (old == expected, value), new(expression, member, file, line)) == expected;

    public static long Add(
        this ref AtomicInt64 cell, long amount, [CallerArgumentExpression(nameof(cell))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Words.Modify(ref cell.Word, ref cell.Initial, old => (true, old + amount), new(expression, member, file, line)) + amount;

    public static long Or(
        this ref AtomicInt64 cell, long bits, [CallerArgumentExpression(nameof(cell))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Words.Modify(ref cell.Word, ref cell.Initial, old => (true, old | bits), new(expression, member, file, line));

    public static T? Read<T>(
        this in AtomicReference<T> cell, [CallerArgumentExpression(nameof(cell))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : class
    {
        ref AtomicReference<T> word = ref Unsafe.AsRef(in cell);
        return Words.Read(ref word.Word, ref word.Initial, new(expression, member, file, line));
    }

    public static void Write<T>(
        this ref AtomicReference<T> cell, T? value, [CallerArgumentExpression(nameof(cell))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : class =>
        Words.Write(ref cell.Word, ref cell.Initial, value, new(expression, member, file, line));

    public static bool CompareExchange<T>(
        this ref AtomicReference<T> cell, T? expected, T? value, [CallerArgumentExpression(nameof(cell))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : class =>
        ReferenceEquals(
            Words.Modify(
                ref cell.Word, ref cell.Initial, old => (ReferenceEquals(old, expected), value), new(expression, member, file, line)),
            expected);

    public static T? Exchange<T>(
        this ref AtomicReference<T> cell, T? value, [CallerArgumentExpression(nameof(cell))] string expression = "",
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : class =>
        Words.Modify(ref cell.Word, ref cell.Initial, _ => (true, value), new(expression, member, file, line));
}

internal static class Fence
{
    public static void Full(
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Trial.Current?.FullFence(new("Fence.Full", member, file, line));

    public static void ProcessWide(
        [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Trial.Current?.ProcessWideFence(new("Fence.ProcessWide", member, file, line));
}

/// <summary>Operations on a modelled word; outside of an trial, on its value.</summary>
internal static class Words
{
    public static T Read<T>(ref Modelled<T> word, ref T value, in Site site, bool acquire = true) =>
        Trial.Current is { } trial ? trial.Read(word.In(trial, value, site.Expression)!, acquire, site) : value;

    public static void Write<T>(ref Modelled<T> word, ref T value, T next, in Site site, bool release = true)
    {
        if (Trial.Current is { } trial)
        {
            trial.Write(word.In(trial, value, site.Expression)!, next, release, site);
        }
        else
        {
            value = next;
        }
    }

    public static T Modify<T>(ref Modelled<T> word, ref T value, Func<T, (bool Stores, T Value)> change, in Site site)
    {
        if (Trial.Current is { } trial)
        {
            return trial.Modify(word.In(trial, value, site.Expression)!, change, site);
        }

        T before = value;
        (bool stores, T next) = change(before);
        value = stores ? next : before;
        return before;
    }
}
