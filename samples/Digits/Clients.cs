using System.Diagnostics;
using CommunityToolkit.HighPerformance;

namespace Digits;

/// <summary>
/// Concurrent clients, each with one request under way at a time: it sends an image, waits for the logits, checks them against those that
/// the network gives for this image alone, and sends the next.
/// </summary>
/// <param name="engine">What serves them.</param>
/// <param name="data">The images.</param>
/// <param name="expected">The logits of each image alone.</param>
public sealed class Clients(IEngine engine, DigitsData data, ReadOnlyMemory2D<float> expected)
{
    private readonly List<Client> _clients = [];
    private volatile bool _stopped;

    /// <summary>Requests answered so far, by all clients.</summary>
    public long Answered => _clients.Sum(client => Volatile.Read(ref client.Answered));

    /// <summary>Runs <paramref name="count"/> clients until <see cref="Stop"/>.</summary>
    /// <param name="count">The number of clients.</param>
    public Task RunAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            _clients.Add(new Client { Next = (int)((long)i * data.Count / count) });
        }

        return Task.WhenAll(_clients.ConvertAll(client => Task.Run(() => RunAsync(client))));
    }

    /// <summary>Lets every client finish its request and end.</summary>
    public void Stop() => _stopped = true;

    /// <summary>The latencies so far.</summary>
    public LatencyHistogram Latency()
    {
        var latency = new LatencyHistogram();
        _clients.ForEach(client => latency.Add(client.Latency));
        return latency;
    }

    /// <summary>How many answers were right, and how far they were from those of the image alone. Once the clients have ended.</summary>
    public (long Correct, double MaxAbsDifference) Check() =>
        (_clients.Sum(client => client.Correct), _clients.Max(client => client.MaxAbsDifference));

    private async Task RunAsync(Client client)
    {
        float[] logits = new float[DigitsNetwork.ClassCount];
        while (!_stopped)
        {
            int image = client.Next;
            client.Next = (image + 1) % data.Count;

            long sent = Stopwatch.GetTimestamp();
            await engine.ClassifyAsync(data.Image(image).Span, logits);
            client.Latency.Record((long)Stopwatch.GetElapsedTime(sent).TotalNanoseconds);

            client.Correct += logits.IndexOf(logits.Max()) == data.Label(image) ? 1 : 0;
            client.MaxAbsDifference = Math.Max(client.MaxAbsDifference, Difference(logits, expected.Span.GetRowSpan(image)));

            Volatile.Write(ref client.Answered, client.Answered + 1);
        }
    }

    private static double Difference(ReadOnlySpan<float> logits, ReadOnlySpan<float> expected)
    {
        double largest = 0;
        for (int i = 0; i < logits.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(logits[i] - expected[i]));
        }

        return largest;
    }

    private sealed class Client
    {
        public readonly LatencyHistogram Latency = new();
        public long Answered;
        public long Correct;
        public double MaxAbsDifference;
        public int Next;
    }
}
