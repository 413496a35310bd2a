using FastBatch.Completion;
using FastBatch.Execution;
using FastBatch.Execution.Streams;
using FastBatch.Lanes;

namespace FastBatch.ModelChecking.Components;

/// <summary>
/// What the threads of several devices share: the lanes, which one of them has at a time (<see cref="LaneRelay"/>), rows that go back in order
/// (<see cref="ReleaseOrder"/>), and one sleep, with the wake mark, of whoever has the lanes. Everything is taken once, and nobody is left asleep
/// while there is something to take. The threads here do what <see cref="DeviceLine"/> does with these three, and nothing else.
/// </summary>
public class DevicesTests
{
    [Fact]
    public void Lanes_go_round_between_two() => Check.Exhausts(Turns(threads: 2, turns: 3));

    [Fact]
    public void Lanes_go_round_between_three() => Check.Exhausts(Turns(threads: 3, turns: 3), interruptions: 1);

    [Fact]
    public void One_that_never_comes_back_holds_up_nobody() => Check.Exhausts(Turns(threads: 2, turns: 3, hangsAt: 2));

    [Fact]
    public void Of_two_that_give_up_one_keeps_the_lanes() => Check.Exhausts(GivesUp(threads: 2));

    [Fact]
    public void Of_three_that_give_up_one_keeps_the_lanes() => Check.Exhausts(GivesUp(threads: 3), interruptions: 1);

    [Fact]
    public void Lanes_that_two_can_take() => Check.Catches(new Twin(Weakening.Split, "LaneRelay.cs", "Has"), "race", Turns(threads: 2, turns: 3));

    [Fact]
    public void Lanes_that_are_left_without_a_fence() => Check.Catches(
        new Twin(Weakening.NoFence, "LaneRelay.cs", "TryLeave"), "all sleep", Turns(threads: 2, turns: 3, hangsAt: 2));

    [Fact]
    public void Coming_back_without_a_fence() => Check.Catches(
        new Twin(Weakening.NoFence, "LaneRelay.cs", "ComeBack"), "all sleep", Turns(threads: 2, turns: 3, hangsAt: 2));

    [Fact]
    public void Lanes_left_to_nobody_without_a_word() => Check.Catches(
        new Twin("lanes-left-to-nobody"), "all sleep", Turns(threads: 2, turns: 3, hangsAt: 2));

    [Fact]
    public void Giving_up_without_a_fence() => Check.Catches(new Twin(Weakening.NoFence, "LaneRelay.cs", "GiveUp"), "", GivesUp(threads: 2));

    [Fact]
    public void Lanes_left_to_those_who_have_given_up() => Check.Catches(new Twin("lanes-left-to-the-lost"), "", GivesUp(threads: 2));

    // Each takes a turn when it has the lanes, and gives them away as a launch does. One launch may never end.
    private static Action<Model> Turns(int threads, int turns, int hangsAt = 0) => model =>
    {
        var relay = new LaneRelay(threads);
        var taken = default(Plain<int>);
        for (int thread = 0; thread < threads; thread++)
        {
            int number = thread;
            model.Thread($"device {number}", () => Run(number), isBackground: true);
        }

        model.AtEnd(() => Model.Require(taken.Get(0, "taken") == turns, $"{taken.Get(0, "taken")} of {turns} turns were taken, and all sleep"));

        void Run(int number)
        {
            while (true)
            {
                Model.Knows();
                if (!relay.Has(number))
                {
                    relay.Park(number, Timeout.InfiniteTimeSpan);
                    continue;
                }

                int before = taken.Get(0, "taken");
                if (before == turns)
                {
                    return;
                }

                taken.Set(before + 1, "taken");
                relay.BecomeBusy(number);
                PassOn(relay, number, threads);
                if (before + 1 == hangsAt)
                {
                    return;
                }

                relay.ComeBack(number);
            }
        }
    };

    // The first takes a turn and is lost, as is everybody else; whoever has the lanes then ends what waits.
    private static Action<Model> GivesUp(int threads) => model =>
    {
        var relay = new LaneRelay(threads);
        var ended = default(Plain<int>);
        for (int thread = 0; thread < threads; thread++)
        {
            int number = thread;
            model.Thread($"device {number}", () => Run(number), isBackground: true);
        }

        model.AtEnd(() => Model.Require(ended.Get(0, "ended") == 1, $"what waits was ended {ended.Get(0, "ended")} times"));

        void Run(int number)
        {
            if (relay.Has(number))
            {
                relay.BecomeBusy(number);
                PassOn(relay, number, threads);
                relay.ComeBack(number);
            }

            relay.GiveUp(number);
            while (true)
            {
                Model.Knows();
                if (!relay.Has(number) || relay.TryLeave(number))
                {
                    relay.Park(number, Timeout.InfiniteTimeSpan);
                    continue;
                }

                ended.Set(ended.Get(0, "ended") + 1, "ended");
                return;
            }
        }
    };

    private static void PassOn(LaneRelay relay, int number, int threads)
    {
        for (int other = 0; other < threads; other++)
        {
            if (other != number && !relay.IsBusy(other))
            {
                relay.HandTo(other);
                return;
            }
        }

        relay.TryLeave(number);
    }
}
