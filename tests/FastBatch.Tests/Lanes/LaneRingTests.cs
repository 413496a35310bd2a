using FastBatch.Completion;
using FastBatch.Lanes;
using FastBatch.Tests.Completion;

namespace FastBatch.Tests.Lanes;

public class LaneRingTests
{
    private readonly RequestPool<TestRequest> _pool = new(static () => new TestRequest());

    [Fact]
    public void Tickets_are_handed_out_in_order_up_to_the_bound()
    {
        var ring = new LaneRing(8, bound: 5);
        Assert.Equal([0, 1, 2, 3, 4, LaneRing.Full], Enumerable.Range(0, 6).Select(_ => ring.TryClaim(out _)));
        Assert.False(ring.HasRoom);
        Publish(ring, 0, 1);
        Assert.Equal(2, ring.CountPublished(64));
        ring.Release(ring.Take(2) + 2);
        Assert.Equal([5, 6, LaneRing.Full], Enumerable.Range(0, 3).Select(_ => ring.TryClaim(out _)));
    }

    [Fact]
    public void A_row_not_yet_published_hides_those_after_it()
    {
        var ring = new LaneRing(8, bound: 8);
        for (int i = 0; i < 4; i++)
        {
            ring.TryClaim(out _);
        }

        Publish(ring, 1, 2);
        Assert.Equal(0, ring.CountPublished(64));
        Assert.True(ring.IsPublished(1));
        Publish(ring, 0);
        Assert.Equal(3, ring.CountPublished(64));
    }

    [Fact]
    public void A_published_run_is_seen_up_to_the_limit_and_again_from_the_read_mark()
    {
        var ring = new LaneRing(8, bound: 8);
        for (int i = 0; i < 6; i++)
        {
            Publish(ring, ring.TryClaim(out _));
        }

        Assert.Equal(4, ring.CountPublished(4));
        Assert.Equal(4, ring.CountPublished(4));
        Assert.Equal(0, ring.Take(4));
        Assert.Equal(2, ring.CountPublished(4));
        Assert.Equal(4, ring.ReadMark);
        Assert.Equal(0, ring.ReleaseMark);
    }

    [Fact]
    public void Sequences_of_an_earlier_round_do_not_count()
    {
        var ring = new LaneRing(4, bound: 4);
        for (int round = 0; round < 10; round++)
        {
            for (int i = 0; i < 4; i++)
            {
                Publish(ring, ring.TryClaim(out _));
            }

            Assert.Equal(4, ring.CountPublished(64));
            ring.Release(ring.Take(4) + 4);
            Assert.Equal(0, ring.CountPublished(64));
        }
    }

    [Fact]
    public void Closing_ends_claims_but_not_those_of_requests_accepted_before()
    {
        var ring = new LaneRing(4, bound: 4);
        Assert.False(ring.IsClosed);
        Assert.Equal(0, ring.TryClaim(out _));
        ring.Close();
        Assert.True(ring.IsClosed);
        Assert.Equal(LaneRing.Closed, ring.TryClaim(out _));
        Assert.Equal(1, ring.Claimed);
        Assert.Equal(1, ring.TryClaimAccepted(out _));
        Assert.Equal(2, ring.Claimed);
        Assert.True(ring.IsClosed);
    }

    [Fact]
    public void Few_requests_in_flight_keep_to_the_first_rows()
    {
        var ring = new LaneRing(1024, bound: 1000);
        for (int i = 0; i < 5000; i++)
        {
            Assert.InRange(ClaimAndPublish(ring), 0, 15);
            Assert.InRange(ClaimAndPublish(ring), 1, 16);
            Assert.Equal(2, ring.CountPublished(2));
            ring.Release(ring.Take(2) + 2);
        }

        // Never empty, it goes around.
        var rows = new HashSet<int> { ClaimAndPublish(ring) };
        for (int i = 1; i < 1024; i++)
        {
            rows.Add(ClaimAndPublish(ring));
            Assert.Equal(1, ring.CountPublished(1));
            ring.Release(ring.Take(1) + 1);
        }

        Assert.Equal(1024, rows.Count);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(8, 5)]
    [InlineData(64, 64)]
    [InlineData(128, 100)]
    [InlineData(4096, 4096)]
    public void No_two_tickets_share_a_row_and_runs_of_tickets_have_runs_of_rows(int size, int bound)
    {
        var random = new Random(size);
        var ring = new LaneRing(size, bound);
        var taken = new Queue<(long Ticket, int Row)>();
        var rowsInUse = new HashSet<int>();
        for (int step = 0; step < 200 + (100_000 / size); step++)
        {
            for (int i = random.Next(bound + 1); i > 0; i--)
            {
                long ticket = ring.TryClaim(out int row);
                Assert.Equal(taken.Count == bound, ticket == LaneRing.Full);
                if (ticket != LaneRing.Full)
                {
                    Assert.InRange(row, 0, size - 1);
                    Assert.True(rowsInUse.Add(row));
                    taken.Enqueue((ticket, row));
                    ring.Publish(ticket, null);
                }
            }

            int count = ring.CountPublished(random.Next(bound + 1));
            long first = ring.Take(count);
            int firstRow = ring.Row(first);
            for (int i = 0; i < count; i++)
            {
                Assert.Equal((first + i, (firstRow + i) & (size - 1)), taken.Dequeue());
                rowsInUse.Remove((firstRow + i) & (size - 1));
            }

            ring.Release(first + count);
        }
    }

    [Fact]
    public void Many_producers_lose_and_repeat_nothing()
    {
        const int Producers = 4;
        const int PerProducer = 20_000;
        var ring = new LaneRing(64, bound: 48);
        var values = new long[64];
        var seen = new HashSet<long>();
        var threads = Enumerable.Range(0, Producers).Select(producer => new Thread(() =>
        {
            for (int i = 0; i < PerProducer; i++)
            {
                long ticket;
                int row;
                while ((ticket = ring.TryClaim(out row)) < 0)
                {
                    Thread.Yield();
                }

                values[row] = ((long)producer << 32) | (uint)i;
                ring.Publish(ticket, null);
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());

        var last = new int[Producers];
        while (seen.Count < Producers * PerProducer)
        {
            int count = ring.CountPublished(16);
            if (count == 0)
            {
                Thread.Yield();
                continue;
            }

            long first = ring.Take(count);
            int firstRow = ring.Row(first);
            for (int i = 0; i < count; i++)
            {
                long value = values[(firstRow + i) & 63];
                Assert.True(seen.Add(value));
                Assert.True((int)value >= last[value >> 32], "One producer's rows keep their order.");
                last[value >> 32] = (int)value;
            }

            ring.Release(first + count);
        }

        threads.ForEach(thread => thread.Join());
    }

    private static int ClaimAndPublish(LaneRing ring)
    {
        ring.Publish(ring.TryClaim(out int row), null);
        return row;
    }

    private void Publish(LaneRing ring, params long[] tickets)
    {
        foreach (long ticket in tickets)
        {
            ring.Publish(ticket, _pool.Rent());
        }
    }
}
