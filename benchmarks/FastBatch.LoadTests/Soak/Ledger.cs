using System.Collections.Concurrent;

namespace FastBatch.LoadTests.Soak;

/// <summary>How requests ended. A client counts its own, one thread at a time; they are added up when it is done.</summary>
internal sealed class Outcomes
{
    public long Sent { get; set; }

    public long Answered { get; set; }

    public long Cancelled { get; set; }

    public long Faulted { get; set; }

    public long Refused { get; set; }

    public long Closed { get; set; }

    /// <summary>Never awaited, on purpose.</summary>
    public long Forgotten { get; set; }

    /// <summary>Of those that faulted: the fault was another row's.</summary>
    public long Innocent { get; set; }

    public long Ended => Answered + Cancelled + Faulted + Refused + Closed + Forgotten;

    public void Add(Outcomes other)
    {
        Sent += other.Sent;
        Answered += other.Answered;
        Cancelled += other.Cancelled;
        Faulted += other.Faulted;
        Refused += other.Refused;
        Closed += other.Closed;
        Forgotten += other.Forgotten;
        Innocent += other.Innocent;
    }
}

/// <summary>What must never happen, and how often it did. Any thread; the first of each kind says what it saw.</summary>
internal sealed class Ledger
{
    private const int ShownOfEachKind = 3;

    private readonly ConcurrentQueue<string> _shown = new();
    private long _crossed;
    private long _duplicated;
    private long _unexpected;

    public Outcomes Totals { get; } = new();

    /// <summary>Requests that had not ended when everything else had.</summary>
    public long Lost { get; private set; }

    /// <summary>Answers, rows or memory that were another request's.</summary>
    public long CrossedCount => Volatile.Read(ref _crossed);

    /// <summary>Requests run twice although the first run succeeded, resumed twice, or answered to two awaits.</summary>
    public long DuplicatedCount => Volatile.Read(ref _duplicated);

    /// <summary>Exceptions nobody injected, and promises broken in another way.</summary>
    public long UnexpectedCount => Volatile.Read(ref _unexpected);

    public IEnumerable<string> Shown => _shown;

    public bool IsClean => Lost == 0 && CrossedCount == 0 && DuplicatedCount == 0 && UnexpectedCount == 0;

    public void Crossed(string what) => Note(ref _crossed, "crossed", what);

    public void Duplicated(string what) => Note(ref _duplicated, "duplicated", what);

    public void Unexpected(string what) => Note(ref _unexpected, "unexpected", what);

    public void Lose(long requests, string where)
    {
        Lost += requests;
        _shown.Enqueue($"lost: {requests} requests, {where}");
    }

    private void Note(ref long count, string kind, string what)
    {
        if (Interlocked.Increment(ref count) <= ShownOfEachKind)
        {
            _shown.Enqueue($"{kind}: {what}");
        }
    }
}
