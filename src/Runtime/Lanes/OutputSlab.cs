using System.ComponentModel;
using System.Runtime.CompilerServices;
using FastBatch.Atomics;

namespace FastBatch.Lanes;

/// <summary>
/// The outputs of one batch. Counted references: one for the batch, one for each row lent to a caller. A batch whose rows are lent when all
/// results are delivered lets go, and the last to do so returns the slab to its pool; a slab whose loan is forgotten is left to the garbage collector. For generated code,
/// which derives one sealed class per method with an <see cref="OutputRows{T}"/> per output.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class OutputSlab
{
    // Per row: odd while lent. A loan remembers the number, so that a second Dispose, or one after the row was lent again, finds another.
    private readonly AtomicInt64[] _loans;
    private AtomicInt32 _references;

    /// <summary>Reserves a slab.</summary>
    /// <param name="maxRows">The most rows a batch has.</param>
    protected OutputSlab(int maxRows)
    {
        MaxRows = maxRows;
        _loans = new AtomicInt64[maxRows];
    }

    /// <summary>The most rows a batch has.</summary>
    public int MaxRows { get; }

    internal Shelf<OutputSlab>? Home { get; set; }

    /// <summary>The outputs' memory.</summary>
    internal SlabMemory SlabMemory { get; } = new();

    /// <summary>Whether rows are made unreadable when they are given back.</summary>
    internal bool Poisons { get; set; }

    /// <summary>Whether callers get finite values or a fault.</summary>
    internal bool RequiresFinite { get; set; }

    /// <summary>Lends a row to a caller, in a loan that several outputs may share.</summary>
    /// <param name="row">The request's place in the batch.</param>
    public RowHandle Lend(int row)
    {
        _references.Add(1);
        ref AtomicInt64 loan = ref _loans[row];
        long stamp = loan.Read() + 1;
        loan.Write(stamp);
        return new RowHandle(this, row, stamp);
    }

    /// <summary>By the batch that holds it: whether callers hold rows of it too.</summary>
    internal bool IsLent => _references.Read() > 1;

    /// <summary>By the batch, when all its callers have their results: makes those unreadable that are not lent.</summary>
    internal void PoisonDelivered(int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            if ((_loans[row].Read() & 1) == 0)
            {
                Poison(row);
            }
        }
    }

    /// <summary>Why the request at this place must not get its results, if one of their values is not finite.</summary>
    internal NonFiniteException? FindNonFinite(int row, string batcher)
    {
        IReadOnlyList<OutputRows> outputs = SlabMemory.Outputs;
        for (int i = 0; i < outputs.Count; i++)
        {
            int element = outputs[i].FindNonFinite(row, out string value);
            if (element >= 0)
            {
                string place = outputs.Count == 1 ? "the output" : $"output {i + 1} of {outputs.Count}";
                return new NonFiniteException(batcher, place, element, value, isInput: false);
            }
        }

        return null;
    }

    internal void Open() => _references.Write(1);

    internal void Release()
    {
        if (_references.Add(-1) == 0)
        {
            Home?.Return(this);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool IsOnLoan(int row, long stamp) => _loans[row].Read() == stamp;

    private void Poison(int row)
    {
        foreach (OutputRows rows in SlabMemory.Outputs)
        {
            rows.Poison(row);
        }
    }

    internal void TakeBack(int row, long stamp)
    {
        // One Dispose wins; copies of the lease disposed before or after it change nothing.
        if (_loans[row].CompareExchange(stamp, stamp + 1))
        {
            if (Poisons)
            {
                Poison(row);
            }

            Release();
        }
    }
}
