using FastBatch.Atomics;
using FastBatch.Completion;
using FastBatch.Execution;
using FastBatch.Lanes;

namespace FastBatch.ModelChecking.Components;

/// <summary>
/// <see cref="Delivery"/>: the thread that ran the batch and a helper resume its callers, and the watch may add another; the last to leave
/// lets the object be used again. Each caller is resumed once, and the desk knows when all have been.
/// </summary>
public class DeliveryTests
{
    [Fact]
    public void Two_threads_and_a_rescue_deliver_one_caller() => Check.Exhausts(Deliveries(callers: 1, rounds: 1), interruptions: 3);

    [Fact]
    public void Two_threads_and_a_rescue_deliver_two_callers() => Check.Exhausts(Deliveries(callers: 2, rounds: 1), interruptions: 2);

    [Fact]
    public void A_delivery_is_used_again_only_when_all_have_left() => Check.Exhausts(Deliveries(callers: 1, rounds: 2), interruptions: 1);

    [Fact]
    public void Participants_counted_without_compare_and_swap() => Check.Catches(
        new Twin(Weakening.Split, "Delivery.cs", "Leave"), "", Deliveries(callers: 1, rounds: 2));

    [Fact]
    public void A_rescue_that_joins_without_compare_and_swap() => Check.Catches(
        new Twin(Weakening.Split, "Delivery.cs", "TryRescue"), "", Deliveries(callers: 1, rounds: 2));

    [Fact]
    public void A_request_that_two_threads_deliver() => Check.Catches(
        new Twin(Weakening.Split, "CompletionCore.cs", "TryComplete"), "", Deliveries(callers: 1, rounds: 1));

    internal static Action<Model> Deliveries(int callers, int rounds) => model =>
    {
        var desk = new DeliveryDesk("Model", callers, new StoppedTime(), new PassiveBatcher().Ledger);
        var pool = new RequestPool<ModelRequest>(static () => new ModelRequest());
        var ends = new Ends(callers * rounds);
        var watched = new AtomicReference<Delivery>();
        int allDelivered = 0;
        desk.AllDelivered += () => allDelivered++;
        model.Thread("leader", () =>
        {
            for (int round = 0; round < rounds; round++)
            {
                Delivery delivery = desk.Take();
                for (int i = 0; i < callers; i++)
                {
                    int id = (round * callers) + i;
                    ModelRequest request = pool.Rent();
                    delivery.Batch.Members[i] = new BatchMember(request, request.Ticket);
                    int row = i;
                    request.Await((ended, token) =>
                    {
                        Model.Require(ModelRequest.Take(ended, token) == row, "another caller's answer");
                        ends.Add(id);
                    });
                }

                delivery.Batch.Close(0, callers, callers);
                delivery.Batch.HasResult = true;
                desk.Announce(delivery);
                delivery.Begin(participants: 2);
                watched.Write(delivery);
                ThreadPool.UnsafeQueueUserWorkItem(delivery, preferLocal: false);
                if (delivery.Run())
                {
                    desk.Return(delivery);
                }
            }
        });
        model.Thread("watch", () => watched.Read()?.TryRescue());
        model.AtEnd(() =>
        {
            ends.RequireAll();
            Model.Require(desk.Resuming == 0, "somebody is still thought to be resumed");
            Model.Require(allDelivered >= 1, "nobody was told that all are delivered");
        });
    };
}
