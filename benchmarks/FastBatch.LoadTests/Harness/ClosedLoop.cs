using FastBatch.LoadTests.Rivals;

namespace FastBatch.LoadTests.Harness;

/// <summary>A fixed number of requests in flight: every client waits for its answer before it sends again.</summary>
internal static class ClosedLoop
{
    public static Measurement Measure<TContender>(ReadOnlySpan<Client> clients, bool producesRows, WindowLength length)
        where TContender : struct, IContender<TContender>
    {
        Client[] active = ActiveClients<TContender>(clients);
        foreach (Client client in active)
        {
            client.Latencies.Clear();
        }

        long Completed() => active.Sum(static client => client.Completed);

        using var guard = new HangGuard($"{TContender.Name}, {clients.Length} in flight", Completed);
        TContender contender = TContender.Start();
        var window = new LoadWindow();
        Task[] loops = Array.ConvertAll(active, client => Task.Run(() => client.RunAsync(contender, window, producesRows)));

        (Counters settling, Counters settled) = Counters.Over(length.Settle, Completed);
        window.SampleAtRate(settled.RequestsPerSecondSince(settling));
        window.Open();
        (Counters first, Counters last) = Counters.Over(length.Measured, Completed);
        window.Close();
        Task.WaitAll(loops);
        contender.StopAsync().AsTask().Wait();

        var latencies = new Histogram();
        foreach (Client client in active)
        {
            latencies.Add(client.Latencies);
        }

        return last.Since(first, latencies);
    }

    /// <summary>
    /// A contender that answers within the call never lets go of its thread, so no more of its clients can run than
    /// there are processors; the rest would only wait in the thread pool's queue and make it grow.
    /// </summary>
    private static Client[] ActiveClients<TContender>(ReadOnlySpan<Client> clients)
        where TContender : struct, IContender<TContender>
    {
        int count = TContender.IsReference ? Math.Min(clients.Length, Environment.ProcessorCount) : clients.Length;
        return clients[..count].ToArray();
    }
}
