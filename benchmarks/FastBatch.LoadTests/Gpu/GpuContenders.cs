using System.Threading.Channels;
using FastBatch.Diagnostics;
using FastBatch.LoadTests.Harness;
using FastBatch.Native;

namespace FastBatch.LoadTests.Gpu;

/// <summary>A way to get rows to a model and answers back. One is under load at a time.</summary>
internal abstract class GpuContender<TRow, TAnswer>(string name) : IAsyncDisposable
{
    public string Name => name;

    /// <summary>From the launch of a batch until its results were there, where that is known.</summary>
    public virtual BatchTimes? BatchTimes => null;

    /// <summary>The most requests that make sense at once.</summary>
    public virtual int MostInFlight => int.MaxValue;

    /// <summary>What was asked of it and not done, a sentence each.</summary>
    public virtual IEnumerable<string> Refusals => [];

    /// <summary>The row is read, and the answer written, before the returned task completes.</summary>
    public abstract ValueTask SubmitAsync(ReadOnlyMemory<TRow> row, Memory<TAnswer> answer);

    public abstract ValueTask DisposeAsync();
}

/// <summary>How long batches took. Several threads may tell of different batches at once.</summary>
internal sealed class BatchTimes : BatchObserver
{
    private readonly Lock _gate = new();
    private readonly Histogram _times = new();

    public double MedianMicroseconds
    {
        get
        {
            lock (_gate)
            {
                return _times.PercentileMicroseconds(0.5);
            }
        }
    }

    public void Clear()
    {
        lock (_gate)
        {
            _times.Clear();
        }
    }

    public override void OnBatch(Batcher batcher, in BatchReport batch)
    {
        lock (_gate)
        {
            BatchMeter.Record(batch.Rows);
            _times.Record(batch.Ended - batch.Started);
        }
    }
}

/// <summary>FastBatch with its defaults.</summary>
internal sealed class GpuFastBatch<TRow, TAnswer> : GpuContender<TRow, TAnswer>
{
    private readonly Served<TRow, TAnswer> _served;
    private readonly BatchTimes _times = new();
    private readonly IDisposable _observing;

    public GpuFastBatch(string name, Served<TRow, TAnswer> served)
        : base(name)
    {
        _served = served;
        _observing = served.Batcher.Observe(_times);
        served.Batcher.WarmUpAsync().GetAwaiter().GetResult();
    }

    public override BatchTimes BatchTimes => _times;

    public override IEnumerable<string> Refusals => _served.Batcher.GetGraphs()
        .Where(static size => size.Refusal is not null).Select(static size => $"batches of {size.Rows} run without a graph: {size.Refusal}");

    public override ValueTask SubmitAsync(ReadOnlyMemory<TRow> row, Memory<TAnswer> answer) => _served.Submit(row, answer);

    public override ValueTask DisposeAsync()
    {
        _observing.Dispose();
        return _served.Batcher.DisposeAsync();
    }
}

/// <summary>No batching: the caller runs the model on its row, and waits for the device.</summary>
internal sealed class GpuOneByOne<TRow, TAnswer>(GpuModel<TRow, TAnswer> model) : GpuContender<TRow, TAnswer>("one-by-one")
    where TRow : unmanaged
    where TAnswer : unmanaged, System.Numerics.INumberBase<TAnswer>
{
    public override int MostInFlight => 1;

    public override ValueTask SubmitAsync(ReadOnlyMemory<TRow> row, Memory<TAnswer> answer)
    {
        model.Forward(row.Span, answer.Span);
        BatchMeter.Record(1);
        return ValueTask.CompletedTask;
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>
/// The batcher as it is written by hand, with care for the CPU's side: a channel, one loop, buffers that are used again, callers on the thread
/// pool. On the device's side it is naive: pageable memory, the default stream, and each step waits for the one before.
/// </summary>
internal sealed class GpuNaive<TRow, TAnswer> : GpuContender<TRow, TAnswer>
    where TRow : unmanaged
    where TAnswer : unmanaged, System.Numerics.INumberBase<TAnswer>
{
    private readonly GpuModel<TRow, TAnswer> _model;
    private readonly Channel<Request> _channel = Channel.CreateUnbounded<Request>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Thread _thread;
    private readonly TRow[] _rows;
    private readonly TAnswer[] _answers;
    private readonly Request[] _batch;

    public GpuNaive(GpuModel<TRow, TAnswer> model)
        : base("naive")
    {
        _model = model;
        _rows = GC.AllocateArray<TRow>(model.Batch * model.RowLength, pinned: true);
        _answers = new TAnswer[model.Batch * model.AnswerLength];
        _batch = new Request[model.Batch];
        _thread = new Thread(Run) { IsBackground = true, Name = "naive batcher" };
        _thread.Start();
    }

    public override ValueTask SubmitAsync(ReadOnlyMemory<TRow> row, Memory<TAnswer> answer)
    {
        var request = new Request(row, answer);
        return _channel.Writer.TryWrite(request) ? new ValueTask(request.Task) : throw new ChannelClosedException();
    }

    public override ValueTask DisposeAsync()
    {
        _channel.Writer.Complete();
        _thread.Join();
        return ValueTask.CompletedTask;
    }

    private void Run()
    {
        ChannelReader<Request> reader = _channel.Reader;
        int count = 0;
        try
        {
            while (reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            {
                for (count = 0; count < _batch.Length && reader.TryRead(out Request? request); count++)
                {
                    request.Row.Span.CopyTo(_rows.AsSpan(count * _model.RowLength));
                    _batch[count] = request;
                }

                Answer(count);
            }
        }
        catch (Exception exception)
        {
            Failure.RequestFailed(Name, exception);
        }
    }

    private void Answer(int count)
    {
        int length = _model.AnswerLength;
        _model.Forward(_rows.AsSpan(0, count * _model.RowLength), _answers.AsSpan(0, count * length));
        BatchMeter.Record(count);
        for (int i = 0; i < count; i++)
        {
            _answers.AsSpan(i * length, length).CopyTo(_batch[i].Answer.Span);
            _batch[i].SetResult();
        }
    }

    private sealed class Request(ReadOnlyMemory<TRow> row, Memory<TAnswer> answer)
        : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public ReadOnlyMemory<TRow> Row => row;

        public Memory<TAnswer> Answer => answer;
    }
}
