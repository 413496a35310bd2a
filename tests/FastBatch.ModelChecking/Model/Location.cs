namespace FastBatch.ModelChecking;

/// <summary>One shared word: the stores to it in their order, each with what its reader learns.</summary>
internal abstract class Location
{
    /// <summary>The trial it belongs to: static state outlives executions and starts each with its first value.</summary>
    public Trial Trial { get; protected init; } = null!;

    public int Index { get; protected init; }

    /// <summary>The expression that first named it.</summary>
    public string Name { get; protected init; } = "";

    public abstract int Last { get; }
}

internal sealed class Location<T> : Location
{
    private readonly List<Store> _stores = [];

    public Location(Trial trial, T initial, string name)
    {
        Trial = trial;
        Name = name;
        Index = trial.Add(this);
        _stores.Add(new Store(initial, null, -1, true));
    }

    public override int Last => _stores.Count - 1;

    public Store this[int index] => _stores[index];

    public void Add(T value, View? message, int thread, bool isModification)
    {
        _stores.Add(new Store(value, message, thread, isModification));
        Trial.NoteStore(Index, Trial.HashOf(value), message);
    }

    /// <param name="Value">The value.</param>
    /// <param name="Message">What an acquiring reader learns; null for nothing.</param>
    /// <param name="Thread">The writer; negative for the first value.</param>
    /// <param name="IsModification">Whether a read-modify-write stored it.</param>
    public readonly record struct Store(T Value, View? Message, int Thread, bool IsModification);
}

/// <summary>Where in the shipping source an operation stands.</summary>
internal readonly record struct Site(string Expression, string Member, string File, int Line)
{
    public string FileName => Path.GetFileName(File);

    public override string ToString() => Line == 0 ? "" : $"{FileName}:{Line} {Member}";
}
