using System.Diagnostics;
using FastBatch.Execution;

namespace FastBatch.Tests.Execution;

public class ParkerTests
{
    public static TheoryData<string> Kinds => FutexParker.IsSupported ? ["futex", "monitor"] : ["monitor"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void An_unpark_that_comes_first_is_remembered_once(string kind)
    {
        Parker parker = Create(kind);
        parker.Unpark();
        parker.Unpark();
        Assert.True(parker.Park(Timeout.InfiniteTimeSpan));
        Assert.False(parker.Park(TimeSpan.FromMilliseconds(1)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_park_ends_when_its_time_has_passed(string kind)
    {
        Parker parker = Create(kind);
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromMilliseconds(5))
        {
            Assert.False(parker.Park(TimeSpan.FromMilliseconds(5) - Stopwatch.GetElapsedTime(start) is { Ticks: > 0 } left ? left : TimeSpan.Zero));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Two_threads_hand_over_to_each_other_without_losing_a_turn(string kind)
    {
        const int Turns = 20_000;
        Parker ping = Create(kind);
        Parker pong = Create(kind);
        var other = new Thread(() =>
        {
            for (int i = 0; i < Turns; i++)
            {
                ParkFully(ping);
                pong.Unpark();
            }
        });
        other.Start();
        for (int i = 0; i < Turns; i++)
        {
            ping.Unpark();
            ParkFully(pong);
        }

        other.Join();
    }

    private static void ParkFully(Parker parker)
    {
        while (!parker.Park(Timeout.InfiniteTimeSpan))
        {
        }
    }

    private static Parker Create(string kind) => kind == "futex" ? new FutexParker() : new MonitorParker();
}
