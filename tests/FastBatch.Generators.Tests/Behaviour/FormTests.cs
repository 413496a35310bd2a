using System.Globalization;
using FastBatch.Generators.Diagnostics;

namespace FastBatch.Generators.Tests.Behaviour;

/// <summary>Every form of SubmitAsync, for methods with several inputs and outputs of mixed types.</summary>
public partial class FormTests
{
    [Fact]
    public async Task Copied_in_and_out()
    {
        await using Model.MixBatcher batcher = new Model(10).CreateMixBatcher();
        var sums = new double[2];
        var flags = new bool[3];
        (long total, char letter) = await batcher.SubmitAsync([1f, 2f, 3f], 4, [true, false, true], sums, flags);
        Assert.Equal((60L, 'd'), (total, letter));
        Assert.Equal([6d, 4d], sums);
        Assert.Equal([false, true, false], flags);
    }

    [Fact]
    public async Task Shared_by_what_the_analyzers_and_the_runtime_say()
    {
        await using Model.MixBatcher batcher = new Model(10).CreateMixBatcher();
        ValueTask<(long Total, char Letter)> Submit() => batcher.SubmitAsync([1f, 2f, 3f], 4, [true, false, true], new double[2], new bool[3]);
        ValueTask<(long Total, char Letter)> once = Submit();
        await once;
        var misuse = await Assert.ThrowsAsync<InvalidOperationException>(async () => await once);
        Assert.EndsWith(" AsTask() or Preserve().", misuse.Message, StringComparison.Ordinal);
        Assert.All(
            [Descriptors.AwaitedAgain, Descriptors.TaskKept],
            static rule => Assert.EndsWith(" AsTask() or Preserve() on it", rule.MessageFormat.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));

        Task<(long Total, char Letter)> shared = Submit().AsTask();
        ValueTask<(long Total, char Letter)> preserved = Submit().Preserve();
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal((60L, 'd'), await shared);
            Assert.Equal((60L, 'd'), await preserved);
        }
    }

    [Fact]
    public async Task Read_in_place()
    {
        await using Model.MixBatcher batcher = new Model(10).CreateMixBatcher(Batches.Of(2));
        Task<Model.MixBatcher.Lease> first = batcher.SubmitAsync([1f, 2f, 3f], 4, [true, false, true]).AsTask();
        Task<Model.MixBatcher.Lease> second = batcher.SubmitAsync([0f, 0f, 1f], 25, [true, true, true]).AsTask();
        using Model.MixBatcher.Lease one = await first;
        using Model.MixBatcher.Lease other = await second;
        Assert.Equal((60L, 'd', 10L, 'y'), (one.Total, one.Letter, other.Total, other.Letter));
        Assert.Equal([6d, 4d], one.Sums.ToArray());
        Assert.Equal([1d, 25d], other.Sums.ToArray());
        Assert.Equal([false, false, false], other.Inverted.ToArray());
    }

    [Fact]
    public async Task A_lease_given_back_or_empty_has_no_row()
    {
        await using Model.MixBatcher batcher = new Model(1).CreateMixBatcher();
        Model.MixBatcher.Lease lease = await batcher.SubmitAsync([1f, 2f, 3f], 4, [true, false, true]);
        Model.MixBatcher.Lease copy = lease;
        lease.Dispose();
        copy.Dispose();
        Assert.Throws<ObjectDisposedException>(() => copy.Letter);
        Assert.Throws<ObjectDisposedException>(() => lease.Sums.Length);
        Assert.Throws<ObjectDisposedException>(() => default(Model.MixBatcher.Lease).Letter);
        Assert.Throws<ObjectDisposedException>(() => default(Model.MixBatcher.Lease).Sums.Length);
        default(Model.MixBatcher.Lease).Dispose();
    }

    [Fact]
    public async Task Written_in_place()
    {
        await using Model.MixBatcher batcher = new Model(10).CreateMixBatcher();
        var sums = new double[2];
        var flags = new bool[3];
        (long total, char letter) = await batcher.SubmitAsync(
            7,
            static (seven, row) =>
            {
                Assert.Equal([0f, 0f, 0f], row.Values.ToArray());
                Assert.Equal(0, row.Index);
                row.Values.Fill(seven);
                row.Index = (byte)seven;
                row.Flags[1] = true;
            },
            sums,
            flags);
        Assert.Equal((210L, 'g'), (total, letter));
        Assert.Equal([21d, 7d], sums);
        Assert.Equal([true, false, true], flags);
    }

    [Fact]
    public async Task Written_and_read_in_place()
    {
        await using Model.MixBatcher batcher = new Model(10).CreateMixBatcher();
        ReadOnlySpan<float> state = [1f, 2f, 3f];
        ValueTask<Model.MixBatcher.Lease> task = batcher.SubmitAsync(state, static (state, row) => state.CopyTo(row.Values));
        using Model.MixBatcher.Lease lease = await task;
        Assert.Equal((60L, '`'), (lease.Total, lease.Letter));
        Assert.Equal([6d, 0d], lease.Sums.ToArray());
    }

    [Fact]
    public async Task One_input_and_one_output_have_the_plain_row_and_lease()
    {
        await using Doubler.RunBatcher batcher = Doubler.CreateRunBatcher();
        var doubled = new int[2];
        await batcher.SubmitAsync([1, 2], doubled);
        Assert.Equal([2, 4], doubled);
        using (RowLease<int> lease = await batcher.SubmitAsync([3, 4]))
        {
            Assert.Equal([6, 8], lease.Span.ToArray());
        }

        await batcher.SubmitAsync(5, static (five, row) => row.Fill(five), doubled);
        Assert.Equal([10, 10], doubled);
        using (RowLease<int> lease = await batcher.SubmitAsync(6, static (six, row) => row[1] = six))
        {
            Assert.Equal([0, 12], lease.Span.ToArray());
        }
    }

    [Fact]
    public async Task A_single_value_in_and_out()
    {
        await using Doubler.OneBatcher batcher = Doubler.CreateOneBatcher();
        Assert.Equal(42, await batcher.SubmitAsync(21));
        Assert.Equal("FormTests.Doubler.One", batcher.Name);
        Assert.Equal(8, batcher.MaxBatchSize);
    }

    [Fact]
    public async Task A_writer_that_throws_fails_its_request_alone()
    {
        await using Model.MixBatcher batcher = new Model(1).CreateMixBatcher();
        for (int round = 0; round < 3; round++)
        {
            ValueTask<Model.MixBatcher.Lease> refused = batcher.SubmitAsync(round, static (round, row) => throw new FormatException($"round {round}"));
            FormatException exception = await Assert.ThrowsAsync<FormatException>(async () => await refused);
            Assert.Equal($"round {round}", exception.Message);
            using Model.MixBatcher.Lease served = await batcher.SubmitAsync([1f, 2f, 3f], 4, [true, false, true]);
            Assert.Equal('d', served.Letter);
        }
    }

    [Fact]
    public async Task A_row_of_another_length_is_refused_by_name()
    {
        await using Model.MixBatcher batcher = new Model(1).CreateMixBatcher();
        Refuses("values", () => batcher.SubmitAsync([1f, 2f], 4, [true, false, true]).AsTask());
        Refuses("flags", () => batcher.SubmitAsync([1f, 2f, 3f], 4, []).AsTask());
        Refuses("sums", () => batcher.SubmitAsync([1f, 2f, 3f], 4, [true, false, true], new double[3], new bool[3]).AsTask());
        Refuses("inverted", () => batcher.SubmitAsync(0, static (_, _) => { }, new double[2], default).AsTask());
        Assert.Throws<ArgumentNullException>("write", () => { _ = batcher.SubmitAsync(0, null!).AsTask(); });

        static void Refuses(string parameter, Func<Task> submit)
        {
            ArgumentException exception = Assert.Throws<ArgumentException>(parameter, () => { _ = submit(); });
            Assert.StartsWith($"FormTests.Model.Mix: {parameter} has ", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_cancelled_request_is_not_run()
    {
        await using Model.MixBatcher batcher = new Model(1).CreateMixBatcher(Batches.Of(2));
        using var cancellation = new CancellationTokenSource();
        Task<Model.MixBatcher.Lease> cancelled = batcher.SubmitAsync([1f, 2f, 3f], 4, [true, false, true], cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);

        // Its row fills the batch all the same, but the method does not see it.
        using Model.MixBatcher.Lease served = await batcher.SubmitAsync([1f, 2f, 3f], 5, [true, false, true]);
        Assert.Equal('e', served.Letter);
    }

    internal sealed partial class Model(int factor)
    {
        [Batchable]
        internal void Mix(
            [Row(2)] Span<double> sums,
            [Row(3)] ReadOnlySpan<float> values,
            Span<long> total,
            ReadOnlySpan<byte> index,
            [Row(3)] ReadOnlySpan<bool> flags,
            [Row(3)] Span<bool> inverted,
            Span<char> letter)
        {
            for (int n = 0; n < index.Length; n++)
            {
                ReadOnlySpan<float> row = values.Slice(3 * n, 3);
                double sum = row[0] + row[1] + row[2];
                sums[2 * n] = sum;
                sums[2 * n + 1] = index[n];
                total[n] = (long)sum * factor;
                letter[n] = (char)('a' - 1 + index[n]);
                for (int i = 3 * n; i < 3 * n + 3; i++)
                {
                    inverted[i] = !flags[i];
                }
            }
        }
    }

    internal static partial class Doubler
    {
        [Batchable]
        internal static void Run([Row(2)] ReadOnlySpan<int> values, [Row(2)] Span<int> doubled)
        {
            for (int i = 0; i < values.Length; i++)
            {
                doubled[i] = 2 * values[i];
            }
        }

        [Batchable(MaxBatchSize = 8)]
        internal static void One(ReadOnlySpan<int> value, Span<int> doubled) => Run(value, doubled);
    }
}
