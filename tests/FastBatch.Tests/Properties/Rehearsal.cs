using System.Runtime.CompilerServices;
using FastBatch.Lanes;
using FastBatch.Scheduling;

namespace FastBatch.Tests.Properties;

/// <summary>
/// Takes a batcher through a story, step by step, beside the reference: after each step it waits until the batcher has come to rest where the
/// reference is, and compares. The method holds each batch until the story lets it go, so nothing depends on who is faster.
/// </summary>
internal sealed class Rehearsal : IBatchPolicy
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Story _story;
    private readonly Reference _reference;
    private readonly List<Request> _requests = [];
    private readonly Held _model = new();
    private readonly Held.DoubleBatcher _batcher;
    private Task? _disposed;
    private bool? _policyThrows;
    private List<ExpectedRequest>? _arrived;

    private Rehearsal(Story story)
    {
        _story = story;
        _reference = new Reference(story);
        _batcher = _model.CreateDoubleBatcher(new BatcherOptions
        {
            MaxBatchSize = story.MaxBatchSize,
            Capacity = story.Capacity,
            Overload = story.Overload,
            DedicatedThread = story.Driver != Driver.Pool,
            InlineContinuations = story.Driver == Driver.InlineThread,
            IsolateFaults = story.Isolates,
            DrainTimeout = Timeout.InfiniteTimeSpan,
            Policy = this,
        });
    }

    /// <summary>Throws where the batcher does something else than the reference.</summary>
    public static void Perform(Story story)
    {
        var rehearsal = new Rehearsal(story);
        try
        {
            foreach (Step step in story.Steps)
            {
                rehearsal.Do(step);
                rehearsal.Settle();
            }

            rehearsal.End();
        }
        finally
        {
            rehearsal._model.LetGoForGood();
        }
    }

    BatchDecision IBatchPolicy.Decide(in QueueSnapshot queue, long now)
    {
        bool? throws = _policyThrows;
        _policyThrows = null;
        return throws switch
        {
            null => BatchDecision.Dispatch(queue.Waiting),
            false => BatchDecision.Drop(queue.Waiting),
            true => throw new ArithmeticException("policy"),
        };
    }

    private void Do(Step step)
    {
        switch (step)
        {
            case Step.Submit submit:
                _requests.Add(new Request(_batcher, submit, _reference.Submit(submit)));
                break;
            case Step.Run run when !_reference.IsIdle:
                _reference.Run(run.Throws);
                _model.LetGo(run.Throws);
                break;
            case Step.Policy policy:
                _reference.PolicyThrows = policy.Throws;
                _policyThrows = policy.Throws;
                break;
            case Step.Dispose:
                _reference.Dispose();
                _disposed = _batcher.DisposeAsync().AsTask();
                break;
            case Step.Cancel cancel when Named(cancel.Request) is { } request:
                request.Cancel();
                break;
            case Step.Attach attach when Named(attach.Request) is { } request:
                request.Attach();
                break;
            case Step.Take take when Named(take.Request) is { } request:
                request.Take();
                break;
            case Step.ReadLease read when Named(read.Request) is { } request:
                request.ReadLease();
                break;
            case Step.DisposeLease dispose when Named(dispose.Request) is { } request:
                request.DisposeLease();
                break;
        }
    }

    // Everything ends: the method runs what is left, the batcher is disposed, every outcome is taken.
    private void End()
    {
        Do(new Step.Dispose());
        while (!_reference.IsIdle)
        {
            Do(new Step.Run(Throws: false));
            Settle();
        }

        Assert.True(_disposed!.Wait(Patience), "The batcher is not disposed although nothing is left.");
        foreach (Request request in _requests)
        {
            Assert.NotEqual(Ending.None, request.Expected.Ending);
            request.Take();
            request.ReadLease();
            request.DisposeLease();
            request.ReadLease();
            request.Take();
            request.RequireResumedOnce();
        }
    }

    private void Settle()
    {
        if (!ReferenceEquals(_arrived, _reference.Running))
        {
            _arrived = _reference.Running;
            if (_arrived is not null)
            {
                Assert.Equal(_arrived.Select(request => request.Id).Order(), _model.Arrival(Patience).Order());
            }
        }

        Lane lane = LaneOf(_batcher);
        int taken = _reference.RunningTickets + _reference.WaitingTickets;
        WaitUntil(
            () => lane.Ring.Claimed - lane.Ring.ReleaseMark == taken && lane.Overflow.Waiting == _reference.Parked,
            () => $"{lane.Ring.Claimed - lane.Ring.ReleaseMark} rows taken and {lane.Overflow.Waiting} parked; {taken} and {_reference.Parked} expected");
        Assert.Equal(_reference.WaitingTickets + _reference.Parked, _batcher.QueueLength);
        foreach (Request request in _requests)
        {
            WaitUntil(() => request.IsAsExpected, () => $"request {request.Expected.Id} should have ended: {request.Expected.Ending}");
            request.RequireUntouched();
        }
    }

    private static void WaitUntil(Func<bool> condition, Func<string> otherwise) =>
        Assert.True(condition() || SpinWait.SpinUntil(condition, Patience), otherwise());

    private Request? Named(int number) => _requests.Count == 0 ? null : _requests[number % _requests.Count];

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_lane")]
    private static extern ref Lane LaneOf(Batcher batcher);

    /// <summary>One request of the batcher, and what its caller holds of it.</summary>
    private sealed class Request
    {
        private readonly CancellationTokenSource? _source;
        private readonly long[] _answer = [-1, -1];
        private readonly ValueTask _copying;
        private readonly ValueTask<RowLease<long>> _leasing;
        private RowLease<long>? _lease;
        private bool _isLeaseDisposed;
        private bool _isTaken;
        private bool _isAttached;
        private int _resumed;

        public Request(Held.DoubleBatcher batcher, Step.Submit step, ExpectedRequest expected)
        {
            Expected = expected;
            _source = step.Cancellable || step.Form == SubmitForm.CancelledBefore ? new CancellationTokenSource() : null;
            if (step.Form == SubmitForm.CancelledBefore)
            {
                _source!.Cancel();
            }

            CancellationToken token = _source?.Token ?? default;
            long id = expected.Id + (expected.IsPoison ? Held.Poison : 0);
#pragma warning disable FB0043 // Awaited in a later step.
            switch (step.Form)
            {
                case SubmitForm.Lease:
                    _leasing = batcher.SubmitAsync([id, id], token);
                    break;
                case SubmitForm.InPlace:
                    _copying = batcher.SubmitAsync(id, static (id, row) => row.Fill(id), _answer, token);
                    break;
                case SubmitForm.WriterThrows:
                    _copying = batcher.SubmitAsync(id, static (_, _) => throw new FormatException("writer"), _answer, token);
                    break;
                default:
                    _copying = batcher.SubmitAsync([id, id], _answer, token);
                    break;
            }
#pragma warning restore FB0043
        }

        public ExpectedRequest Expected { get; }

        public bool IsAsExpected => _isTaken || IsCompleted == (Expected.Ending != Ending.None);

        private bool IsLease => Expected.Form == SubmitForm.Lease;

        private bool IsCompleted => IsLease ? _leasing.IsCompleted : _copying.IsCompleted;

        public void Cancel()
        {
            if (_source is not null)
            {
                Expected.End(Ending.Cancelled);
                _source.Cancel();
            }
        }

        public void Attach()
        {
            if (_isTaken || _isAttached)
            {
                return;
            }

            _isAttached = true;
            void Resume() => Interlocked.Increment(ref _resumed);
            if (IsLease)
            {
                _leasing.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(Resume);
            }
            else
            {
                _copying.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(Resume);
            }
        }

        public void RequireResumedOnce()
        {
            if (_isAttached)
            {
                WaitUntil(() => Volatile.Read(ref _resumed) > 0, () => $"request {Expected.Id} was never resumed");
            }

            Assert.Equal(_isAttached ? 1 : 0, _resumed);
        }

        /// <summary>Asks for the outcome: too early, in time, or again.</summary>
        public void Take()
        {
            Exception? thrown = Record.Exception(() =>
            {
                if (IsLease)
                {
                    _lease = _leasing.GetAwaiter().GetResult();
                }
                else
                {
                    _copying.GetAwaiter().GetResult();
                }
            });
            if (_isTaken || Expected.Ending == Ending.None)
            {
                Assert.IsType<InvalidOperationException>(thrown);
                return;
            }

            _isTaken = true;
            RequireEnding(thrown);
        }

        public void ReadLease()
        {
            if (_lease is { } lease && _isLeaseDisposed)
            {
                Assert.Throws<ObjectDisposedException>(() => lease.Span.Length);
            }
            else if (_lease is { } held)
            {
                Assert.Equal([Expected.Id, -Expected.Id], held.Span.ToArray());
            }
        }

        public void DisposeLease()
        {
            _lease?.Dispose();
            _isLeaseDisposed |= _lease is not null;
        }

        /// <summary>Only an answer writes the caller's memory.</summary>
        public void RequireUntouched() =>
            Assert.Equal(Expected.Ending == Ending.Answered && !IsLease ? [Expected.Id, -Expected.Id] : [-1, -1], _answer);

        private void RequireEnding(Exception? thrown)
        {
            switch (Expected.Ending)
            {
                case Ending.Answered:
                    Assert.Null(thrown);
                    ReadLease();
                    break;
                case Ending.Cancelled:
                    Assert.Equal(_source!.Token, Assert.IsType<OperationCanceledException>(thrown).CancellationToken);
                    break;
                case Ending.Faulted:
                    var fault = Assert.IsType<BatchExecutionException>(thrown);
                    Assert.IsType<ArithmeticException>(fault.InnerException);
                    Assert.Equal(Expected.FaultRows, fault.BatchSize);
                    break;
                default:
                    Assert.IsType(
                        Expected.Ending switch
                        {
                            Ending.Dropped => typeof(RequestDroppedException),
                            Ending.Overloaded => typeof(BatcherOverloadedException),
                            Ending.Closed => typeof(BatcherClosedException),
                            _ => typeof(FormatException),
                        },
                        thrown);
                    break;
            }
        }
    }
}

/// <summary>Answers id with (id, -id) once the test lets the batch go; throws if a row is poison, or if it is told to.</summary>
internal sealed partial class Held
{
    public const long Poison = 1_000_000;

    private readonly SemaphoreSlim _arrivals = new(0);
    private readonly SemaphoreSlim _go = new(0);
    private volatile bool _isForGood;
    private volatile bool _throws;
    private long[] _held = [];

    /// <summary>Waits until the method holds a batch: its identities.</summary>
    public long[] Arrival(TimeSpan patience)
    {
        Assert.True(_arrivals.Wait(patience), "No batch was run.");
        return [.. _held.Select(id => id % Poison)];
    }

    public void LetGo(bool throws)
    {
        _throws = throws;
        _go.Release();
    }

    public void LetGoForGood()
    {
        _isForGood = true;
        _go.Release();
    }

    [Batchable]
    public void Double([Row(2)] ReadOnlySpan<long> ids, [Row(2)] Span<long> answers)
    {
        // A part of the batch that is held already is its second run.
        if (!_held.Contains(ids[0]) && !_isForGood)
        {
            _held = [.. Enumerable.Range(0, ids.Length / 2).Select(i => 0L)];
            for (int i = 0; i < _held.Length; i++)
            {
                _held[i] = ids[2 * i];
            }

            _arrivals.Release();
            _go.Wait();
        }

        for (int i = 0; i < ids.Length / 2; i++)
        {
            if (ids[2 * i] != ids[(2 * i) + 1])
            {
                throw new InvalidDataException("A row mixes requests.");
            }

            (answers[2 * i], answers[(2 * i) + 1]) = (ids[2 * i], -ids[2 * i]);
            if (_throws || ids[2 * i] >= Poison)
            {
                throw new ArithmeticException("model");
            }
        }
    }
}
