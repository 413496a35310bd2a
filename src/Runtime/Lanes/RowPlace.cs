namespace FastBatch.Lanes;

/// <summary>
/// Where a row is, in one number: which memory, and which row of it. The numbers below <see cref="Size"/> are those of the lane that every
/// batcher has, so that the usual way is one comparison.
/// </summary>
internal static class RowPlace
{
    /// <summary>The most rows of one memory.</summary>
    public const int Size = 1 << Shift;

    /// <summary>Lanes of one batcher, one per priority.</summary>
    public const int Priorities = 4;

    /// <summary>All lanes of one batcher: those, and the stripes of Normal's.</summary>
    public const int Lanes = 8;

    /// <summary>The first of the rows in which a batch from several lanes is gathered.</summary>
    public const int Mixed = Lanes << Shift;

    /// <summary>Added to the number of a row that is parked beside its lane.</summary>
    public const int Parked = 2 * Lanes << Shift;

    private const int Shift = 26;

    /// <summary>Which memory.</summary>
    public static int Memory(int row) => row >> Shift;

    /// <summary>Which row of it.</summary>
    public static int Index(int row) => row & (Size - 1);

    /// <summary>The lane of a row that a caller claimed: 0 for that of <see cref="RequestPriority.Normal"/>.</summary>
    public static int Lane(int row) => Memory(row) & (Lanes - 1);

    /// <summary>The first row of a lane.</summary>
    public static int First(int lane) => lane << Shift;
}
