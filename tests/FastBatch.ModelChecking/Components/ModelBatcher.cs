using FastBatch.Completion;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.ModelChecking.Components;

/// <summary>A whole batcher, as generated code makes one: it answers each row with itself.</summary>
internal sealed class ModelBatcher : Batcher
{
    private readonly InputRows<int> _ids;
    private readonly RequestPool<ModelRequest> _requests;

    // By lane; those of batches that were gathered from several are not looked at.
    private readonly Plain<int>[][] _rows = new Plain<int>[RowPlace.Lanes][];

    public ModelBatcher(BatcherOptions options)
        : base("Model", options, maxBatchSize: 2, maxQueueDelayMicroseconds: 0)
    {
        _ids = AddInput<int>("ids", 1);
        _requests = AddRequests(static () => new ModelRequest());
        for (int lane = 0; lane < _rows.Length; lane++)
        {
            _rows[lane] = new Plain<int>[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)options.Capacity!.Value)];
        }

        Open();
    }

    /// <summary>Whether threads have had stripes.</summary>
    public void MakeStripes() => Lanes(this).MakeStripes();

    /// <summary>As the generated method, and the await of what it returns.</summary>
    public void Submit(int id, Action<ModelRequest, short> then, CancellationToken cancellationToken = default)
    {
        ModelRequest request = _requests.Rent();
        if (TryClaim(request, cancellationToken, out RowClaim claim))
        {
            _ids.Row(claim)[0] = id;
            if (!claim.IsParked)
            {
                _rows[RowPlace.Lane(claim.Row)][RowPlace.Index(claim.Row)].Set(id, "row");
            }

            Publish(claim, request);
        }

        request.Await(then);
    }

    protected override OutputSlab CreateOutputs(int maxRows) => new AnswerSlab(maxRows);

    [System.Runtime.CompilerServices.UnsafeAccessor(System.Runtime.CompilerServices.UnsafeAccessorKind.Field, Name = "_lanes")]
    private static extern ref PriorityLanes Lanes(Batcher batcher);

    protected override void Run(Batch batch)
    {
        ReadOnlySpan<int> ids = _ids.Rows(batch);
        for (int i = 0; i < ids.Length; i++)
        {
            if (!batch.IsMixed)
            {
                Plain<int>[] rows = _rows[RowPlace.Lane(batch.HostRow)];
                _ = rows[(batch.HostRow + i) & (rows.Length - 1)].Get(0, "row");
            }

            ((AnswerSlab)batch.Outputs).Answers[i].Set(ids[i], "answer");
        }
    }
}

/// <summary>Outputs whose rows are checked for races.</summary>
internal sealed class AnswerSlab(int maxRows) : OutputSlab(maxRows)
{
    public Plain<int>[] Answers { get; } = new Plain<int>[maxRows];
}

/// <summary>Runs whatever waits.</summary>
internal sealed class DispatchAll : IBatchPolicy
{
    public static DispatchAll Instance { get; } = new();

    public BatchDecision Decide(in QueueSnapshot queue, long now) => BatchDecision.Dispatch(queue.Waiting);
}

/// <summary>Waits for a full batch, for as long as it takes.</summary>
internal sealed class DispatchFull : IBatchPolicy
{
    public static DispatchFull Instance { get; } = new();

    public BatchDecision Decide(in QueueSnapshot queue, long now) => queue.Waiting == queue.MaxBatchSize
        ? BatchDecision.Dispatch(queue.Waiting)
        : BatchDecision.WaitUntil(long.MaxValue, queue.MaxBatchSize);
}

/// <summary>For what needs a batcher and asks nothing of it.</summary>
internal sealed class PassiveBatcher() : Batcher(
    "Model", new BatcherOptions { TimeProvider = new StoppedTime(), MaxBatchSize = 2 }, maxBatchSize: 2, maxQueueDelayMicroseconds: 0)
{

    protected override OutputSlab CreateOutputs(int maxRows) => new AnswerSlab(maxRows);

    protected override void Run(Batch batch) => throw new NotSupportedException();
}

/// <summary>Time that does not pass, but is late for one thread, which calls the one timer when it pleases.</summary>
internal sealed class LateTime(string late) : TimeProvider
{
    private Action? _tick;

    public override long GetTimestamp() => Trial.CurrentThread?.Name == late ? 2_000_000 : 1_000_000;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        _tick = () => callback(state);
        return new Never();
    }

    public void Tick() => _tick!();

    private sealed class Never : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

/// <summary>Time that does not pass.</summary>
internal sealed class StoppedTime : TimeProvider
{
    public override long GetTimestamp() => 1_000_000;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new RepeatingTimer(callback, state);

    /// <summary>Fires again and again while it is set.</summary>
    private sealed class RepeatingTimer(TimerCallback callback, object? state) : ITimer
    {
        private bool _isSet;
        private bool _isRunning;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _isSet = dueTime >= TimeSpan.Zero;
            if (_isSet && !_isRunning)
            {
                _isRunning = true;
                Trial.Current!.Spawn("timer", isBackground: false, Fire);
            }

            return true;
        }

        public void Dispose() => _isSet = false;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }

        private void Fire()
        {
            while (_isSet)
            {
                callback(state);
                if (_isSet)
                {
                    Model.Spin();
                }
            }

            _isRunning = false;
        }
    }
}
