using FastBatch.Scheduling;

namespace FastBatch.Tests.Scheduling;

/// <summary>What is learned of the device, and what must not be.</summary>
public class CostModelTests
{
    [Fact]
    public void Learns_a_line_from_noisy_batches()
    {
        var model = new CostModel();
        Feed(model, 500, n => 2000 + 80 * n, jitter: 0.03);
        Assert.InRange(model.Fixed, 1850, 2150);
        Assert.InRange(model.PerRow, 75, 85);
        Assert.InRange(model.Predict(64), 0.97 * 7120, 1.03 * 7120);
    }

    [Fact]
    public void The_first_run_of_each_size_is_a_warm_up()
    {
        var model = new CostModel();
        foreach (int rows in (int[])[1, 2, 4, 64, 65, 200])
        {
            model.Record(rows, 1e9);
            Assert.Equal(0, model.Samples);
        }

        // Sizes above 64 are told apart by their power of two alone.
        model.Record(100, 1000);
        Assert.Equal(1, model.Samples);
        model.Record(2, 500);
        model.Record(300, 1e9);
        Assert.Equal(2, model.Samples);
    }

    [Theory]
    [InlineData(new[] { 63, 63, 64, 64 }, 2)]
    [InlineData(new[] { 64, 64, 65, 127, 128, 255 }, 3)]
    [InlineData(new[] { 1, 65, 129, 1, 65, 129 }, 3)]
    [InlineData(new[] { 7, 8, 9, 71, 8 }, 1)]
    public void Sizes_are_told_apart_up_to_64_and_by_their_power_of_two_above(int[] sizes, int counted)
    {
        var model = new CostModel();
        Array.ForEach(sizes, rows => model.Record(rows, 1000));
        Assert.Equal(counted, model.Samples);
    }

    [Theory]
    [InlineData(new[] { 1, 2, 4, 8 }, new[] { 100.0, 120, 160, 240 })] // a line
    [InlineData(new[] { 1, 2, 4, 8 }, new[] { 240.0, 160, 120, 100 })] // falls: a constant, the mean
    [InlineData(new[] { 1, 2, 4, 8 }, new[] { 10.0, 40, 160, 640 })] // convex: through the origin
    [InlineData(new[] { 1, 64 }, new[] { 0.0, 0 })]
    public void Is_the_weighted_fit_of_its_samples_and_costs_are_never_negative(int[] sizes, double[] durations)
    {
        var model = new CostModel();
        Array.ForEach(sizes, rows => model.Record(rows, 1e9));
        for (int i = 0; i < sizes.Length; i++)
        {
            model.Record(sizes[i], durations[i]);
        }

        (int Rows, double Duration, double Weight)[] samples =
            [.. sizes.Select((rows, i) => (rows, durations[i], Math.Pow(0.98, sizes.Length - 1 - i)))];
        double weight = samples.Sum(static sample => sample.Weight);
        double meanRows = samples.Sum(static sample => sample.Weight * sample.Rows) / weight;
        double mean = samples.Sum(static sample => sample.Weight * sample.Duration) / weight;
        double slope = samples.Sum(sample => sample.Weight * (sample.Rows - meanRows) * sample.Duration)
            / samples.Sum(sample => sample.Weight * (sample.Rows - meanRows) * (sample.Rows - meanRows));
        double intercept = mean - (slope * meanRows);
        double origin = samples.Sum(static sample => sample.Weight * sample.Rows * sample.Duration)
            / samples.Sum(static sample => sample.Weight * sample.Rows * sample.Rows);
        (double fixedCost, double perRow) = slope < 0 ? (mean, 0) : intercept < 0 ? (0, origin) : (intercept, slope);
        Assert.Equal(fixedCost, model.Fixed, 1e-6);
        Assert.Equal(perRow, model.PerRow, 1e-6);
    }

    [Fact]
    public void What_is_free_at_first_is_worth_its_weighted_mean_later()
    {
        var model = new CostModel();
        model.Record(5, 1e9);
        model.Record(5, 0);
        Assert.Equal((1, 0.0), (model.Samples, model.Predict(5)));
        model.Record(5, 99);
        Assert.Equal(99 / 1.98, model.Predict(5), 1e-9);

        // Time that runs backwards says nothing.
        model.Record(5, -1);
        Assert.Equal(2, model.Samples);
    }

    [Fact]
    public void One_wild_sample_hardly_moves_it()
    {
        var model = new CostModel();
        Feed(model, 200, n => 2000 + 80 * n, jitter: 0.03);
        double before = model.Predict(32);
        model.Record(32, 1e9);
        Assert.InRange(model.Predict(32), 0.99 * before, 1.02 * before);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(0.3)]
    public void A_lasting_change_is_followed(double factor)
    {
        var model = new CostModel();
        Feed(model, 300, n => 2000 + 80 * n, jitter: 0.03);
        Feed(model, 200, n => factor * (2000 + 80 * n), jitter: 0.03);
        Assert.InRange(model.Predict(32) / (factor * (2000 + 80 * 32)), 0.9, 1.1);
    }

    [Fact]
    public void Batches_of_one_size_scale_the_line_they_do_not_bend()
    {
        var model = new CostModel();
        Feed(model, 300, n => 2000 + 80 * n, jitter: 0);
        for (int i = 0; i < 2000; i++)
        {
            model.Record(16, (i < 1000 ? 1 : 2) * (2000 + 80 * 16));
        }

        Assert.Equal(2 * 2000, model.Fixed, 1.0);
        Assert.Equal(2 * 80, model.PerRow, 0.1);
    }

    [Fact]
    public void One_size_alone_is_all_fixed_cost()
    {
        var model = new CostModel();
        for (int i = 0; i < 10; i++)
        {
            model.Record(8, 100);
        }

        Assert.Equal((100, 0), (model.Fixed, model.PerRow));
    }

    [Theory]
    [InlineData(1000, -10)] // larger batches seem to cost less
    [InlineData(-100, 50)] // so much less that small ones seem to cost nothing
    public void Neither_part_is_ever_negative(double a, double b)
    {
        var model = new CostModel();
        Feed(model, 300, n => Math.Max(1, a + b * n), jitter: 0);
        Assert.True(model.Fixed >= 0);
        Assert.True(model.PerRow >= 0);
        Assert.True(double.IsFinite(model.Predict(64)));
    }

    [Fact]
    public void Durations_of_zero_leave_it_finite()
    {
        var model = new CostModel();
        Feed(model, 100, _ => 0, jitter: 0);
        Assert.Equal(0, model.Predict(64));
        Feed(model, 500, n => 100 + n, jitter: 0.01);
        Assert.True(double.IsFinite(model.Predict(64)));
    }

    [Fact]
    public void Arrivals_are_counted_over_the_last_some_hundred_rows()
    {
        var rate = new ArrivalRate();
        Assert.Equal(0, rate.Value);
        for (int i = 0; i <= 1000; i++)
        {
            rate.Record(total: 3 * i, now: 100 * i);
        }

        Assert.Equal(0.03, rate.Value, 1e-9);
        for (int i = 0; i <= 500; i++)
        {
            rate.Record(total: 3000 + 3 * i, now: 100_000 + 10 * i);
        }

        Assert.Equal(0.3, rate.Value, 0.01);
    }

    [Fact]
    public void A_silence_lowers_the_rate()
    {
        var rate = new ArrivalRate();
        rate.Record(0, 0);
        rate.Record(256, 256);
        rate.Record(257, 256_000);
        Assert.InRange(rate.Value, 0, 0.002);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Deciding_and_learning_allocate_nothing(double price)
    {
        var scheduler = new Scheduler(new AdaptivePolicy(price), 64, 1_000_000_000);
        Loop(1000);

        // What is allocated is allocated every time. A collection that another test causes may shift this thread's count once.
        long allocated = long.MaxValue;
        for (int attempt = 0; attempt < 5 && allocated > 0; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Loop(10_000);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(0, allocated);

        void Loop(int count)
        {
            for (int i = 1; i <= count; i++)
            {
                int waiting = 1 + i % 64;
                scheduler.Decide(new QueueState(waiting, waiting, 10L * i, 1000L * i, 1000L * i, 0, false), 1000L * i);
                scheduler.Record(waiting, 1000L * i, 1000L * i + 500 + 10 * waiting);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void One_of_the_first_batches_that_was_held_up_does_not_count_for_all(int held)
    {
        var model = new CostModel();
        int[] sizes = [1, 2, 4, 8, 16];
        Array.ForEach(sizes, rows => model.Record(rows, 100));
        for (int i = 0; i < sizes.Length; i++)
        {
            model.Record(sizes[i], i == held ? 1_000_000 : 100 + sizes[i]);
        }

        model.Record(16, 116);
        Assert.InRange(model.Predict(16), 50, 2_000);
    }

    private static void Feed(CostModel model, int batches, Func<int, double> cost, double jitter)
    {
        var random = new Random(7);
        for (int i = 0; i < batches; i++)
        {
            int rows = random.Next(1, 65);
            model.Record(rows, cost(rows) * (1 + jitter * (2 * random.NextDouble() - 1)));
        }
    }
}
