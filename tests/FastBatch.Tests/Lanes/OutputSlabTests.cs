using FastBatch.Lanes;

namespace FastBatch.Tests.Lanes;

public class OutputSlabTests
{
    private readonly Shelf<OutputSlab> _home = new(limit: 16);
    private readonly Results _slab;

    public OutputSlabTests()
    {
        _slab = new Results { Home = _home };
        _slab.Open();
    }

    [Fact]
    public void A_slab_goes_home_when_the_batch_and_every_lease_have_let_go()
    {
        RowLease<int> first = _slab.Values.Lease(0);
        RowLease<int> second = _slab.Values.Lease(1);
        _slab.Release();
        first.Dispose();
        Assert.Null(_home.TryTake());
        second.Dispose();
        Assert.Same(_slab, _home.TryTake());
    }

    [Fact]
    public void Disposing_a_lease_or_its_copies_again_does_nothing()
    {
        RowLease<int> lease = _slab.Values.Lease(0);
        RowLease<int> copy = lease;
        RowLease<int> other = _slab.Values.Lease(1);
        _slab.Release();
        lease.Dispose();
        copy.Dispose();
        lease.Dispose();
        Assert.Null(_home.TryTake());
        other.Dispose();
        Assert.Same(_slab, _home.TryTake());
    }

    [Fact]
    public void A_disposed_lease_cannot_be_read_nor_reach_the_rows_next_lease()
    {
        RowLease<int> old = _slab.Values.Lease(0);
        old.Dispose();
        Assert.Throws<ObjectDisposedException>(() => old.Span.Length);
        _slab.Release();
        _slab.Open();
        RowLease<int> next = _slab.Values.Lease(0);
        Assert.Throws<ObjectDisposedException>(() => old.Span.Length);
        old.Dispose();
        Assert.Equal(2, next.Span.Length);
        next.Dispose();
    }

    [Fact]
    public void An_empty_lease_says_so()
    {
        RowLease<int> empty = default;
        Assert.Throws<ObjectDisposedException>(() => empty.Span.Length);
        empty.Dispose();
    }

    [Fact]
    public void The_outputs_of_an_earlier_batch_are_zeroed_before_the_next()
    {
        var batch = new Batch(4);
        batch.Close(0, 4, 4);
        _slab.Values.Rows(batch).Fill(7);
        Assert.All(_slab.Values.Rows(batch).ToArray(), value => Assert.Equal(0, value));
    }

    private sealed class Results : OutputSlab
    {
        public Results()
            : base(4) => Values = new OutputRows<int>(this, 2);

        public OutputRows<int> Values { get; }
    }
}
