using System.Runtime.CompilerServices;
using FastBatch.Devices;
using FastBatch.Lanes;

namespace FastBatch.Tests.Lanes;

/// <summary>Where the rows of one input lie, and that each is its own.</summary>
public class InputRowsTests
{
    private const int RowLength = 3;
    private const int Poison = unchecked((int)0xDBDB_DBDB);

    // One of each kind: the first lane's, another's, one of those in which batches are gathered, and parked ones.
    private static readonly int[] Places =
    [
        0, 3, RowPlace.First(1), RowPlace.First(3) + 2, RowPlace.Mixed, RowPlace.Mixed + 1,
        RowPlace.Parked, RowPlace.Parked + RowPlace.First(3) + 1, RowPlace.Parked + 40,
    ];

    private readonly InputRows<int> _rows = new("x", RowLength);

    public InputRowsTests()
    {
        foreach (int memory in (int[])[0, 1, 3, RowPlace.Memory(RowPlace.Mixed)])
        {
            _rows.Allocate(memory, rows: 4, zeroes: true);
        }

        for (int index = 0; index <= 40; index++)
        {
            _rows.EnsureParked(index);
        }
    }

    [Fact]
    public void Every_row_keeps_what_is_written_to_it_wherever_it_lies()
    {
        for (int i = 0; i < Places.Length; i++)
        {
            Row(Places[i]).Fill(i + 1);
            Assert.Equal(RowLength, Row(Places[i]).Length);
        }

        // Those parked are used again, and more are needed, while these are being written.
        for (int index = 0; index < 100; index++)
        {
            _rows.EnsureParked(index);
        }

        Assert.All(Places.Index(), place => Assert.Equal(Same(place.Index + 1), Row(place.Item).ToArray()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(RowLength)]
    public void A_place_names_its_memory_its_row_and_its_lane(int row)
    {
        foreach (int lane in Enumerable.Range(0, RowPlace.Lanes))
        {
            int place = RowPlace.First(lane) + row;
            Assert.Equal((lane, row, lane), (RowPlace.Memory(place), RowPlace.Index(place), RowPlace.Lane(place)));
            Assert.Equal((row, lane), (RowPlace.Index(RowPlace.Parked + place), RowPlace.Lane(RowPlace.Parked + place)));
        }
    }

    [Fact]
    public void What_is_parked_moves_to_its_place_in_the_ring_and_rows_move_within_and_between()
    {
        Row(RowPlace.Parked + 1).Fill(5);
        _rows.Unpark(1, RowPlace.First(1) + 1);
        Assert.Equal(Same(5), Row(RowPlace.First(1) + 1).ToArray());
        _rows.Copy(RowPlace.First(1) + 1, 2);
        _rows.Copy(2, RowPlace.Mixed + 3);
        Assert.Equal(Same(5), Row(RowPlace.Mixed + 3).ToArray());
        Assert.Equal(Same(0), Row(RowPlace.Mixed + 2).ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1 << 26)]
    public void So_many_rows_are_poisoned_or_zeroed_as_are_named(int first)
    {
        for (int row = 0; row < 4; row++)
        {
            Row(first + row).Fill(row + 1);
        }

        _rows.Poison(first + 1, 2);
        Assert.Equal([1, Poison, Poison, 4], Enumerable.Range(0, 4).Select(row => Row(first + row)[2]));
        _rows.Clear(first + 2, 2);
        Assert.Equal([1, Poison, 0, 0], Enumerable.Range(0, 4).Select(row => Row(first + row)[2]));
    }

    [Fact]
    public void The_value_of_a_row_is_its_first()
    {
        _rows.Value(new RowClaim(0, 1)) = 9;
        Assert.Equal([9, 0, 0], Row(1).ToArray());
    }

    [Fact]
    public unsafe void A_row_is_where_its_address_says()
    {
        foreach (int place in (int[])[0, 3, RowPlace.First(1) + 2, RowPlace.Mixed + 1])
        {
            Row(place).Fill(place);
            Assert.Equal(place, ((int*)_rows.AddressOf(place))[RowLength - 1]);
        }
    }

    [Fact]
    public unsafe void On_a_device_the_rows_of_a_batch_are_in_its_buffer_of_this_input()
    {
        int[] first = [.. Enumerable.Range(0, 12)];
        int[] second = [.. Enumerable.Range(100, 12)];
        fixed (int* firstBuffer = first, secondBuffer = second)
        {
            var batch = new Batch(4);
            batch.Close(0, 4, 4);
            batch.Narrow(1, 2);
            batch.OnDevice = new DeviceRows(new PinningDevice(), 0, [(nint)firstBuffer, (nint)secondBuffer], []);
            Assert.Equal(first[3..9], _rows.Rows(batch).ToArray());
            _rows.Index = 1;
            Assert.Equal(second[3..9], _rows.Rows(batch).ToArray());
        }
    }

    [Fact]
    public void A_device_gets_whole_pages_once_and_they_are_given_back_once()
    {
        var device = new PinningDevice();
        var rows = new InputRows<int>("x", RowLength) { Devices = [device] };
        rows.Allocate(0, rows: 4, zeroes: true);
        rows.Allocate(RowPlace.Memory(RowPlace.Mixed), rows: 4000, zeroes: true);
        int page = Environment.SystemPageSize;
        Assert.Equal([page, 12 * page], device.Pinned.Select(static memory => memory.Bytes));
        Assert.All(device.Pinned, memory => Assert.Equal(0, memory.Address % page));
        Assert.Equal([rows.AddressOf(0), rows.AddressOf(RowPlace.Mixed)], device.Pinned.Select(static memory => memory.Address));
        rows.Unpin();
        rows.Unpin();
        Assert.Empty(device.Pinned);
        Assert.Equal(2, device.Unpinned);
        GC.KeepAlive(rows);
    }

    [Fact]
    public void Rows_that_nobody_has_any_more_are_unpinned_before_their_memory_goes()
    {
        var device = new PinningDevice();
        Forget(device);
        for (int i = 0; i < 100 && device.Unpinned < 1; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Empty(device.Pinned);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(Device device) => new InputRows<int>("x", RowLength) { Devices = [device] }.Allocate(0, rows: 4, zeroes: true);
    }

    [Fact]
    public void A_value_that_is_not_finite_is_named_with_its_input_and_place()
    {
        var rows = new InputRows<float>("features", RowLength);
        rows.Allocate(0, rows: 2, zeroes: true);
        rows.Row(new RowClaim(0, 0))[0] = float.NaN;
        rows.Row(new RowClaim(1, 1))[2] = float.NegativeInfinity;
        NonFiniteException? fault = rows.FindNonFinite(new RowClaim(1, 1), "Test");
        Assert.Equal((2, true), (fault!.Element, fault.IsInput));
        Assert.StartsWith("Test: element 2 of input 'features' is -Infinity;", fault.Message, StringComparison.Ordinal);
        Assert.Equal(0, rows.FindNonFinite(new RowClaim(0, 0), "Test")!.Element);
        rows.Row(new RowClaim(0, 0)).Clear();
        Assert.Null(rows.FindNonFinite(new RowClaim(0, 0), "Test"));
    }

    [Theory]
    [InlineData(3, 5, 60)]
    [InlineData(1, 1, 4)]
    [InlineData(0, 5, 1)]
    public void Memory_is_as_long_as_its_rows_and_not_empty(int rows, int rowLength, long bytes)
    {
        RowMemory memory = new AlignedRows<int>(rows, rowLength).Memory;
        Assert.Equal(bytes, memory.Bytes);
        AssertWithinOwner(memory, alignment: 64);
    }

    [Fact]
    public void Memory_stays_where_it_is_and_within_what_holds_it()
    {
        // Of every length, so that it is aligned by every number of bytes; with garbage between, so that what may move does.
        var kept = new List<(AlignedRows<byte> Rows, nint Address)>();
        for (int length = 1; length <= 200; length++)
        {
            _ = new byte[1000];
            var rows = new AlignedRows<byte>(1, length);
            AssertWithinOwner(rows.Memory, alignment: 64);
            kept.Add((rows, rows.Memory.Address));
        }

        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        Assert.All(kept, static memory => Assert.Equal(memory.Address, memory.Rows.Memory.Address));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(16, 1)]
    [InlineData(17, 2)]
    [InlineData(33, 3)]
    public void Memory_for_a_device_is_whole_pages(int sixteenths, int pages)
    {
        int page = Environment.SystemPageSize;
        RowMemory memory = new AlignedRows<byte>(sixteenths, page / 16, wholePages: true).Memory;
        Assert.Equal(pages * page, memory.Bytes);
        AssertWithinOwner(memory, page);
    }

    private static unsafe void AssertWithinOwner(RowMemory memory, int alignment)
    {
        ulong[] owner = (ulong[])memory.Owner;
        fixed (ulong* first = owner)
        {
            nint offset = memory.Address - (nint)first;
            Assert.InRange(offset, 0, ((long)owner.Length * sizeof(ulong)) - memory.Bytes);
        }

        Assert.Equal(0, memory.Address % alignment);
    }

    private Span<int> Row(int place) => _rows.Row(new RowClaim(0, place));

    private static int[] Same(int value) => [value, value, value];
}
