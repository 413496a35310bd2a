using System.Globalization;

namespace FastBatch.Simulation.Replays;

/// <summary>One request of a recording, in ns from its start.</summary>
internal readonly record struct TraceRequest(long Submitted, int Rows, long Deadline, long Latency);

/// <summary>One batch of a recording, in ns from its start.</summary>
/// <param name="Oldest">When its oldest request was submitted.</param>
/// <param name="Closed">When its rows were fixed.</param>
/// <param name="Rows">How many they were.</param>
/// <param name="Ended">When the results were there.</param>
/// <param name="Delivered">When the last caller had been resumed.</param>
internal readonly record struct TraceBatch(long Oldest, long Closed, int Rows, long Ended, long Delivered);

/// <summary>
/// What came to a batcher and what it made of it, as a text file: a line of "fastbatch-trace,1,MaxBatchSize", then a line per request and per
/// batch with the members of these records in order, after the word "request" or "batch". Deadline 0 is none.
/// </summary>
internal sealed record Trace(int MaxBatchSize, TraceRequest[] Requests, TraceBatch[] Batches)
{
    private const string Magic = "fastbatch-trace,1,";

    public static Trace Read(string path)
    {
        string[] lines = File.ReadAllLines(path);
        if (lines.Length == 0 || !lines[0].StartsWith(Magic, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{path} does not begin with '{Magic}'.");
        }

        string[][] fields = [.. lines[1..].Select(line => line.Split(','))];
        return new Trace(
            int.Parse(lines[0][Magic.Length..], CultureInfo.InvariantCulture),
            [.. fields.Where(line => line[0] == "request").Select(line => new TraceRequest(Number(line[1]), (int)Number(line[2]), Number(line[3]), Number(line[4])))],
            [.. fields.Where(line => line[0] == "batch").Select(line => new TraceBatch(
                Number(line[1]), Number(line[2]), (int)Number(line[3]), Number(line[4]), Number(line[5])))]);
    }

    public void Write(string path)
    {
        using var file = new StreamWriter(path);
        file.WriteLine(Magic + MaxBatchSize.ToString(CultureInfo.InvariantCulture));
        foreach (TraceRequest request in Requests)
        {
            file.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"request,{request.Submitted},{request.Rows},{request.Deadline},{request.Latency}"));
        }

        foreach (TraceBatch batch in Batches)
        {
            file.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"batch,{batch.Oldest},{batch.Closed},{batch.Rows},{batch.Ended},{batch.Delivered}"));
        }
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
