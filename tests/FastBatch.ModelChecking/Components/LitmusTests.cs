using FastBatch.Atomics;

namespace FastBatch.ModelChecking.Components;

/// <summary>The memory model against what is known of the machines: what they allow can happen here, what they forbid cannot.</summary>
public class LitmusTests
{
    private AtomicInt32 _x;
    private AtomicInt32 _y;
    private Plain<int> _data;

    [Fact]
    public void Two_stores_each_followed_by_a_read_of_the_other_may_both_be_missed() =>
        Assert.Equal(["0,0", "0,1", "1,0", "1,1"], Results(fenced: false));

    [Fact]
    public void Fences_between_store_and_read_forbid_that() => Assert.Equal(["0,1", "1,0", "1,1"], Results(fenced: true));

    [Fact]
    public void A_process_wide_barrier_on_one_side_forbids_it_too()
    {
        var seen = new SortedSet<string>(StringComparer.Ordinal);
        Check.Exhausts(model =>
        {
            Begin();
            int a = 0, b = 0;
            model.Thread("A", () =>
            {
                _x.Write(1);
                a = _y.Read();
            });
            model.Thread("B", () =>
            {
                _y.Write(1);
                Fence.ProcessWide();
                b = _x.Read();
            });
            model.AtEnd(() => seen.Add($"{a},{b}"));
        });
        Assert.Equal(["0,1", "1,0", "1,1"], seen);
    }

    [Fact]
    public void What_is_stored_before_a_release_is_seen_after_its_acquire() => Check.Exhausts(MessagePassing);

    [Fact]
    public void A_relaxed_store_publishes_nothing() =>
        Check.Catches(new Twin(Weakening.RelaxedStore, "LitmusTests.cs", "Send"), "race", MessagePassing);

    [Fact]
    public void A_relaxed_read_acquires_nothing() =>
        Check.Catches(new Twin(Weakening.RelaxedRead, "LitmusTests.cs", "Receive"), "race", MessagePassing);

    [Fact]
    public void Reads_of_one_location_do_not_go_back()
    {
        Check.Exhausts(model =>
        {
            Begin();
            model.Thread("A", () =>
            {
                _x.Write(1);
                _x.Write(2);
            });
            model.Thread("B", () =>
            {
                int first = _x.Read();
                Model.Require(_x.Read() >= first, "went back");
            });
        });
    }

    [Fact]
    public void Independent_stores_may_be_seen_in_different_orders()
    {
        var seen = new HashSet<string>();
        Check.Exhausts(model =>
        {
            Begin();
            int a = 0, b = 0, c = 0, d = 0;
            model.Thread("A", () => _x.Write(1));
            model.Thread("B", () => _y.Write(1));
            model.Thread("C", () => (a, b) = (_x.Read(), _y.Read()));
            model.Thread("D", () => (c, d) = (_y.Read(), _x.Read()));
            model.AtEnd(() => seen.Add($"{a}{b}{c}{d}"));
        });
        Assert.Equal(16, seen.Count);
    }

    [Fact]
    public void No_increment_is_lost_unless_it_is_split()
    {
        Check.Exhausts(Increments);
        Check.Catches(new Twin(Weakening.Split, "LitmusTests.cs", "Increment"), "lost", Increments);
    }

    [Fact]
    public void Threads_that_wait_for_each_other_are_reported()
    {
        Outcome outcome = Explorer.Explore(new Scenario(static model =>
        {
            Lock first = new(), second = new();
            model.Thread("A", () => Both(first, second));
            model.Thread("B", () => Both(second, first));
        }));
        Assert.Contains("nothing can run", outcome.Failure, StringComparison.Ordinal);
        Assert.NotEmpty(outcome.Trace);

        static void Both(Lock outer, Lock inner)
        {
            lock (outer)
            {
                lock (inner)
                {
                }
            }
        }
    }

    private void Begin() => (_x, _y, _data) = (default, default, default);

    private SortedSet<string> Results(bool fenced)
    {
        var seen = new SortedSet<string>(StringComparer.Ordinal);
        Check.Exhausts(model =>
        {
            Begin();
            int a = 0, b = 0;
            model.Thread("A", () =>
            {
                _x.Write(1);
                FenceIf(fenced);
                a = _y.Read();
            });
            model.Thread("B", () =>
            {
                _y.Write(1);
                FenceIf(fenced);
                b = _x.Read();
            });
            model.AtEnd(() => seen.Add($"{a},{b}"));
        });
        return seen;
    }

    private static void FenceIf(bool fenced)
    {
        if (fenced)
        {
            Fence.Full();
        }
    }

    private void MessagePassing(Model model)
    {
        Begin();
        model.Thread("A", Send);
        model.Thread("B", Receive);
    }

    private void Send()
    {
        _data.Set(42, "data");
        _x.Write(1);
    }

    private void Receive()
    {
        if (_x.Read() == 1)
        {
            Model.Require(_data.Get(0, "data") == 42, "not there");
        }
    }

    private void Increments(Model model)
    {
        Begin();
        model.Thread("A", Increment);
        model.Thread("B", Increment);
        model.AtEnd(() => Model.Require(_x.Read() == 2, "lost"));
    }

    private void Increment() => _x.Add(1);
}
