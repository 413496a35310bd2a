using FastBatch.Lanes;

namespace FastBatch.Tests.Lanes;

public class ShelfTests
{
    [Theory]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(20)]
    public void It_keeps_as_many_as_it_may_and_gives_each_out_once(int limit)
    {
        var shelf = new Shelf<object>(limit);
        for (int round = 0; round < 3; round++)
        {
            Assert.Null(shelf.TryTake());
            object[] items = [.. Enumerable.Range(0, limit + 5).Select(static _ => new object())];
            Array.ForEach(items, shelf.Return);
            var taken = new HashSet<object>();
            while (shelf.TryTake() is { } item)
            {
                Assert.Contains(item, items);
                Assert.True(taken.Add(item));
            }

            Assert.Equal(limit, taken.Count);
        }
    }

    [Fact]
    public void Threads_that_take_and_return_never_have_the_same_one()
    {
        var shelf = new Shelf<int[]>(limit: 16);
        for (int i = 0; i < 12; i++)
        {
            shelf.Return([0]);
        }

        int shared = 0;
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                if (shelf.TryTake() is { } item)
                {
                    shared += Interlocked.Increment(ref item[0]) == 1 ? 0 : 1;
                    Interlocked.Decrement(ref item[0]);
                    shelf.Return(item);
                }
            }
        }))];
        Array.ForEach(threads, static thread => thread.Start());
        Array.ForEach(threads, static thread => thread.Join());
        Assert.Equal(0, shared);
    }
}
