using System.Diagnostics;
using System.Runtime.InteropServices;
using FastBatch.LoadTests.Rivals;
using FastBatch.LoadTests.Scenarios;

namespace FastBatch.LoadTests.Harness;

/// <summary>
/// One caller of the closed loop: it sends its next request when the last one is answered. It owns its buffers, its
/// counter and its histogram, none of them on a cache line of another's, so clients share nothing but the contender.
/// </summary>
internal sealed class Client
{
    // Numbers up to 2^24 are exact as floats: 4096 clients, each with 4096 values that come round again.
    private const int ValuesPerClient = 4096;

    // Elements: two cache lines, since adjacent ones are prefetched in pairs.
    private const int Padding = 32;

    private readonly int _index;
    private readonly float[] _row;
    private readonly float[] _answer = new float[Padding + Computation.AnswerLength + Padding];
    private readonly int _rowLength;
    private PaddedCount _completed;
    private long _sequence;

    private Client(int index, int rowLength)
    {
        _index = index;
        _rowLength = rowLength;
        _row = new float[Padding + rowLength + Padding];
        Array.Fill(_answer, float.NaN); // No request is answered by what was there before.
    }

    public long Completed => Volatile.Read(ref _completed.Value);

    public Histogram Latencies { get; } = new();

    public static Client[] Create(int count, int rowLength)
    {
        var clients = new Client[count];
        for (int i = 0; i < count; i++)
        {
            clients[i] = new Client(i, rowLength);
        }

        return clients;
    }

    public async Task RunAsync<TContender>(TContender contender, LoadWindow window, bool producesRows)
        where TContender : struct, IContender<TContender>
    {
        try
        {
            while (!window.IsClosed)
            {
                long sequence = ++_sequence;
                long start = ((sequence + _index) & window.SampleMask) == 0 && window.IsOpen ? Stopwatch.GetTimestamp() : 0;
                await Submit(contender, ValueOf(sequence), producesRows).ConfigureAwait(false);
                if (start != 0)
                {
                    Latencies.Record(Stopwatch.GetTimestamp() - start);
                }

                CheckAnswer<TContender>(ValueOf(sequence), producesRows);
                // One writer at a time, ordered by the await; the measuring thread only reads.
                Volatile.Write(ref _completed.Value, _completed.Value + 1);
            }
        }
        catch (Exception exception)
        {
            Failure.RequestFailed(TContender.Name, exception);
        }
    }

    private Memory<float> Answer => _answer.AsMemory(Padding, Computation.AnswerLength);

    private float ValueOf(long sequence) => (_index * ValuesPerClient) + (int)(sequence % ValuesPerClient);

    private ValueTask Submit<TContender>(TContender contender, float value, bool producesRows)
        where TContender : struct, IContender<TContender>
    {
        if (producesRows)
        {
            return TContender.SubmitProducedAsync(contender, value, _row.AsMemory(Padding, _rowLength), Answer);
        }

        _row[Padding] = value;
        _row[^(Padding + 1)] = -value;
        return contender.SubmitAsync(_row.AsMemory(Padding, _rowLength), Answer);
    }

    private void CheckAnswer<TContender>(float value, bool producesRows)
        where TContender : struct, IContender<TContender>
    {
        float last = producesRows ? value : -value;
        (float first, float other) = (_answer[Padding], _answer[^(Padding + 1)]);
        if (first != value * 2 || other != last)
        {
            Failure.WrongAnswer(TContender.Name, $"sent {value} and {last}, got {first} and {other}");
        }
    }

    /// <summary>Alone on its cache lines.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct PaddedCount
    {
        [FieldOffset(128)]
        public long Value;
    }
}
