namespace FastBatch.LoadTests.Soak;

/// <content>What callers must not do, or had better not: it may cost them something, and nobody else.</content>
internal sealed partial class RowsClient
{
#pragma warning disable FB0040, FB0042, FB0044, CA2012 // Misuse is what is tested.
    private async ValueTask MisuseAsync(long id)
    {
        switch (Random.Next(6))
        {
            case 0:
                _ = batcher.SubmitAsync(_row, new long[Identity.AnswerLength]);
                throw new ForgottenException();
            case 1:
                _ = batcher.SubmitAsync(_row);
                throw new ForgottenException();
            case 2:
                // Awaited, but the lease is lost.
                RowLease<long> forgotten = await batcher.SubmitAsync(_row).ConfigureAwait(false);
                CheckAnswer(id, forgotten.Span);
                return;
            case 3:
                await AwaitTwiceAsync(id).ConfigureAwait(false);
                return;
            case 4:
                await ReadLateAsync(id).ConfigureAwait(false);
                return;
            default:
                // Blocks the thread that resumes it, and now and then until another request is answered.
                await SendCheckedAsync(id).ConfigureAwait(false);
                if (mayBlock && Random.Next(4) == 0)
                {
                    BlockOnAnother();
                }
                else
                {
                    Thread.Sleep(Random.Next(1, 15));
                }

                return;
        }
    }

    private async ValueTask SendCheckedAsync(long id)
    {
        await batcher.SubmitAsync(_row, _answer).ConfigureAwait(false);
        _isAnswered = true;
        CheckAnswer(id, _answer);
    }

    // Its outcome counts as one more request of this client's.
    private void BlockOnAnother()
    {
        (long id, long[] row, long[] answer) = (NextId(), new long[Identity.RowLength], new long[Identity.AnswerLength]);
        Identity.WriteRow(id, row);
        Outcomes.Sent++;
        try
        {
            batcher.SubmitAsync(row, answer).AsTask().GetAwaiter().GetResult();
            CheckAnswer(id, answer);
            Outcomes.Answered++;
        }
        catch (FastBatchException)
        {
            // Whatever injected fault it was: what it blocks for is that it ends.
            Outcomes.Faulted++;
        }
    }

    private async ValueTask AwaitTwiceAsync(long id)
    {
        ValueTask pending = batcher.SubmitAsync(_row, _answer);
        await pending.ConfigureAwait(false);
        _isAnswered = true;
        CheckAnswer(id, _answer);
        try
        {
            await pending.ConfigureAwait(false);
        }
        catch (InvalidOperationException)
        {
            return;
        }

        Ledger.Duplicated($"a second await was answered: {id:x}");
    }

    private async ValueTask ReadLateAsync(long id)
    {
        RowLease<long> lease = await batcher.SubmitAsync(_row).ConfigureAwait(false);
        CheckAnswer(id, lease.Span);
        lease.Dispose();
        try
        {
            _ = lease.Span.Length;
        }
        catch (ObjectDisposedException)
        {
            return;
        }

        Ledger.Crossed($"a lease was read after it was disposed: {id:x}");
    }
#pragma warning restore FB0040, FB0042, FB0044, CA2012
}
