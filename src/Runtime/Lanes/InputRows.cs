using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastBatch.Devices;

namespace FastBatch.Lanes;

/// <summary>The rows of one input parameter: those in the ring, and those parked while the ring is full. For generated code.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class InputRows
{
    private protected InputRows(string name, int rowLength)
    {
        Name = name;
        RowLength = rowLength;
    }

    /// <summary>The parameter's name.</summary>
    public string Name { get; }

    /// <summary>Elements in one row.</summary>
    public int RowLength { get; }

    internal abstract long RowBytes { get; }

    /// <summary>Which of the batcher's inputs it is.</summary>
    internal int Index { get; set; }

    /// <summary>Those that copy from the rows by themselves. Before any are reserved.</summary>
    internal IReadOnlyList<Device> Devices { get; set; } = [];

    /// <summary>Where a row lies, on its way to the device. It does not move.</summary>
    internal abstract nint AddressOf(int row);

    /// <summary>The devices copy from them no more.</summary>
    internal abstract void Unpin();

    /// <summary>
    /// Reserves one memory of rows (see <see cref="RowPlace"/>). <paramref name="zeroes"/>: what an earlier request left in a row is wiped
    /// before a callback gets it.
    /// </summary>
    internal abstract void Allocate(int memory, int rows, bool zeroes);

    internal abstract void Copy(int from, int to);

    /// <summary>Makes rows of the ring, or the spill rows, unreadable: nobody has them any more.</summary>
    internal abstract void Poison(int first, int count);

    internal abstract void Clear(int first, int count);

    /// <summary>Why the claimed row must not be run, if it has a value that is not finite.</summary>
    internal abstract NonFiniteException? FindNonFinite(RowClaim claim, string batcher);

    internal abstract void EnsureParked(int index);

    internal abstract void Unpark(int index, int to);
}

/// <summary>The rows of one input parameter of element type <typeparamref name="T"/>. For generated code.</summary>
/// <typeparam name="T">The element type.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class InputRows<T> : InputRows
    where T : unmanaged
{
    private AlignedRows<T> _ring;

    // By memory; the first is _ring. Each is there before anybody knows of a row in it.
    private readonly AlignedRows<T>[] _more = new AlignedRows<T>[RowPlace.Lanes + 1];
    private readonly PinnedRows?[] _pinned = new PinnedRows?[RowPlace.Lanes + 1];
    private bool _zeroes;
    private T[]?[] _parked = [];

    internal InputRows(string name, int rowLength)
        : base(name, rowLength)
    {
    }

    internal override long RowBytes => (long)RowLength * Unsafe.SizeOf<T>();

    /// <summary>The claimed row, with whatever an earlier request left in it: overwrite all of it.</summary>
    /// <param name="claim">The claim.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<T> Row(RowClaim claim) => claim.Row < RowPlace.Size
        ? _ring.Rows(claim.Row, 1)
        : RowElsewhere(claim.Row);

    /// <summary>The claimed row for a callback to write: zeroed, unless the user promised to write all of it.</summary>
    /// <param name="claim">The claim.</param>
    public Span<T> WritableRow(RowClaim claim)
    {
        Span<T> row = Row(claim);
        if (_zeroes)
        {
            // Vectors rather than the C library's memset, which is slow to start on large rows.
            MemoryMarshal.AsBytes(row).Fill(0);
        }

        return row;
    }

    /// <summary>The first element of the claimed row: the value of a scalar row.</summary>
    /// <param name="claim">The claim.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref T Value(RowClaim claim) => ref Row(claim)[0];

    /// <summary>
    /// The batch's rows, contiguous: <c>batch.Count * RowLength</c> elements, in the memory of the <see cref="Batch.Device"/>, if it has one.
    /// </summary>
    /// <param name="batch">The batch.</param>
    public ReadOnlySpan<T> Rows(Batch batch) => batch.OnDevice is { } device
        ? DeviceRows.Rows<T>(device.Inputs[Index], RowLength, batch.FirstMember, batch.Count)
        : Rows(batch.FirstRow, batch.Count);

    internal override unsafe nint AddressOf(int row) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(Rows(row, 1)));

    internal override void Unpin()
    {
        foreach (PinnedRows? pinned in _pinned)
        {
            pinned?.Unpin();
        }
    }

    internal override void Allocate(int memory, int rows, bool zeroes)
    {
        _zeroes = zeroes;
        var aligned = new AlignedRows<T>(rows, RowLength, wholePages: Devices.Count > 0);
        if (Devices.Count > 0)
        {
            _pinned[memory] = new PinnedRows(Devices, aligned.Memory);
        }

        if (memory == 0)
        {
            _ring = aligned;
        }

        _more[memory] = aligned;
    }

    internal override void Copy(int from, int to) => Rows(from, 1).CopyTo(Rows(to, 1));

    internal override void Poison(int first, int count) => MemoryMarshal.AsBytes(Rows(first, count)).Fill(Lane.PoisonByte);

    internal override void Clear(int first, int count) => Rows(first, count).Clear();

    internal override NonFiniteException? FindNonFinite(RowClaim claim, string batcher)
    {
        Span<T> row = Row(claim);
        int element = Finite.FirstOther<T>(row);
        return element < 0 ? null : new NonFiniteException(batcher, $"input '{Name}'", element, Finite.Show(row[element]), isInput: true);
    }

    // Under the lock of ParkedRows. The array is replaced, not resized in place: callers write their parked rows without the lock.
    internal override void EnsureParked(int index)
    {
        T[]?[] parked = _parked;
        if (index >= parked.Length)
        {
            Array.Resize(ref parked, Math.Max(16, parked.Length * 2));
        }

        parked[index] ??= new T[RowLength];
        Volatile.Write(ref _parked, parked);
    }

    internal override void Unpark(int index, int to) => ParkedRow(index).CopyTo(Rows(to, 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Span<T> Rows(int first, int count) => first < RowPlace.Size
        ? _ring.Rows(first, count)
        : _more[RowPlace.Memory(first)].Rows(RowPlace.Index(first), count);

    private Span<T> RowElsewhere(int row) => row >= RowPlace.Parked ? ParkedRow(RowPlace.Index(row)) : Rows(row, 1);

    private Span<T> ParkedRow(int index) => Volatile.Read(ref _parked)[index]!;
}
