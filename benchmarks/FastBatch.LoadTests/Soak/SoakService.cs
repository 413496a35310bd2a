namespace FastBatch.LoadTests.Soak;

/// <summary>
/// The method under soak, in two shapes. Checks on every run that it runs alone, that each row is one request's, of this service, and not
/// run before; then goes wrong as planned.
/// </summary>
internal sealed partial class SoakService(int number, FaultPlan plan, Ledger ledger, int clients, int seed)
{
    private const int HangAfter = 200; // batches

    /// <summary>Of those whose method stalls: longer than anything else that is injected.</summary>
    public static readonly TimeSpan RunLimit = TimeSpan.FromMilliseconds(25);

    private readonly Replays[] _replays = new Replays[clients];
    private readonly Random _random = new(seed);
    private readonly ManualResetEventSlim _hung = new();
    private int _running;
    private int _batches;
    private bool _isReleased;

    public int Number => number;

    /// <summary>Whether the method is being run.</summary>
    public bool IsRunning => Volatile.Read(ref _running) != 0;

    /// <summary>Lets a method that hangs return.</summary>
    public void Release()
    {
        Volatile.Write(ref _isReleased, true);
        _hung.Set();
    }

    [Batchable(MaxBatchSize = 64)]
    public void Rows([Row(Identity.RowLength)] ReadOnlySpan<long> rows, [Row(Identity.AnswerLength)] Span<long> answers)
    {
        Enter();
        int count = rows.Length / Identity.RowLength;
        Span<long> ids = stackalloc long[64];
        ids = ids[..count];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<long> row = rows.Slice(i * Identity.RowLength, Identity.RowLength);
            long id = ids[i] = row[0];
            for (int place = 1; place < Identity.RowLength; place++)
            {
                if (row[place] != Identity.Input(id, place))
                {
                    ledger.Crossed($"a row mixes requests: {string.Join(' ', row.ToArray().Select(value => $"{value:x}"))}");
                    break;
                }
            }

            for (int place = 0; place < Identity.AnswerLength; place++)
            {
                answers[(i * Identity.AnswerLength) + place] = Identity.Answer(id, place);
            }
        }

        Finish(ids);
    }

    [Batchable(MaxBatchSize = 64)]
    public void Pairs(ReadOnlySpan<long> ids, [Row(2)] ReadOnlySpan<int> salts, Span<long> answers, Span<int> echoes)
    {
        Enter();
        for (int i = 0; i < ids.Length; i++)
        {
            if (salts[2 * i] != Identity.Salt(ids[i]) || salts[(2 * i) + 1] != ~salts[2 * i])
            {
                ledger.Crossed($"the inputs of {ids[i]:x} are of two requests");
            }

            answers[i] = Identity.Answer(ids[i], 0);
            echoes[i] = salts[2 * i];
        }

        Finish(ids);
    }

    private void Enter()
    {
        if (Interlocked.Exchange(ref _running, 1) != 0)
        {
            ledger.Unexpected("the method was run by two threads at once");
        }
    }

    private void Finish(ReadOnlySpan<long> ids)
    {
        Exception? fault = null;
        foreach (long id in ids)
        {
            if (Identity.Service(id) != number || Identity.Client(id) >= _replays.Length)
            {
                ledger.Crossed($"a row of another service: {id:x}");
                continue;
            }

            if (!_replays[Identity.Client(id)].TryMark(Identity.Sequence(id)))
            {
                ledger.Duplicated($"run twice: {id:x}");
            }

            if (Identity.IsPoison(id))
            {
                fault = new InjectedException("poison");
            }
        }

        fault ??= GoWrong();
        if (fault is not null)
        {
            foreach (long id in ids)
            {
                _replays[Identity.Client(id)].Unmark(Identity.Sequence(id));
            }
        }

        Volatile.Write(ref _running, 0);
        if (fault is not null)
        {
            throw fault;
        }
    }

    private Exception? GoWrong()
    {
        if (plan.Hangs && ++_batches == HangAfter && !Volatile.Read(ref _isReleased))
        {
            _hung.Wait();
        }

        if (Happens(plan.StalledBatches))
        {
            // Its callers go on meanwhile, and send more than are remembered: it is not to be run again.
            Thread.Sleep(RunLimit * _random.Next(1, 4));
            return null;
        }

        if (Happens(plan.SlowBatches))
        {
            Thread.Sleep(_random.Next(1, 5));
        }

        return Happens(plan.ThrowingBatches) ? new InjectedException("batch")
            : Happens(plan.TransientBatches) ? new InjectedTimeoutException()
            : null;
    }

    private bool Happens(int chance) => chance > 0 && _random.Next(chance) == 0;
}
