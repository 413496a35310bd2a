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

    private static void Consume(TestRequest request)
    {
        Assert.True(request.TryDeliver(request.Ticket, new NoOutputs(), 0, out _));
        Assert.Equal(0, request.Task.Result);
    }
}
