using FastBatch.Completion;

namespace FastBatch.Tests.Completion;

public class RequestPoolTests
{
    [Fact]
    public void Requests_consumed_on_another_thread_come_back_through_the_shared_stack()
    {
        int made = 0;
        var pool = new RequestPool<TestRequest>(() =>
        {
            made++;
            return new TestRequest();
        });
        for (int round = 0; round < 20; round++)
        {
            var rented = Enumerable.Range(0, 200).Select(_ => pool.Rent()).ToList();
            Assert.Equal(200, rented.Distinct().Count());
            var consumer = new Thread(() => rented.ForEach(Consume));
            consumer.Start();
            consumer.Join();
        }

        // What stays behind in the list of each finished thread (64 at most) is made anew.
        Assert.InRange(made, 200, 200 + (20 * 64));
    }

    [Fact]
    public void A_closed_pool_makes_way_for_another_that_never_gets_its_requests()
    {
        var first = new RequestPool<TestRequest>(static () => new TestRequest());
        TestRequest request = first.Rent();
        Consume(request);
        first.Close();
        var second = new RequestPool<TestRequest>(static () => new TestRequest());
        TestRequest other = second.Rent();
        Assert.NotSame(request, other);
        Consume(other);
        Assert.Same(other, second.Rent());
    }

    [Fact]
    public void Pools_of_one_thread_keep_apart_however_many_there_are()
    {
        RequestPool<TestRequest>[] pools = [.. Enumerable.Range(0, 40).Select(static _ => new RequestPool<TestRequest>(static () => new TestRequest()))];
        TestRequest[] requests = [.. pools.Select(static pool => pool.Rent())];
        Array.ForEach(requests, Consume);
        for (int i = 0; i < pools.Length; i++)
        {
            Assert.Same(requests[i], pools[i].Rent());
            Assert.NotSame(requests[i], pools[i].Rent());
            pools[i].Close();
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(64, 64)]
    [InlineData(65, 65)]
    [InlineData(260 * 64, 257 * 64)]
    public void So_many_are_kept_and_no_more(int returned, int kept)
    {
        // Of one thread: a list of 64, and 256 such lists that others may take.
        var pool = new RequestPool<TestRequest>(static () => new TestRequest());
        HashSet<TestRequest> requests = [.. Enumerable.Range(0, returned).Select(_ => pool.Rent())];
        Assert.Equal(returned, requests.Count);
        foreach (TestRequest request in requests)
        {
            Consume(request);
        }

        TestRequest[] again = [.. Enumerable.Range(0, returned).Select(_ => pool.Rent())];
        Assert.Equal(returned, again.Distinct().Count());
        Assert.Equal(kept, again.Count(requests.Contains));
        pool.Close();
    }

    [Fact]
    public void What_comes_back_to_a_closed_pool_from_another_thread_is_not_kept()
    {
        var pool = new RequestPool<TestRequest>(static () => new TestRequest());
        TestRequest request = pool.Rent();
        pool.Close();
        TestRequest? again = null;
        var thread = new Thread(() =>
        {
            Consume(request);
            again = pool.Rent();
        });
        thread.Start();
        thread.Join();
        Assert.NotSame(request, again);
    }

    private static void Consume(TestRequest request)
    {
        Assert.True(request.TryDeliver(request.Ticket, new NoOutputs(), 0, out _));
        Assert.Equal(0, request.Task.Result);
    }
}
