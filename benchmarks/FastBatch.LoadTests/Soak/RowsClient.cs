using System.Runtime.CompilerServices;

namespace FastBatch.LoadTests.Soak;

/// <summary>A caller whose answers are rows: copied to its memory, or read in place long after they came.</summary>
internal sealed partial class RowsClient(
    SoakService service, SoakService.RowsBatcher batcher, FaultPlan plan, Ledger ledger, int index, int seed, bool mayBlock)
    : SoakClient(service, plan, ledger, index, seed)
{
    private const long Untouched = -1;

    // How many leases a slow reader keeps.
    private readonly int _keeps = new Random(seed).Next(0, 6);
    private readonly long[] _row = new long[Identity.RowLength];
    private readonly long[] _answer = new long[Identity.AnswerLength];
    private readonly Queue<(RowLease<long> Lease, long Id)> _leases = new();
    private bool _isAnswered = true;

    public override void CheckMemory()
    {
        if (!_isAnswered && _answer.AsSpan().IndexOfAnyExcept(Untouched) >= 0)
        {
            Ledger.Crossed($"memory of a request that had no answer was written: {string.Join(' ', _answer)}");
        }
    }

    protected override void LeaveOff() => ReadLeases(keep: 0);

    protected override async ValueTask SendAsync(long id, CancellationTokenSource? source)
    {
        CancellationToken token = source?.Token ?? default;
        CheckMemory();
        Array.Fill(_answer, Untouched);
        _isAnswered = false;
        Identity.WriteRow(id, _row);
        if (Happens(Plan.Misuses))
        {
            await MisuseAsync(id).ConfigureAwait(false);
            return;
        }

        if (Happens(Plan.ThrowingWriters))
        {
            await batcher.SubmitAsync(id, static (_, row) => throw Half(row), _answer, token).ConfigureAwait(false);
            Ledger.Unexpected("what a callback threw was lost");
        }

        if (Happens(Plan.ThrowingMemories))
        {
            using var memory = new ThrowingMemory(Identity.AnswerLength);
            await batcher.SubmitAsync(_row, memory.Memory, token).ConfigureAwait(false);
            Ledger.Unexpected("what the caller's memory threw was lost");
        }

        switch (Random.Next(8))
        {
            case 0:
                await LeaseAsync(batcher.SubmitAsync(_row, token), id, source).ConfigureAwait(false);
                return;
            case 1:
                await LeaseAsync(batcher.SubmitAsync(id, static (id, row) => Identity.WriteRow(id, row), token), id, source).ConfigureAwait(false);
                return;
            case 2:
                await CopyAsync(batcher.SubmitAsync(id, static (id, row) => Identity.WriteRow(id, row), _answer, token), source).ConfigureAwait(false);
                break;
            default:
                ValueTask pending = batcher.SubmitAsync(_row, _answer, token);

                // The row is the caller's again.
                Array.Fill(_row, -2);
                await CopyAsync(pending, source).ConfigureAwait(false);
                break;
        }

        CheckAnswer(id, _answer);
    }

    private async ValueTask CopyAsync(ValueTask pending, CancellationTokenSource? source)
    {
        CancelSometimes(source);
        switch (Random.Next(16))
        {
            case 0:
                await pending.AsTask().ConfigureAwait(false);
                break;
            case 1:
                await WatchAsync(pending).ConfigureAwait(false);
                break;
            case 2:
                await PollAsync(pending).ConfigureAwait(false);
                break;
            default:
                await pending.ConfigureAwait(false);
                break;
        }

        _isAnswered = true;
    }

    private async ValueTask LeaseAsync(ValueTask<RowLease<long>> pending, long id, CancellationTokenSource? source)
    {
        CancelSometimes(source);
        _leases.Enqueue((await pending.ConfigureAwait(false), id));
        ReadLeases(_keeps);
    }

    // A continuation of its own, which counts how often it is run.
    private async ValueTask WatchAsync(ValueTask pending)
    {
        var awaiter = pending.ConfigureAwait(false).GetAwaiter();
        if (!awaiter.IsCompleted)
        {
            int calls = 0;
            var resumed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            awaiter.UnsafeOnCompleted(() =>
            {
                if (Interlocked.Increment(ref calls) != 1)
                {
                    Ledger.Duplicated("a continuation was run again");
                }

                resumed.TrySetResult();
            });
            await resumed.Task.ConfigureAwait(false);
        }

        awaiter.GetResult();
    }

    // No continuation at all: the status alone says when.
    private static async ValueTask PollAsync(ValueTask pending)
    {
        while (!pending.IsCompleted)
        {
            await Task.Yield();
        }

        pending.GetAwaiter().GetResult();
    }

    private void ReadLeases(int keep)
    {
        while (_leases.Count > keep)
        {
            (RowLease<long> lease, long id) = _leases.Dequeue();
            CheckAnswer(id, lease.Span);
            lease.Dispose();
            if (Random.Next(8) == 0)
            {
                lease.Dispose();
            }
        }
    }

    private void CheckAnswer(long id, ReadOnlySpan<long> answer, [CallerMemberName] string where = "")
    {
        if (!Identity.IsAnswer(id, answer))
        {
            Ledger.Crossed($"{where}: asked {id:x}, got {string.Join(' ', answer.ToArray().Select(value => $"{value:x}"))}");
        }
    }

    private static WriterException Half(Span<long> row)
    {
        row[0] = -3;
        return new WriterException();
    }
}
