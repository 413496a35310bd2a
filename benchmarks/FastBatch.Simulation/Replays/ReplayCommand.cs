using System.Globalization;
using FastBatch.Simulation.Arrivals;
using FastBatch.Simulation.Oracles;

namespace FastBatch.Simulation.Replays;

/// <summary>Replays recordings: the same requests meet the same machine, with the same settings or others.</summary>
internal static class ReplayCommand
{
    public const string Usage = "replay FILE... [--max-batch-size N] [--devices N] [--deadline MS]";

    // The start is not measured, here or there.
    private const double BurnIn = 0.05;

    public static bool TryRun(ReadOnlySpan<string> args, TextWriter output)
    {
        var files = new List<string>();
        (int? size, int devices, double deadline) = (null, 1, double.PositiveInfinity);
        for (int i = 0; i < args.Length; i++)
        {
            double number = i + 1 < args.Length && double.TryParse(args[i + 1], CultureInfo.InvariantCulture, out double parsed) ? parsed : -1;
            switch (args[i])
            {
                case "--max-batch-size" when number >= 1:
                    size = (int)number;
                    break;
                case "--devices" when number >= 1:
                    devices = (int)number;
                    break;
                case "--deadline" when number > 0:
                    deadline = number;
                    break;
                case ['-', ..]:
                    return false;
                default:
                    files.Add(args[i]);
                    continue;
            }

            i++;
        }

        output.WriteLine("| recording | requests/s | rows a batch | mean, ms | replayed | p99, ms | replayed | lost |");
        output.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (string file in files)
        {
            var trace = Trace.Read(file);
            Measurement run = Replay(trace, size, devices, deadline);
            TraceRequest[] measured = trace.Requests[(int)(BurnIn * trace.Requests.Length)..];
            long[] latencies = [.. measured.Select(request => request.Latency).Order()];
            (double mean, double tail) = (latencies.Average() / 1e6, latencies[(int)(0.99 * latencies.Length)] / 1e6);
            double rate = measured.Length / ((measured[^1].Submitted - measured[0].Submitted) / 1e9);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
                | {Path.GetFileNameWithoutExtension(file)} | {rate:0} | {trace.Batches.Average(batch => (double)batch.Rows):0.0} → {run.MeanBatch:0.0} | {mean:0.000} | {run.MeanLatency:0.000} ({run.MeanLatency / mean:0.00}x) | {tail:0.000} | {run.Percentile(0.99):0.000} ({run.Percentile(0.99) / tail:0.00}x) | {100.0 * run.LostRequests / measured.Length:0.00} % |
                """));
        }

        return files.Count > 0;
    }

    /// <summary>The recording's requests, on its machine.</summary>
    public static Measurement Replay(Trace trace, int? maxBatchSize = null, int devices = 1, double deadline = double.PositiveInfinity)
    {
        RecordedMachine machine = RecordedMachine.From(trace);
        long[] arrivals = [.. trace.Requests.SelectMany(request => Enumerable.Repeat(request.Submitted, request.Rows))];
        var scenario = new Scenario(machine.Device, maxBatchSize ?? trace.MaxBatchSize, _ => new TraceArrivals(arrivals))
        {
            Requests = arrivals.Length,
            BurnIn = (int)(BurnIn * arrivals.Length),
            Devices = devices,
            Machine = machine.Times,
            Deadline = double.IsFinite(deadline) || trace.Requests[0].Deadline == 0 ? deadline : trace.Requests[0].Deadline / 1e6,
        };
        return SimulationRun.Run(scenario, Scenarios.Default);
    }
}
