using System.Diagnostics;
using FastBatch.LoadTests.Rivals;

namespace FastBatch.LoadTests.Harness;

/// <summary>
/// Requests arrive at a fixed mean rate whether or not earlier ones are answered (Poisson, the same seeded arrivals for
/// every contender). The generator spins on a thread of its own, because sleeping is late by more than the latencies
/// measured here: it takes one processor away from the contender, and its time is part of the processor time reported.
/// </summary>
internal static class OpenLoop
{
    private const int MostInFlight = 4096;

    // With two processors a thread of the contender may be queued behind the generator; while there is time it lets it pass.
    private static readonly long s_ticksWorthYielding = Stopwatch.Frequency / 50_000;

    private static readonly double[] s_gaps = PoissonGaps(count: 1 << 16, seed: 20240229);

    public static Measurement Measure<TContender>(double requestsPerSecond, WindowLength length)
        where TContender : struct, IContender<TContender>
    {
        TContender contender = TContender.Start();
        var arrivals = new Arrival<TContender>[MostInFlight];
        for (int i = 0; i < arrivals.Length; i++)
        {
            arrivals[i] = new Arrival<TContender>(contender, i);
        }

        long Completed() => arrivals.Sum(static arrival => arrival.Completed);

        using var guard = new HangGuard($"{TContender.Name}, {requestsPerSecond:0} requests/s", Completed);
        var window = new LoadWindow();
        var latencies = new Histogram();
        var generator = new Thread(() => Generate(arrivals, requestsPerSecond, window, latencies))
        {
            IsBackground = true,
            Name = "arrivals",
        };
        generator.Start();

        Thread.Sleep(length.Settle);
        window.Open();
        (Counters first, Counters last) = Counters.Over(length.Measured, Completed);
        window.Close();
        generator.Join();
        foreach (Arrival<TContender> arrival in arrivals)
        {
            arrival.Stop();
            arrival.Loop.Wait();
        }

        contender.StopAsync().AsTask().Wait();
        return last.Since(first, latencies);
    }

    private static void Generate<TContender>(
        Arrival<TContender>[] arrivals, double requestsPerSecond, LoadWindow window, Histogram latencies)
        where TContender : struct, IContender<TContender>
    {
        double ticksPerRequest = Stopwatch.Frequency / requestsPerSecond;
        double intendedAt = Stopwatch.GetTimestamp();
        for (int sent = 0; intendedAt < window.ClosedAt; sent++)
        {
            intendedAt += s_gaps[sent & (s_gaps.Length - 1)] * ticksPerRequest;
            WaitUntil(intendedAt);

            // In order of age, so a free one is nearly always next; when all are in flight time goes on and counts.
            Arrival<TContender> arrival = arrivals[sent & (MostInFlight - 1)];
            Collect(arrival, window, latencies);
            arrival.Send((long)intendedAt);
        }

        foreach (Arrival<TContender> arrival in arrivals)
        {
            Collect(arrival, window, latencies);
        }
    }

    private static void Collect<TContender>(Arrival<TContender> arrival, LoadWindow window, Histogram latencies)
        where TContender : struct, IContender<TContender>
    {
        while (arrival.InFlight)
        {
            Thread.Yield();
        }

        if (arrival.IntendedAt >= window.OpenedAt && arrival.IntendedAt < window.ClosedAt)
        {
            latencies.Record(arrival.Latency);
        }

        arrival.Collected();
    }

    private static void WaitUntil(double timestamp)
    {
        double left;
        while ((left = timestamp - Stopwatch.GetTimestamp()) > 0)
        {
            if (left > s_ticksWorthYielding)
            {
                Thread.Yield();
            }
            else
            {
                Thread.SpinWait(1);
            }
        }
    }

    /// <summary>Times between arrivals, exponential with mean 1.</summary>
    private static double[] PoissonGaps(int count, int seed)
    {
        var random = new Random(seed);
        var gaps = new double[count];
        for (int i = 0; i < count; i++)
        {
            gaps[i] = -Math.Log(1 - random.NextDouble());
        }

        double mean = gaps.Average();
        return Array.ConvertAll(gaps, gap => gap / mean);
    }
}
