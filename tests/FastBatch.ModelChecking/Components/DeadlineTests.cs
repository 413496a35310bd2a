using FastBatch.Completion;
using FastBatch.Execution;
using FastBatch.Lanes;

namespace FastBatch.ModelChecking.Components;

/// <summary>
/// Deadlines that any thread enforces (<c>Lane.Expire</c>, <see cref="DeadlineWatch"/>) while the device side takes the same rows and requests
/// serve again: a request ends once, none ends for another's deadline, and none is forgotten.
/// </summary>
public class DeadlineTests
{
    private const long Passed = 0;

    [Fact]
    public void Expiry_against_delivery_and_reuse() => Check.Exhausts(Expiry, interruptions: 2);

    [Fact]
    public void The_watch_finds_every_row() => Check.Exhausts(Watch, interruptions: 1);

    [Fact]
    public void A_watch_that_is_turned_off_without_a_second_look() => Check.Catches(new Twin("no-second-look"), "", Watch);

    // A request that is late, then the same object for one that has time, in the same slot.
    private static void Expiry(Model model)
    {
        var batcher = new PassiveBatcher();
        var lane = new Lane([], maxBatchSize: 1, capacity: 1);
        var pool = new RequestPool<ModelRequest>(static () => new ModelRequest());
        var ends = new Ends(2);
        Submit(0);
        model.Thread("watch", () => lane.Expire(now: 1, "Model", batcher.Ledger));
        model.Thread("device", () =>
        {
            for (int served = 0; served < 2; served++)
            {
                Model.Knows(served);
                while (lane.Ring.CountPublished(limit: 1) == 0)
                {
                    Model.Spin();
                    Model.Knows(served);
                }

                long taken = lane.Ring.Take(1);
                PendingRequest request = lane.Ring.Request(taken, out long ticket)!;
                lane.Ring.Release(taken + 1);
                if (request.TryDeliver(ticket, null!, served, out Continuation continuation))
                {
                    continuation.RunHere();
                }
                else
                {
                    request.SignOff(ticket);
                }
            }
        });
        model.AtEnd(ends.RequireAll);

        void Submit(int id)
        {
            ModelRequest request = pool.Rent();
            request.Deadline = id == 0 ? Passed : long.MaxValue;
            long ticket;
            while ((ticket = lane.TryClaim(out _)) < 0)
            {
                Model.Spin();
            }

            lane.Ring.Publish(ticket, request);
            request.Await((ended, token) =>
            {
                int result = ModelRequest.Take(ended, token);
                Model.Require(result == id || (result == -3 && id == 0), $"request {id} ended with {result}");
                ends.Add(id);
                if (id == 0)
                {
                    Submit(1);
                }
            });
        }
    }

    // A row that nobody runs, so only the watch ends its request; it is about to be turned off when the row comes.
    private static void Watch(Model model)
    {
        var lanes = new PriorityLanes([], maxBatchSize: 1, new BatcherOptions { Capacity = 1 });
        Lane lane = lanes.Normal;
        var watch = new DeadlineWatch(lanes, new PassiveBatcher(), new StoppedTime());
        var pool = new RequestPool<ModelRequest>(static () => new ModelRequest());
        var ends = new Ends(1);
        watch.Use();
        watch.TurnOn();
        model.Thread("caller", () =>
        {
            ModelRequest request = pool.Rent();
            request.Deadline = Passed;
            long ticket = lane.TryClaim(out _);
            watch.TurnOn();
            lane.Ring.Publish(ticket, request);
            request.Await((ended, token) =>
            {
                int result = ModelRequest.Take(ended, token);
                Model.Require(result == -3, $"the request ended with {result}");
                ends.Add(0);
            });
        });
        model.AtEnd(ends.RequireAll);
    }
}
