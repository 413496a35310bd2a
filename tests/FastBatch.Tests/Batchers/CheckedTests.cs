namespace FastBatch.Tests.Batchers;

/// <summary>With <see cref="BatcherOptions.Checked"/> nothing that was given back can be read by mistake.</summary>
public class CheckedTests
{
    private const long Poison = unchecked((long)0xDBDB_DBDB_DBDB_DBDB);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_row_read_after_its_lease_was_disposed_is_garbage(bool dedicatedThread)
    {
        await using var batcher = new Echo().CreatePairBatcher(new BatcherOptions { Checked = true, DedicatedThread = dedicatedThread });
        RowLease<long> first = await batcher.SubmitAsync([1, 1, 1, 1]);
        using RowLease<long> second = await batcher.SubmitAsync([2, 2, 2, 2]);
        Assert.Equal([Poison, Poison], ReadAfterDispose(first));
        Assert.Equal([2, 3], second.Span.ToArray());
        Assert.Throws<ObjectDisposedException>(() => first.Span.Length);
    }

    [Fact]
    public async Task Without_it_that_row_stays_as_it_was_until_it_is_used_again()
    {
        await using var batcher = new Echo().CreatePairBatcher();
        RowLease<long> lease = await batcher.SubmitAsync([1, 1, 1, 1]);
        Assert.Equal([1, 2], ReadAfterDispose(lease));
    }

    [Fact]
    public async Task What_a_callback_leaves_out_of_a_row_that_is_not_zeroed_is_garbage_and_nobodys_data()
    {
        await using var batcher = new Mirror().CreateReflectBatcher(new BatcherOptions { Checked = true, ZeroRows = false, MaxBatchSize = 2, Capacity = 2 });
        long[] answer = new long[2];
        for (long i = 1; i < 50; i++)
        {
            await batcher.SubmitAsync([i, i], answer);
            Assert.Equal([i, i], answer);
            await batcher.SubmitAsync(i, static (id, row) => row[0] = id, answer);
            Assert.Equal(i, answer[0]);

            // Garbage once the row has been used; rows that never were are still zero.
            Assert.Contains(answer[1], (long[])[Poison, 0]);
            Assert.NotEqual(i, answer[1]);
        }

        Assert.Equal(Poison, answer[1]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task Every_form_answers_as_without_it(int maxBatchSize)
    {
        // Capacities that are no multiple of the batch, so that batches go on in the spill rows.
        var options = new BatcherOptions { Checked = true, MaxBatchSize = maxBatchSize, Capacity = 7 };
        await using var pairs = new Echo().CreatePairBatcher(options);
        await using var squares = new Echo().CreateSquareBatcher(options);
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(async () =>
        {
            long[] answer = new long[2];
            await pairs.SubmitAsync([i, i, i, i], answer).ConfigureAwait(false);
            Assert.Equal([i, i + 1], answer);
            await pairs.SubmitAsync((long)i, static (id, row) => row.Fill(id), answer).ConfigureAwait(false);
            Assert.Equal([i, i + 1], answer);
            using RowLease<long> lease = await pairs.SubmitAsync([-i, -i, -i, -i]).ConfigureAwait(false);
            Assert.Equal([-i, -i + 1], lease.Span.ToArray());
            Assert.Equal(i * i, await squares.SubmitAsync(i).ConfigureAwait(false));
        })));
    }

    // As a caller that keeps the span beyond its lease; the memory stays, the garbage collector owns it.
    private static long[] ReadAfterDispose(RowLease<long> lease)
    {
        ReadOnlySpan<long> kept = lease.Span;
        lease.Dispose();
        return kept.ToArray();
    }
}

/// <summary>Answers each row with itself.</summary>
public sealed partial class Mirror
{
    [Batchable]
    public void Reflect([Row(2)] ReadOnlySpan<long> values, [Row(2)] Span<long> same) => values.CopyTo(same);
}
