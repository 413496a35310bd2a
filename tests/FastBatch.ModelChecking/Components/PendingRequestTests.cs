using FastBatch.Atomics;
using FastBatch.Completion;
using FastBatch.Lanes;

namespace FastBatch.ModelChecking.Components;

/// <summary>
/// <see cref="PendingRequest"/> and its pool: the device side delivers, the caller awaits and another thread cancels, all at once; then the
/// request serves the next caller. Each request ends once, with its own result.
/// </summary>
public class PendingRequestTests
{
    [Fact]
    public void Delivery_against_await_and_reuse() => Check.Exhausts(Requests(2, cancels: false));

    [Fact]
    public void Delivery_against_cancellation_and_await() => Check.Exhausts(Requests(1, cancels: true));

    [Fact]
    public void Delivery_against_cancellation_await_and_reuse() => Check.Exhausts(
        Requests(2, cancels: true), interruptions: 2);

    [Fact]
    public void Two_threads_that_take_the_same_result() => Check.Exhausts(TwoTakers);

    [Fact]
    public void A_result_taken_without_compare_and_swap() => Check.Catches(
        new Twin(Weakening.Split, "CompletionCore.cs", "Consume"), "", TwoTakers);

    [Fact]
    public void Faults_against_cancellation_and_await() => Check.Exhausts(Requests(1, cancels: true, faults: true));

    [Fact]
    public void A_status_read_without_acquire() => Check.Catches(
        new Twin(Weakening.RelaxedRead, "CompletionCore.cs", "RequireCurrent"), "race", Requests(1, cancels: false, faults: true));

    [Fact]
    public void An_outcome_decided_by_both_sides() => Check.Catches(
        new Twin(Weakening.Split, "CompletionCore.cs", "TryComplete"), "", Requests(1, cancels: true));

    [Fact]
    public void A_continuation_registered_without_compare_and_swap() => Check.Catches(
        new Twin(Weakening.Split, "CompletionCore.cs", "TryRegister"), "", Requests(1, cancels: false));

    [Fact]
    public void An_outcome_published_without_compare_and_swap() => Check.Catches(
        new Twin(Weakening.Split, "CompletionCore.cs", "FinishContended"), "", Requests(1, cancels: false));

    [Fact]
    public void An_outcome_decided_by_both_sides_before_it_is_awaited() => Check.Catches(
        new Twin(Weakening.Split, "CompletionCore.cs", "TryCompleteOther"), "", Requests(1, cancels: true));

    [Fact]
    public void A_cancellation_without_compare_and_swap() => Check.Catches(
        new Twin(Weakening.Split, "CompletionCore.cs", "TryCancel"), "", Requests(1, cancels: true));

    [Fact]
    public void A_cancelled_request_that_both_sides_return() => Check.Catches(
        new Twin("double-return"), "", Requests(2, cancels: true));

    [Fact]
    public void A_result_read_after_its_request_is_returned() => Check.Catches(
        new Twin("return-before-read"), "", Requests(2, cancels: false));

    // One caller, whose next request follows from the end of the one before, on whichever thread that is.
    internal static Action<Model> Requests(int count, bool cancels, bool faults = false) => model =>
    {
        var pool = new RequestPool<ModelRequest>(static () => new ModelRequest());
        var source = new CancellationTokenSource();
        var rows = new AtomicReference<RowRequest>[count];
        var ends = new Ends(count);
        model.Thread("caller", () => Submit(0));
        model.Thread("device", () =>
        {
            for (int i = 0; i < count; i++)
            {
                RowRequest? row;
                while ((row = rows[i].Read()) is null)
                {
                    Model.Spin();
                }

                if (row.Request is null)
                {
                    continue;
                }

                bool won = faults
                    ? row.Request.TryFail(row.Ticket, new BatcherClosedException("Model"), out Continuation continuation)
                    : row.Request.TryDeliver(row.Ticket, null!, 100 + i, out continuation);
                if (won)
                {
                    continuation.RunHere();
                }
                else
                {
                    row.Request.SignOff(row.Ticket);
                }
            }
        });
        if (cancels)
        {
            model.Thread("canceller", source.Cancel);
        }

        model.AtEnd(ends.RequireAll);

        void Submit(int i)
        {
            if (i == count)
            {
                return;
            }

            ModelRequest request = pool.Rent();
            long ticket = request.Ticket;
            bool accepted = !cancels || i > 0 || request.TryListen(source.Token);
            rows[i].Write(new RowRequest(accepted ? request : null, ticket));
            request.Await((ended, token) =>
            {
                int result = ModelRequest.Take(ended, token);
                Model.Require(result == (faults ? -2 : 100 + i) || (cancels && i == 0 && result == -1), $"request {i} ended with {result}");
                ends.Add(i);
                Submit(i + 1);
            });
        }
    };

    private static void TwoTakers(Model model)
    {
        var pool = new RequestPool<ModelRequest>(static () => new ModelRequest());
        ModelRequest request = pool.Rent();
        (short token, long ticket) = (request.Version, request.Ticket);
        request.TryDeliver(ticket, null!, 7, out _);
        int taken = 0;
        model.Thread("A", Take);
        model.Thread("B", Take);
        model.AtEnd(() => Model.Require(taken == 1, "both have taken it, or neither"));

        void Take()
        {
            try
            {
                Model.Require(ModelRequest.Take(request, token) == 7, "another result");
                taken++;
            }
            catch (InvalidOperationException)
            {
            }
        }
    }

    private sealed record RowRequest(ModelRequest? Request, long Ticket);
}
