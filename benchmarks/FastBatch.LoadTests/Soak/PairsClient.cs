namespace FastBatch.LoadTests.Soak;

/// <summary>A caller whose answers come back by value.</summary>
internal sealed class PairsClient(
    SoakService service, SoakService.PairsBatcher batcher, FaultPlan plan, Ledger ledger, int index, int seed)
    : SoakClient(service, plan, ledger, index, seed)
{
    public override void CheckMemory()
    {
    }

    protected override async ValueTask SendAsync(long id, CancellationTokenSource? source)
    {
        CancellationToken token = source?.Token ?? default;
        int salt = Identity.Salt(id);
        ValueTask<(long Answers, int Echoes)> pending = Random.Next(2) == 0
            ? batcher.SubmitAsync(id, [salt, ~salt], token)
            : batcher.SubmitAsync(id, static (id, row) => Write(id, row), token);
        CancelSometimes(source);
        (long answer, int echo) = Random.Next(8) == 0
            ? await pending.AsTask().ConfigureAwait(false)
            : await pending.ConfigureAwait(false);
        if (answer != Identity.Answer(id, 0) || echo != salt)
        {
            Ledger.Crossed($"asked {id:x}, got {answer:x} and {echo:x}");
        }
    }

    private static void Write(long id, SoakService.PairsBatcher.Row row)
    {
        row.Ids = id;
        row.Salts[0] = Identity.Salt(id);
        row.Salts[1] = ~row.Salts[0];
    }
}
