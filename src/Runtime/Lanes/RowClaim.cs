using System.ComponentModel;

namespace FastBatch.Lanes;

/// <summary>The row reserved for one request, from claim to publish. For generated code.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct RowClaim
{
    internal RowClaim(long ticket, int row, long enqueued = 0)
    {
        Ticket = ticket;
        Row = row;
        Enqueued = enqueued;
    }

    /// <summary>The position in the ring; negative for a row parked beside it.</summary>
    internal long Ticket { get; }

    /// <summary>The row; see <see cref="RowPlace"/>.</summary>
    internal int Row { get; }

    /// <summary>When the request was submitted; 0 where the policy does not ask.</summary>
    internal long Enqueued { get; }

    internal bool IsParked => Ticket < 0;
}
