using FastBatch.Completion;
using FastBatch.Lanes;
using FastBatch.Tests.Completion;

namespace FastBatch.Tests.Lanes;

public class LaneTests
{
    private const int RowLength = 3;
    private readonly InputRows<int> _rows = new("x", RowLength);
    private readonly LaneCaller _caller;
    private readonly Batch _batch = new(4);

    public LaneTests() => _caller = new LaneCaller(_rows);

    [Fact]
    public void A_batch_is_contiguous_even_past_the_rings_end()
    {
        var lane = new Lane([_rows], maxBatchSize: 4, capacity: 8);
        for (int first = 0; first < 40; first += 3)
        {
            for (int i = 0; i < 3; i++)
            {
                Submit(lane, first + i);
            }

            Close(lane, 3);
            Assert.Equal(Values(first, first + 1, first + 2), _rows.Rows(_batch).ToArray());
            lane.Release(_batch);
        }
    }

    [Fact]
    public void Past_the_rings_end_only_rows_of_the_batch_are_copied()
    {
        var lane = new Lane([_rows], maxBatchSize: 4, capacity: 8);
        for (int value = 1; value <= 7; value++)
        {
            Submit(lane, value);
        }

        Close(lane, 4);
        lane.Release(_batch);
        Close(lane, 2);
        lane.Release(_batch);
        Submit(lane, 8);
        Submit(lane, 9);
        Submit(lane, 10);
        Close(lane, 3);
        Assert.Equal(Values(7, 8, 9), _rows.Rows(_batch).ToArray());
        Assert.Equal(Values(10, 9, 0), ((int[])[1, 8, 9]).SelectMany(row => _rows.Row(new RowClaim(0, row)).ToArray()));
    }

    [Fact]
    public void Past_the_rings_end_there_is_room_for_the_longest_batch()
    {
        int page = Environment.SystemPageSize;
        var device = new PinningDevice();
        var rows = new InputRows<byte>("x", page) { Devices = [device] };
        _ = new Lane([rows], maxBatchSize: 4, capacity: 7);
        Assert.Equal((8 + 3) * page, Assert.Single(device.Pinned).Bytes);
        rows.Unpin();
    }

    [Fact]
    public unsafe void Batches_that_begin_at_one_row_and_are_as_long_have_the_same_memory()
    {
        // What generated code keeps of a batch for the next one relies on it; so does a part of a batch that is run again.
        var lane = new Lane([_rows], maxBatchSize: 4, capacity: 8);
        var seen = new Dictionary<(int FirstRow, int Count), nint>();
        int again = 0;
        for (int i = 0; i < 60; i++)
        {
            int count = (i % 4) + 1;
            for (int row = 0; row < count; row++)
            {
                Submit(lane, i);
            }

            Close(lane, count);
            Look();
            _batch.Narrow(count / 2, count - (count / 2));
            Look();
            lane.Release(_batch);
        }

        Assert.True(again > 40);

        void Look()
        {
            fixed (int* first = _rows.Rows(_batch))
            {
                nint memory = (nint)first;
                again += seen.TryAdd((_batch.FirstRow, _batch.Count), memory) ? 0 : 1;
                Assert.Equal(seen[(_batch.FirstRow, _batch.Count)], memory);
            }
        }
    }

    [Theory]
    [InlineData(0b0000)]
    [InlineData(0b0001)]
    [InlineData(0b1000)]
    [InlineData(0b0110)]
    [InlineData(0b1011)]
    [InlineData(0b1111)]
    public void Cancelled_rows_are_left_out_and_each_member_keeps_its_own_row(int cancelled)
    {
        var lane = new Lane([_rows], maxBatchSize: 4, capacity: 8);
        for (int start = 0; start < 6; start++)
        {
            // Every start position, so that the batch also lies across the ring's end.
            using var source = new CancellationTokenSource();
            var values = new Dictionary<PendingRequest, int>();
            for (int i = 0; i < 4; i++)
            {
                values.Add(Submit(lane, (start * 10) + i, (cancelled >> i & 1) != 0 ? source.Token : default), (start * 10) + i);
            }

            source.Cancel();
            Close(lane, 4);
            Assert.Equal(4 - int.PopCount(cancelled), _batch.Count);
            int[] rows = _rows.Rows(_batch).ToArray();
            for (int i = 0; i < _batch.Count; i++)
            {
                Assert.Equal(Values(values[_batch.Members[i].Request!]), rows.AsSpan(i * RowLength, RowLength).ToArray());
            }

            lane.Release(_batch);
            Submit(lane, -1);
            Close(lane, 1);
            lane.Release(_batch);
        }
    }

    [Fact]
    public void A_claim_that_came_to_nothing_leaves_no_row()
    {
        var lane = new Lane([_rows], maxBatchSize: 4, capacity: 8);
        Submit(lane, 1);
        LaneCaller.Withdraw(lane);
        Submit(lane, 3);
        Close(lane, 3);
        Assert.Equal(Values(1, 3), _rows.Rows(_batch).ToArray());
    }

    [Fact]
    public void Parked_rows_enter_the_ring_in_order_and_newcomers_line_up_behind()
    {
        var lane = new Lane([_rows], maxBatchSize: 4, capacity: 4);
        for (int i = 0; i < 10; i++)
        {
            Submit(lane, i);
        }

        Assert.Equal(6, lane.Overflow.Waiting);
        Assert.Equal(10, lane.Backlog);
        for (int first = 0; first < 10; first += 2)
        {
            lane.Overflow.Refill(lane);
            Close(lane, 2);
            Assert.Equal(Values(first, first + 1), _rows.Rows(_batch).ToArray());
            lane.Release(_batch);
        }

        Assert.True(lane.Overflow.IsEmpty);
    }

    [Theory]
    [InlineData(1, 64, 1024, 1024)]
    [InlineData(600_000, 64, null, 256)]
    [InlineData(128, 64, null, 1024)]
    [InlineData(1, 1, 3, 3)]
    [InlineData(1, 1000, null, 4000)]
    public void Capacity_is_what_was_asked_for_or_fits(int rowLength, int maxBatchSize, int? asked, int expected)
    {
        // Rows of bytes, so that the large case stays small in memory.
        Assert.Equal(expected, new Lane([new InputRows<byte>("x", rowLength)], maxBatchSize, asked).Capacity);
    }

    [Fact]
    public void Rows_start_on_a_cache_line()
    {
        for (int i = 1; i < 20; i++)
        {
            AssertAligned(new AlignedRows<byte>(3, i).Rows(0, 1));
            AssertAligned(new AlignedRows<Half>(3, i).Rows(0, 1));
            AssertAligned(new AlignedRows<float>(3, i).Rows(0, 1));
            AssertAligned(new AlignedRows<Int128>(3, i).Rows(0, 1));
        }

        static unsafe void AssertAligned<T>(Span<T> rows)
            where T : unmanaged
        {
            fixed (T* first = rows)
            {
                Assert.Equal(0u, (nuint)first % 64);
            }
        }
    }

    private static int[] Values(params int[] values) => [.. values.SelectMany(value => Enumerable.Repeat(value, RowLength))];

    private TestRequest Submit(Lane lane, int value, CancellationToken cancellation = default) =>
        _caller.Submit(lane, value, cancellation: cancellation);

    private void Close(Lane lane, int rows)
    {
        Assert.True(lane.Ring.CountPublished(rows) >= rows);
        lane.Close(_batch, rows);
    }
}
