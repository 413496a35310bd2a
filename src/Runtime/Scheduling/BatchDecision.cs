using System.Runtime.CompilerServices;

namespace FastBatch.Scheduling;

/// <summary>The answer of an <see cref="IBatchPolicy"/>.</summary>
public readonly record struct BatchDecision
{
    internal enum DecisionKind : byte
    {
        WaitUntil,
        Dispatch,
        Drop,
    }

    private BatchDecision(DecisionKind kind, int rows, long timestamp)
    {
        Kind = kind;
        Rows = rows;
        Timestamp = timestamp;
    }

    internal DecisionKind Kind { get; }

    /// <summary>The rows to run or drop, or the number of waiting rows that ends the wait.</summary>
    public int Rows { get; }

    /// <summary>When to ask again at the latest; 0 unless this is a wait.</summary>
    public long Timestamp { get; }

    /// <summary>Run the oldest <paramref name="rows"/> rows now (those that wait, at most; at least 1).</summary>
    /// <param name="rows">The number of rows.</param>
    public static BatchDecision Dispatch(int rows) => new(DecisionKind.Dispatch, rows, 0);

    /// <summary>Ask again at <paramref name="timestamp"/>, or as soon as <paramref name="rows"/> rows wait.</summary>
    /// <param name="timestamp">A timestamp of the batcher's <see cref="TimeProvider"/>; <see cref="long.MaxValue"/> for no limit.</param>
    /// <param name="rows">The number of rows.</param>
    public static BatchDecision WaitUntil(long timestamp, int rows) => new(DecisionKind.WaitUntil, rows, timestamp);

    /// <summary>End the oldest <paramref name="rows"/> requests with a <see cref="RequestDroppedException"/>, without running them.</summary>
    /// <param name="rows">The number of rows.</param>
    public static BatchDecision Drop(int rows) => new(DecisionKind.Drop, rows, 0);

    /// <summary>
    /// What comes of it: rows that there are, and only a wait for a time that is to come and for more rows than wait now; else all that waits runs.
    /// </summary>
    /// <param name="waiting">The rows that could run.</param>
    /// <param name="maxRows">The most rows of a batch.</param>
    /// <param name="latest">No wait goes on after this.</param>
    /// <param name="now">The current timestamp.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal BatchDecision Settle(int waiting, int maxRows, long latest, long now)
    {
        if (Kind != DecisionKind.WaitUntil)
        {
            return new BatchDecision(Kind, Math.Clamp(Rows, 1, waiting), 0);
        }

        (long until, int enough) = (Math.Min(Timestamp, latest), Math.Min(Rows, maxRows));
        return until > now && enough > waiting ? WaitUntil(until, enough) : Dispatch(waiting);
    }

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        DecisionKind.Dispatch => $"Dispatch({Rows})",
        DecisionKind.Drop => $"Drop({Rows})",
        _ => $"WaitUntil({Timestamp}, {Rows} rows)",
    };
}
