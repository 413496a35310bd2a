using FastBatch.Scheduling;

namespace FastBatch.Tests.Scheduling;

/// <summary>Who goes first, who is never left behind.</summary>
public class PrioritySharesTests
{
    private const long AgePeriod = 1000;

    [Theory]
    // rows; waiting and age at low, normal, high, critical | taken
    [InlineData(8, "5 5 5 5", "0 0 0 0", "0 0 3 5")] // strict
    [InlineData(8, "5 0 0 2", "0 0 0 0", "5 0 0 2")] // the low fill what is free
    [InlineData(8, "0 0 0 20", "0 0 0 9000", "0 0 0 8")]
    [InlineData(8, "5 5 5 5", "999 999 999 999", "0 0 3 5")]
    [InlineData(8, "5 5 9 9", "1000 0 0 0", "1 0 0 7")] // an eighth for those who have aged
    [InlineData(16, "5 5 9 20", "1000 1000 0 0", "2 2 0 12")]
    [InlineData(8, "9 9 9 9", "5000 5000 5000 5000", "1 1 1 5")] // and no more than that
    [InlineData(16, "1 0 0 20", "1000 0 0 0", "1 0 0 15")]
    public void A_batch_is_divided(int rows, string waiting, string ages, string taken)
    {
        Span<int> actual = stackalloc int[PriorityShares.Levels];
        new PriorityShares(AgePeriod).Divide(rows, [.. Parse(waiting)], [.. Parse(ages).Select(age => 10_000L - age)], 10_000, actual);
        Assert.Equal(Parse(taken), actual.ToArray());
    }

    [Fact]
    public void Small_batches_add_up_to_the_same_shares()
    {
        var shares = new PriorityShares(AgePeriod);
        int[] sum = new int[PriorityShares.Levels];
        Span<int> taken = stackalloc int[PriorityShares.Levels];
        for (int i = 0; i < 800; i++)
        {
            shares.Divide(1, [9, 9, 9, 9], [0, 0, 0, 0], 5000, taken);
            for (int level = 0; level < sum.Length; level++)
            {
                sum[level] += taken[level];
            }
        }

        Assert.All(sum[..3], rows => Assert.InRange(rows, 98, 100));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(64)]
    public void No_row_waits_longer_than_the_bound(int maxRows)
    {
        // The levels above are always full; each batch takes one unit of time, and rows of all lower levels keep coming.
        var random = new Random(11);
        for (int round = 0; round < 50; round++)
        {
            var shares = new PriorityShares(AgePeriod);
            Queue<long>[] lanes = [.. Enumerable.Range(0, PriorityShares.Levels).Select(_ => new Queue<long>())];
            long run = 0;
            int[] taken = new int[PriorityShares.Levels];
            var aged = new Dictionary<(int Level, long Number), long>();
            long[] left = new long[PriorityShares.Levels];
            long[] came = new long[PriorityShares.Levels];
            for (long now = 0; now < 3000; now++)
            {
                for (int level = 0; level < lanes.Length; level++)
                {
                    int arrivals = level == lanes.Length - 1 ? maxRows : random.Next(4) == 0 ? random.Next(3) : 0;
                    for (; arrivals > 0; arrivals--, came[level]++)
                    {
                        lanes[level].Enqueue(now);
                    }

                    // Rows that come of age: from here the bound counts.
                    long number = left[level];
                    foreach (long enqueued in lanes[level])
                    {
                        if (now - enqueued < AgePeriod)
                        {
                            break;
                        }

                        aged.TryAdd((level, number), run + 8 * (number - left[level] + 2));
                        number++;
                    }
                }

                int rows = Math.Min(random.Next(1, maxRows + 1), lanes.Sum(lane => lane.Count));
                shares.Divide(
                    rows, [.. lanes.Select(lane => lane.Count)], [.. lanes.Select(lane => lane.TryPeek(out long first) ? first : 0)], now, taken);
                Assert.Equal(rows, taken.Sum());
                for (int level = 0; level < lanes.Length; level++)
                {
                    for (int i = 0; i < taken[level]; i++)
                    {
                        lanes[level].Dequeue();
                        if (level < lanes.Length - 1 && aged.TryGetValue((level, left[level]), out long due))
                        {
                            Assert.InRange(run, 0, due);
                        }

                        left[level]++;
                    }
                }

                run += rows;
            }
        }
    }

    private static int[] Parse(string text) => [.. text.Split(' ').Select(int.Parse)];
}
