using System.Diagnostics;
using FastBatch.LoadTests.Harness;

namespace FastBatch.LoadTests.Scenarios;

/// <summary>A model over a batch: rows one after the other in, answers one after the other out.</summary>
internal interface IModel
{
    static abstract int RowLength { get; }

    static virtual int MaxBatchSize => Computation.MaxBatchSize;

    static abstract void Run(ReadOnlySpan<float> rows, Span<float> answers);
}

/// <summary>The computations, free of any batcher, so that every contender runs the same code.</summary>
internal static class Computation
{
    public const int MaxBatchSize = 64;
    public const int MaxBatchSizeOfLargeRows = 16; // As many as are in flight: more would only measure the memory they lie in.
    public const int AnswerLength = 16;
    public const int SmallRow = 128;
    public const int MediumRow = 3_072;
    public const int LargeRow = 150_000;

    private const double DeviceMicrosecondsPerBatch = 200;
    private const double DeviceMicrosecondsPerRow = 2;

    private static int s_deviceBusy;

    /// <summary>Rows per second of the simulated device when every batch is full.</summary>
    public static double DeviceCapacity =>
        MaxBatchSize * 1e6 / (DeviceMicrosecondsPerBatch + (MaxBatchSize * DeviceMicrosecondsPerRow));

    /// <summary>Touches both ends of a row, so that a stale or shifted row gives a wrong answer, and costs next to nothing.</summary>
    public static void NoOp(ReadOnlySpan<float> rows, Span<float> answers, int rowLength)
    {
        int count = answers.Length / AnswerLength;
        BatchMeter.Record(count);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<float> row = rows.Slice(i * rowLength, rowLength);
            Span<float> answer = answers.Slice(i * AnswerLength, AnswerLength);
            answer[0] = row[0] * 2;
            answer[AnswerLength - 1] = row[rowLength - 1];
        }
    }

    /// <summary>The same answers from an accelerator that takes a while and runs one batch at a time.</summary>
    public static void Device(ReadOnlySpan<float> rows, Span<float> answers)
    {
        long start = Stopwatch.GetTimestamp();
        if (Interlocked.Exchange(ref s_deviceBusy, 1) != 0)
        {
            throw new InvalidOperationException("Two batches ran on the one device at the same time.");
        }

        double microseconds = DeviceMicrosecondsPerBatch + (answers.Length / AnswerLength * DeviceMicrosecondsPerRow);
        long end = start + (long)(microseconds * Stopwatch.Frequency / 1e6);
        NoOp(rows, answers, SmallRow);
        while (Stopwatch.GetTimestamp() < end)
        {
            Thread.SpinWait(1);
        }

        Volatile.Write(ref s_deviceBusy, 0);
    }
}

internal readonly struct SmallNoOp : IModel
{
    public static int RowLength => Computation.SmallRow;

    public static void Run(ReadOnlySpan<float> rows, Span<float> answers) => Computation.NoOp(rows, answers, RowLength);
}

internal readonly struct MediumNoOp : IModel
{
    public static int RowLength => Computation.MediumRow;

    public static void Run(ReadOnlySpan<float> rows, Span<float> answers) => Computation.NoOp(rows, answers, RowLength);
}

internal readonly struct LargeNoOp : IModel
{
    public static int RowLength => Computation.LargeRow;

    public static int MaxBatchSize => Computation.MaxBatchSizeOfLargeRows;

    public static void Run(ReadOnlySpan<float> rows, Span<float> answers) => Computation.NoOp(rows, answers, RowLength);
}

internal readonly struct SimulatedDevice : IModel
{
    public static int RowLength => Computation.SmallRow;

    public static void Run(ReadOnlySpan<float> rows, Span<float> answers) => Computation.Device(rows, answers);
}
