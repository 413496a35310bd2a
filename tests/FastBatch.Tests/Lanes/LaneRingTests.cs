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
        Assert.Equal([0, 1, 2, 3, 4, LaneRing.Full], Enumerable.Range(0, 6).Select(_ => ring.TryClaim()));
        Assert.False(ring.HasRoom);
        Publish(ring, 0, 1);
        Assert.Equal(2, ring.CountPublished(64));
        ring.Release(ring.Take(2) + 2);
        Assert.Equal([5, 6, LaneRing.Full], Enumerable.Range(0, 3).Select(_ => ring.TryClaim()));
    }

    [Fact]
    public void A_row_not_yet_published_hides_those_after_it()
    {
        var ring = new LaneRing(8, bound: 8);
        for (int i = 0; i < 4; i++)
        {
            ring.TryClaim();
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
            Publish(ring, ring.TryClaim());
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
                Publish(ring, ring.TryClaim());
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
        Assert.Equal(0, ring.TryClaim());
        ring.Close();
        Assert.True(ring.IsClosed);
        Assert.Equal(LaneRing.Closed, ring.TryClaim());
        Assert.Equal(1, ring.Claimed);
        Assert.Equal(1, ring.TryClaimAccepted());
        Assert.Equal(2, ring.Claimed);
        Assert.True(ring.IsClosed);
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
                while ((ticket = ring.TryClaim()) < 0)
                {
                    Thread.Yield();
                }

                values[ticket & 63] = ((long)producer << 32) | (uint)i;
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
            for (long ticket = first; ticket < first + count; ticket++)
            {
                long value = values[ticket & 63];
                Assert.True(seen.Add(value));
                Assert.True((int)value >= last[value >> 32], "One producer's rows keep their order.");
                last[value >> 32] = (int)value;
            }

            ring.Release(first + count);
        }

        threads.ForEach(thread => thread.Join());
    }

    private void Publish(LaneRing ring, params long[] tickets)
    {
        foreach (long ticket in tickets)
        {
            ring.Publish(ticket, _pool.Rent());
        }
    }
}
