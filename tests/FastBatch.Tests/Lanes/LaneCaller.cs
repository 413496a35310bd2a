using FastBatch.Completion;
using FastBatch.Lanes;
using FastBatch.Tests.Completion;

namespace FastBatch.Tests.Lanes;

/// <summary>Submits to lanes as callers do: a row in the ring or, where that is full, one beside it.</summary>
/// <param name="rows">The lanes' rows; each is filled with one value.</param>
internal sealed class LaneCaller(InputRows<int> rows)
{
    /// <summary>Where its requests come from.</summary>
    public RequestPool<TestRequest> Pool { get; } = new(static () => new TestRequest());

    public TestRequest Submit(
        Lane lane, int value, long deadline = long.MaxValue, long enqueued = 0, CancellationToken cancellation = default)
    {
        TestRequest request = Pool.Rent();
        request.Deadline = deadline;
        if (cancellation.CanBeCanceled)
        {
            Assert.True(request.TryListen(cancellation));
        }

        long ticket = lane.TryClaim(out int row);
        if (ticket == LaneRing.Full)
        {
            Assert.True(lane.Overflow.TryPark(out row));
        }

        var claim = new RowClaim(ticket, row, enqueued);
        Assert.Equal(ticket == LaneRing.Full, claim.IsParked);
        rows.Row(claim).Fill(value);
        lane.Publish(claim, request);
        return request;
    }

    /// <summary>A claim that comes to nothing.</summary>
    public static void Withdraw(Lane lane)
    {
        long ticket = lane.TryClaim(out int row);
        Assert.True(ticket >= 0);
        lane.Publish(new RowClaim(ticket, row), null);
    }
}
