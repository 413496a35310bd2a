using System.Diagnostics;
using FastBatch.Scheduling;

namespace FastBatch.LoadTests.Soak;

/// <summary>
/// The life of one batcher with settings drawn at random: its clients start, run for a while, and lose it under their feet or stop before.
/// When it is over everything has ended, or what has not is lost.
/// </summary>
internal sealed class Episode
{
    // For the last requests to end once no more are sent. Generous: a pool whose threads all block grows by about one a second.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Ledger _ledger;
    private readonly Random _random;
    private readonly FaultPlan _plan;
    private readonly SoakService _service;
    private readonly BatcherOptions _options;
    private readonly Batcher _batcher;
    private readonly SoakClient[] _clients;
    private readonly string _title;

    public Episode(int number, FaultKind kind, int seed, Ledger ledger)
    {
        _ledger = ledger;
        _random = new Random(seed);
        _plan = FaultPlan.Of(kind, _random);
        int clients = 1 << _random.Next(0, 10);
        _service = new SoakService(number, _plan, ledger, clients, seed);
        _options = DrawOptions();
        _title = $"episode {number}, seed {seed}, {clients} clients, {_plan}, {_options}";
        if (_random.Next(4) == 0)
        {
            SoakService.PairsBatcher pairs = _service.CreatePairsBatcher(_options);
            _batcher = pairs;
            _clients = Clients(clients, (i, of) => new PairsClient(_service, pairs, _plan, ledger, i, of));
        }
        else
        {
            // On its own thread, a continuation that waits for another request would wait for itself.
            bool mayBlock = !_options.InlineContinuations;
            SoakService.RowsBatcher rows = _service.CreateRowsBatcher(_options);
            _batcher = rows;
            _clients = Clients(clients, (i, of) => new RowsClient(_service, rows, _plan, ledger, i, of, mayBlock));
        }
    }

    /// <summary>Runs it to its end. False if something did not end: then the process holds its remains, and no more is to be learned from it.</summary>
    public async Task<bool> RunAsync(TimeSpan length)
    {
        using var stop = new CancellationTokenSource();
        Task[] running = Array.ConvertAll(_clients, client => Task.Run(() => client.RunAsync(stop.Token)));
        await Task.Delay(length).ConfigureAwait(false);

        // A model that hangs can only be left by its batcher.
        if (!_plan.Hangs && _random.Next(2) == 0)
        {
            await stop.CancelAsync().ConfigureAwait(false);
            if (!await EndsAsync(Task.WhenAll(running), "stopped").ConfigureAwait(false))
            {
                AddUp();
                return false;
            }
        }

        bool ended = await EndsAsync(DisposeAsync(), "disposing").ConfigureAwait(false)
            && await EndsAsync(Task.WhenAll(running), "disposed").ConfigureAwait(false)
            && await ReturnsAsync().ConfigureAwait(false);
        AddUp();

        if (ended && !_plan.Hangs && _batcher.QueueLength != 0)
        {
            _ledger.Unexpected($"{_batcher.QueueLength} rows left in a disposed batcher; {_title}");
        }

        return ended;
    }

    private void AddUp()
    {
        lock (_ledger)
        {
            foreach (SoakClient client in _clients)
            {
                client.CheckMemory();
                _ledger.Totals.Add(client.Outcomes);
            }
        }
    }

    private static SoakClient[] Clients(int count, Func<int, int, SoakClient> create) =>
        [.. Enumerable.Range(0, count).Select(i => create(i, (count * 1000) + i))];

    private BatcherOptions DrawOptions()
    {
        int maxBatchSize = _random.Next(4) == 0 ? _random.Next(1, 64) : 64;
        bool dedicated = _random.Next(3) == 0;
        var options = new BatcherOptions
        {
            MaxBatchSize = maxBatchSize,
            Capacity = _random.Next(2) == 0 ? maxBatchSize + _random.Next(0, 300) : null,
            Overload = _random.Next(2) == 0 ? OverloadMode.Wait : OverloadMode.Reject,
            DedicatedThread = dedicated,
            InlineContinuations = dedicated && _random.Next(2) == 0,
            MaxQueueDelay = _random.Next(6) == 0 ? TimeSpan.FromMicroseconds(_random.Next(1, 200)) : null,
            IsolateFaults = _random.Next(4) != 0,
            ZeroRows = _random.Next(2) == 0,
            RunLimit = _plan.StalledBatches > 0 ? SoakService.RunLimit : null,
            Checked = _random.Next(4) == 0,
            DrainTimeout = TimeSpan.FromMilliseconds(_plan.Hangs ? 20 : 30_000),
        };
        if (_plan.PolicyFaults == 0)
        {
            return options;
        }

        IBatchPolicy policy = options.MaxQueueDelay is { } delay ? new SizeOrDelayPolicy(delay) : WorkConservingPolicy.Instance;
        return options with { MaxQueueDelay = null, Policy = new FaultyPolicy(policy, _plan.PolicyFaults, _random.Next()) };
    }

    // From one thread or from several at once.
    private Task DisposeAsync() => Task.WhenAll(Enumerable.Range(0, _random.Next(1, 4)).Select(
        _ => Task.Run(async () => await _batcher.DisposeAsync().ConfigureAwait(false))));

    // The method that hung comes back to a batcher that is gone, and finds nobody to answer.
    private async Task<bool> ReturnsAsync()
    {
        _service.Release();
        long start = Stopwatch.GetTimestamp();
        while (_service.IsRunning && Stopwatch.GetElapsedTime(start) < Patience)
        {
            await Task.Delay(1).ConfigureAwait(false);
        }

        if (_plan.Hangs)
        {
            // Its answers are dealt with after the method has returned.
            await Task.Delay(20).ConfigureAwait(false);
        }

        return !_service.IsRunning;
    }

    private async Task<bool> EndsAsync(Task task, string what)
    {
        if (await Task.WhenAny(task, Task.Delay(Patience)).ConfigureAwait(false) == task)
        {
            await task.ConfigureAwait(false);
            return true;
        }

        long open = _clients.Sum(client => client.Outcomes.Sent - client.Ended);
        _ledger.Lose(Math.Max(1, open), $"{what}, after {Patience.TotalSeconds:0} s; {_title}");
        return false;
    }
}
