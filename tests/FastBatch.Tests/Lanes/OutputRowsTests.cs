using FastBatch.Devices;
using FastBatch.Lanes;

namespace FastBatch.Tests.Lanes;

/// <summary>The outputs of a batch: whose rows the method gets, what callers get of them, and what a device copies to.</summary>
public class OutputRowsTests
{
    private const int Poison = unchecked((int)0xDBDB_DBDB);

    private readonly Results _slab = new();
    private readonly Batch _batch = new(4);

    public OutputRowsTests()
    {
        _slab.Open();
        _batch.Close(0, 4, 4);
    }

    [Fact]
    public void A_part_of_a_batch_gets_its_own_rows_zeroed_and_leaves_the_others_alone()
    {
        _slab.Ids.Rows(_batch).Fill(7);
        _batch.Narrow(1, 2);
        Span<int> rows = _slab.Ids.Rows(_batch);
        Assert.Equal([0, 0, 0, 0], rows.ToArray());
        rows[0] = 1;
        rows[3] = 2;
        Assert.Equal([7, 7, 1, 0, 0, 2, 7, 7], Enumerable.Range(0, 4).SelectMany(row => _slab.Ids.Row(row).ToArray()));
        Assert.Equal([7, 1, 0, 7], Enumerable.Range(0, 4).Select(_slab.Ids.Value));
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 9)]
    public unsafe void On_a_device_they_are_in_its_buffer_and_zeroed_if_the_host_can_write_there(bool isHost, int left)
    {
        int[] ids = [.. Enumerable.Repeat(9, 8)];
        float[] scores = [.. Enumerable.Repeat(9f, 4)];
        fixed (int* first = ids)
        fixed (float* second = scores)
        {
            _batch.Narrow(1, 2);
            _batch.OnDevice = new DeviceRows(new PinningDevice { IsHost = isHost }, 0, [], [(nint)first, (nint)second]);
            Assert.Equal([left, left, left, left], _slab.Ids.Rows(_batch).ToArray());
            Assert.Equal([left, left], _slab.Scores.Rows(_batch).ToArray());
        }

        Assert.Equal([9, 9, left, left, left, left, 9, 9], ids);
        Assert.Equal([9, left, left, 9], scores);
    }

    [Fact]
    public void What_is_lent_stays_readable_and_what_is_delivered_is_poisoned_if_asked_for()
    {
        _slab.Ids.Rows(_batch).Fill(7);
        _slab.Scores.Rows(_batch).Fill(7);
        RowLease<int> lease = _slab.Ids.Lease(1);
        _slab.PoisonDelivered(3);
        Assert.Equal([Poison, 7, Poison, 7], Enumerable.Range(0, 4).Select(row => _slab.Ids.Row(row)[1]));
        Assert.Equal([Poison, Poison], [BitConverter.SingleToInt32Bits(_slab.Scores.Value(0)), BitConverter.SingleToInt32Bits(_slab.Scores.Value(2))]);
        Assert.Equal([7, 7], lease.Span.ToArray());
        _slab.Poisons = true;
        lease.Dispose();
        Assert.Equal([Poison, Poison], _slab.Ids.Row(1).ToArray());

        // Lent again and given back, it is poisoned again; a second Dispose of the old lease has no part in it.
        RowLease<int> next = _slab.Ids.Lease(1);
        lease.Dispose();
        _slab.PoisonDelivered(4);
        Assert.True(_slab.IsLent);
        next.Dispose();
        Assert.False(_slab.IsLent);
    }

    [Fact]
    public void A_result_that_is_not_finite_is_named_with_its_output_and_place()
    {
        _slab.Ids.Rows(_batch).Fill(-1);
        _slab.Scores.Rows(_batch)[2] = float.PositiveInfinity;
        Assert.Null(_slab.FindNonFinite(1, "Test"));
        NonFiniteException? fault = _slab.FindNonFinite(2, "Test");
        Assert.Equal((0, false), (fault!.Element, fault.IsInput));
        Assert.StartsWith("Test: element 0 of output 2 of 2 is Infinity;", fault.Message, StringComparison.Ordinal);
        var single = new Single();
        single.Scores.Rows(_batch)[7] = float.NaN;
        Assert.StartsWith("Test: element 1 of the output is NaN;", single.FindNonFinite(3, "Test")!.Message, StringComparison.Ordinal);
        Assert.Null(single.FindNonFinite(2, "Test"));
    }

    [Fact]
    public void Where_two_runs_differ_is_told_by_output_row_and_element()
    {
        var other = new Results();
        other.Open();
        Assert.Null(_slab.SlabMemory.FindDifference(other.SlabMemory, 4));
        other.Scores.Rows(_batch)[3] = 2;
        Assert.Equal(
            "of output 2, element 0 of row 3 is 0, not 2", _slab.SlabMemory.FindDifference(other.SlabMemory, 4));
        Assert.Null(_slab.SlabMemory.FindDifference(other.SlabMemory, 3));
        _slab.Ids.Rows(_batch)[5] = 8;
        Assert.Equal(
            "of output 1, element 1 of row 2 is 8, not 0", _slab.SlabMemory.FindDifference(other.SlabMemory, 3));
        _slab.Ids.Rows(_batch)[0] = 9;
        Assert.Equal("of output 1, element 0 of row 0 is 9, not 0", _slab.SlabMemory.FindDifference(other.SlabMemory, 1));
        var single = new Single();
        single.Scores.Rows(_batch)[1] = 0.5f;
        Assert.Equal("element 1 of row 0 is 0, not 0.5", new Single().SlabMemory.FindDifference(single.SlabMemory, 4));
    }

    [Fact]
    public void A_device_gets_pages_for_every_output_once()
    {
        var device = new PinningDevice();
        _slab.SlabMemory.Pin([device]);
        (nint Address, long Bytes)[] pinned = device.Pinned;
        Assert.Equal([Environment.SystemPageSize, Environment.SystemPageSize], pinned.Select(static memory => memory.Bytes));
        Assert.Equal([_slab.Ids.Memory.Address, _slab.Scores.Memory.Address], pinned.Select(static memory => memory.Address));
        Assert.All(pinned, static memory => Assert.Equal(0, memory.Address % Environment.SystemPageSize));
        _slab.SlabMemory.Pin([device]);
        Assert.Equal(pinned, device.Pinned);
        _slab.Ids.Rows(_batch).Fill(3);
        Assert.Equal([3, 3], _slab.Ids.Row(3).ToArray());
        GC.KeepAlive(_slab);
    }

    [Fact]
    public void A_device_that_refuses_may_be_asked_again()
    {
        var device = new PinningDevice { Limit = 1 };
        Assert.Throws<DeviceException>(() => _slab.SlabMemory.Pin([device]));
        device.Limit = int.MaxValue;
        _slab.SlabMemory.Pin([device]);
        nint[] pinned = [.. device.Pinned.Select(static memory => memory.Address)];
        Assert.Contains(_slab.Ids.Memory.Address, pinned);
        Assert.Contains(_slab.Scores.Memory.Address, pinned);
        GC.KeepAlive(_slab);
    }

    [Fact]
    public void A_row_is_as_long_as_its_elements_are() =>
        Assert.Equal((8, 4, 8), (_slab.Ids.RowBytes, _slab.Scores.RowBytes, new Single().Scores.RowBytes));

    private sealed class Results : OutputSlab
    {
        public Results()
            : base(4) => (Ids, Scores) = (new OutputRows<int>(this, 2), new OutputRows<float>(this, 1));

        public OutputRows<int> Ids { get; }

        public OutputRows<float> Scores { get; }
    }

    private sealed class Single : OutputSlab
    {
        public Single()
            : base(4) => Scores = new OutputRows<float>(this, 2);

        public OutputRows<float> Scores { get; }
    }
}
