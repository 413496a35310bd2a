using System.Diagnostics;
using System.Numerics;
using FastBatch.LoadTests.Harness;

namespace FastBatch.LoadTests.Gpu;

/// <summary>What one contender did in one window.</summary>
internal readonly record struct GpuMeasurement(Measurement Load, double? BatchMicroseconds, float MaxDifference);

/// <summary>
/// A closed loop: so many clients, each of which sends its next request when the last one is answered, and checks every answer. The contenders
/// are measured in turn, round after round; the first round warms up and is thrown away.
/// </summary>
internal sealed class GpuLoad<TRow, TAnswer>(GpuModel<TRow, TAnswer> model, int inFlight)
    where TRow : unmanaged
    where TAnswer : unmanaged, INumberBase<TAnswer>
{
    private readonly Client[] _clients = [.. Enumerable.Range(0, inFlight).Select(index => new Client(model, index))];

    public IEnumerable<(string Batcher, IReadOnlyList<GpuMeasurement> Rounds)> Run(
        IReadOnlyList<GpuContender<TRow, TAnswer>> contenders, int rounds, WindowLength length)
    {
        var measured = contenders.ToDictionary(static contender => contender, static _ => new List<GpuMeasurement>());
        for (int round = 0; round <= rounds; round++)
        {
            for (int turn = 0; turn < contenders.Count; turn++)
            {
                GpuContender<TRow, TAnswer> contender = contenders[(turn + round) % contenders.Count];
                GC.Collect(); // Nobody pays for what the one before left behind.
                GpuMeasurement measurement = Measure(contender, length);
                if (round > 0)
                {
                    measured[contender].Add(measurement);
                }
            }
        }

        return contenders.Select(contender => (contender.Name, (IReadOnlyList<GpuMeasurement>)measured[contender]));
    }

    private GpuMeasurement Measure(GpuContender<TRow, TAnswer> contender, WindowLength length)
    {
        foreach (Client client in _clients)
        {
            client.Clear();
        }

        long Completed() => _clients.Sum(static client => client.Completed);

        using var guard = new HangGuard($"{contender.Name}, {model.Name}, {inFlight} in flight", Completed);
        var window = new LoadWindow();
        Task[] loops = Array.ConvertAll(_clients, client => Task.Run(() => client.RunAsync(contender, window)));
        (Counters settling, Counters settled) = Counters.Over(length.Settle, Completed);
        window.SampleAtRate(settled.RequestsPerSecondSince(settling));
        contender.BatchTimes?.Clear();
        window.Open();
        (Counters first, Counters last) = Counters.Over(length.Measured, Completed);
        window.Close();
        double? batch = contender.BatchTimes?.MedianMicroseconds;
        Task.WaitAll(loops);

        var latencies = new Histogram();
        foreach (Client client in _clients)
        {
            latencies.Add(client.Latencies);
        }

        return new GpuMeasurement(last.Since(first, latencies), batch, _clients.Max(static client => client.MaxDifference));
    }

    private sealed class Client(GpuModel<TRow, TAnswer> model, int index)
    {
        // So that neighbours in a batch are other rows, in another order each time.
        private const int Stride = 31;

        private readonly TAnswer[] _answer = new TAnswer[model.AnswerLength];
        private long _completed;
        private long _sequence;

        public long Completed => Volatile.Read(ref _completed);

        public Histogram Latencies { get; } = new();

        public float MaxDifference { get; private set; }

        public void Clear()
        {
            Latencies.Clear();
            MaxDifference = 0;
        }

        public async Task RunAsync(GpuContender<TRow, TAnswer> contender, LoadWindow window)
        {
            try
            {
                while (!window.IsClosed)
                {
                    long sequence = _sequence++;
                    int row = (int)(((index * Stride) + sequence) % model.Rows.Length);
                    long start = ((sequence + index) & window.SampleMask) == 0 && window.IsOpen ? Stopwatch.GetTimestamp() : 0;
                    await contender.SubmitAsync(model.Rows[row], _answer).ConfigureAwait(false);
                    if (start != 0)
                    {
                        Latencies.Record(Stopwatch.GetTimestamp() - start);
                    }

                    MaxDifference = float.Max(MaxDifference, model.Check(contender.Name, row, _answer));
                    // One writer at a time, ordered by the await; the measuring thread only reads.
                    Volatile.Write(ref _completed, _completed + 1);
                }
            }
            catch (Exception exception)
            {
                Failure.RequestFailed(contender.Name, exception);
            }
        }
    }
}
