using System.Runtime.InteropServices;
using FastBatch.Diagnostics;
using FastBatch.Tests.Devices.Simulated;

namespace FastBatch.Tests.Devices;

/// <content>Requests, and the method that they are for.</content>
public sealed partial class GraphTests
{
    private static long[] Padded(long firstId, int rows, int size) =>
        [.. Enumerable.Range(0, size).Select(i => i < rows ? firstId + i : 0)];

    private static Task<Exception?>[] SubmitAll(GraphEcho.PairBatcher batcher, int count, long firstId) =>
        [.. Enumerable.Range(0, count).Select(i => Submit(batcher, firstId + i))];

    private static async Task<Exception?> Submit(GraphEcho.PairBatcher batcher, long id)
    {
        float[] answer = new float[2];
        try
        {
            await batcher.SubmitAsync(new[] { id, id, id, id }, answer).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            return exception;
        }

        return answer[0] == id && answer[1] == id + 1 ? null : new InvalidDataException($"{id} was answered {answer[0]}, {answer[1]}.");
    }

    private static void AssertAnswered(Task<Exception?>[] requests, Pump pump)
    {
        pump.RunUntilIdle();
        Requests.AssertAnswered(requests);
    }

    // One batch, if it fits into one.
    private void Ask(GraphEcho.PairBatcher batcher, int rows, long firstId = 1) => AssertAnswered(SubmitAll(batcher, rows, firstId), _pump);

    // The graphs of 16 rows answer, in every place.
    private GraphEcho.PairBatcher Prepared(GraphEcho method)
    {
        GraphEcho.PairBatcher batcher = method.CreatePairBatcher(Options);
        while (batcher.GetGraphs()[4].Replays < 2 * Places)
        {
            Ask(batcher, 16);
        }

        return batcher;
    }

    private void NoteReplays() => _pump.Device.Replaying = compute =>
    {
        _isReplay = true;
        compute();
        _isReplay = false;
    };

    private void AssertRefused(GraphEcho method, string reason, bool areChecked = true, int rows = 16)
    {
        GraphEcho.PairBatcher batcher = method.CreatePairBatcher(Options);
        for (int round = 0; round < 10; round++)
        {
            Task<Exception?>[] requests = SubmitAll(batcher, rows, 1);
            _pump.RunUntilIdle();
            Assert.True(!areChecked || Array.TrueForAll(requests, static request => Requests.Outcome(request) is null));
        }

        GraphReport report = batcher.GetGraphs()[4];
        Assert.Contains(reason, report.Refusal, StringComparison.Ordinal);
        Assert.Equal(0, report.Replays);
        _pump.Close(batcher);
    }

    private sealed class Listener : BatchObserver
    {
        public List<(int Rows, string Reason)> Refusals { get; } = [];

        public override void OnGraphRefused(Batcher batcher, int rows, string reason) => Refusals.Add((rows, reason));
    }
}

/// <summary>As <see cref="Echo.Pair"/>, and tells what it saw.</summary>
internal sealed partial class GraphEcho(Action<long[]>? onBatch = null, TamperWith? tamper = null, bool overwrites = false)
{
    [Batchable(MaxBatchSize = 16)]
    public void Pair([Row(4)] ReadOnlySpan<long> ids, [Row(2)] Span<float> answers)
    {
        var seen = new long[ids.Length / 4];
        for (int i = 0; i < seen.Length; i++)
        {
            ReadOnlySpan<long> row = ids.Slice(i * 4, 4);
            seen[i] = row.IndexOfAnyExcept(row[0]) < 0 ? row[0] : long.MinValue;
            (answers[i * 2], answers[(i * 2) + 1]) = (seen[i], seen[i] + 1);
        }

        onBatch?.Invoke(seen);
        tamper?.Invoke(answers);
        if (overwrites)
        {
            MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(ids), ids.Length).Fill(77);
        }
    }
}

/// <summary>Changes answers.</summary>
internal delegate void TamperWith(Span<float> answers);
