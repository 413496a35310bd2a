using FastBatch.Atomics;
using FastBatch.Lanes;

namespace FastBatch.ModelChecking.Components;

/// <summary>
/// <see cref="OutputSlab"/>: a batch lends its rows and lets go; callers read their row and give it back, one of them twice at once; the
/// next batch writes outputs that nobody reads any more.
/// </summary>
public class SlabTests
{
    [Fact]
    public void Two_rows_that_are_given_back_while_the_batch_lets_go() => Check.Exhausts(Loans(rows: 2, again: false));

    [Fact]
    public void A_row_given_back_twice_at_once_while_the_batch_lets_go() => Check.Exhausts(Loans(rows: 1, again: true));

    [Fact]
    public void A_loan_that_two_can_end() => Check.Catches(new Twin(Weakening.Split, "OutputSlab.cs", "TakeBack"), "race", Loans(rows: 2, again: true));

    [Fact]
    public void A_count_that_is_not_atomic() => Check.Catches(new Twin(Weakening.Split, "OutputSlab.cs", "Release"), "", Loans(rows: 2, again: false));

    [Fact]
    public void A_look_for_loans_without_acquire() => Check.Catches(
        new Twin(Weakening.RelaxedRead, "OutputSlab.cs", "IsLent"), "race", Loans(rows: 1, again: false));

    [Fact]
    public void A_place_that_two_can_take() => Check.Catches(
        new Twin(Weakening.Split, "Shelf.cs", "TryTake"), "the same", TwoTakers);

    [Fact]
    public void What_is_kept_is_taken_once() => Check.Exhausts(TwoTakers);

    internal static Action<Model> Loans(int rows, bool again) => model =>
    {
        var batcher = new PassiveBatcher();
        var batch = new Batch(2);
        var lent = new AtomicReference<Loan>[rows];
        model.Thread("device", () =>
        {
            batch.Attach(batcher);
            var slab = (AnswerSlab)batch.Outputs;
            for (int row = 0; row < rows; row++)
            {
                slab.Answers[row].Set(10 + row, "answer");
                lent[row].Write(new Loan(slab, slab.Lend(row)));
            }

            batch.Detach();
            batch.Attach(batcher);
            var next = (AnswerSlab)batch.Outputs;
            next.Answers[0].Set(20, "answer");
            next.Answers[1].Set(21, "answer");
        });
        for (int i = 0; i < rows; i++)
        {
            int row = i;
            model.Thread("caller", () => Read(row, Receive(row)));
        }

        if (again)
        {
            // A copy of the lease, which its holder does not read.
            model.Thread("again", () => Receive(0).Handle.Dispose());
        }

        Loan Receive(int row)
        {
            Loan? loan;
            while ((loan = lent[row].Read()) is null)
            {
                Model.Spin();
            }

            return loan;
        }

        void Read(int row, Loan loan)
        {
            if (row == rows - 1 && (row > 0 || !again))
            {
                int answer = loan.Slab.Answers[loan.Handle.RequireRow()].Get(0, "answer");
                Model.Require(answer == 10 + row, "another caller's answer");
            }

            loan.Handle.Dispose();
        }
    };

    private static void TwoTakers(Model model)
    {
        var shelf = new Shelf<object>(limit: 16);
        var first = new object();
        shelf.Return(first);
        var taken = new object?[2];
        model.Thread("A", () => taken[0] = shelf.TryTake());
        model.Thread("B", () =>
        {
            taken[1] = shelf.TryTake();
            shelf.Return(new object());
        });
        model.AtEnd(() => Model.Require(taken[0] is null || taken[0] != taken[1], "the same object was taken twice"));
    }

    private sealed record Loan(AnswerSlab Slab, RowHandle Handle);
}
