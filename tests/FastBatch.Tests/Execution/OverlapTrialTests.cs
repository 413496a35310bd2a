using FastBatch.Execution;

namespace FastBatch.Tests.Execution;

/// <summary>The trial knows nothing but what it is told: times and rows of an imagined machine.</summary>
public class OverlapTrialTests
{
    private const int Rows = 64;
    private static readonly long s_microsecond = TimeProvider.System.TimestampFrequency / 1_000_000;

    [Theory]
    [InlineData(8, 5, true)] // a second thread helps
    [InlineData(8, 7.5, false)] // too little for a core
    [InlineData(8, 8, false)]
    [InlineData(8, 30, false)] // it hurts
    public void The_better_way_is_found_and_kept(double alone, double overlapped, bool expected)
    {
        var machine = new Machine();
        machine.RunFor(5_000, alone, overlapped);
        long with = machine.RunFor(100_000, alone, overlapped);
        Assert.InRange(with, expected ? 90_000 : 0, expected ? 100_000 : 10_000);

        // Found better again and again, it is doubted less and less.
        machine.RunFor(1_000_000, alone, overlapped);
        with = machine.RunFor(1_000_000, alone, overlapped);
        Assert.InRange(with, expected ? 980_000 : 0, expected ? 1_000_000 : 20_000);
    }

    [Fact]
    public void What_it_takes_to_move_the_callers_decides_nothing()
    {
        // At first one thread has to bring the callers' state to its core: it would be taken for slower than it is.
        var machine = new Machine { Backlog = 8192, Moving = 12 };
        machine.RunFor(100_000, alone: 8, overlapped: 12);
        Assert.InRange(machine.RunFor(1_000_000, alone: 8, overlapped: 12), 0, 100_000);
    }

    [Fact]
    public void A_machine_that_changes_is_noticed()
    {
        var machine = new Machine();
        machine.RunFor(100_000, alone: 8, overlapped: 5);
        machine.RunFor(500_000, alone: 8, overlapped: 30);
        Assert.InRange(machine.RunFor(100_000, alone: 8, overlapped: 30), 0, 10_000);
        machine.RunFor(500_000, alone: 8, overlapped: 5);
        Assert.InRange(machine.RunFor(100_000, alone: 8, overlapped: 5), 90_000, 100_000);
    }

    [Fact]
    public void Pauses_of_the_machine_decide_nothing()
    {
        var machine = new Machine { PauseEvery = 1_000, Pause = 500 };
        machine.RunFor(100_000, alone: 8, overlapped: 5);
        Assert.InRange(machine.RunFor(100_000, alone: 8, overlapped: 5), 80_000, 100_000);
    }

    [Fact]
    public void A_second_thread_is_not_judged_while_it_is_not_there()
    {
        // Woken on the core of the first it runs when that is taken from it, or another core fetches it.
        var machine = new Machine { Late = 5_000 };
        machine.RunFor(20_000, alone: 8, overlapped: 5);
        Assert.InRange(machine.RunFor(100_000, alone: 8, overlapped: 5), 80_000, 100_000);
    }

    [Fact]
    public void A_second_thread_that_does_not_come_is_not_waited_for()
    {
        var machine = new Machine { Late = double.MaxValue };
        machine.RunFor(100_000, alone: 8, overlapped: 5);
        Assert.InRange(machine.RunFor(1_000_000, alone: 8, overlapped: 5), 0, 50_000);
    }

    [Fact]
    public void A_shallow_queue_is_no_trial()
    {
        var trial = new OverlapTrial(TimeProvider.System);
        for (int i = 0; i < 100_000; i++)
        {
            trial.Record(i * 8 * s_microsecond, Rows, isDeep: i % 2 == 0, Rows, thread: 1);
            Assert.False(trial.Overlaps);
        }
    }

    // Batches end one after another, a certain time apart; times in microseconds.
    private sealed class Machine
    {
        private readonly OverlapTrial _trial = new(TimeProvider.System);
        private double _now;
        private double _nextPause;
        private bool _overlapped;
        private double _comes;
        private int _turn;
        private long? _moving;

        public double PauseEvery { get; init; } = double.MaxValue;

        public double Pause { get; init; }

        public int Backlog { get; init; } = Rows;

        /// <summary>How long it takes the second thread to come, each time that it is asked for.</summary>
        public double Late { get; init; }

        /// <summary>What a batch takes longer alone whose callers are moved: at the start and after each change as many as wait.</summary>
        public double Moving { get; init; }

        /// <summary>How much of the time a second thread took part.</summary>
        public long RunFor(double duration, double alone, double overlapped)
        {
            double end = _now + duration;
            double with = 0;
            while (_now < end)
            {
                _comes = _trial.Overlaps && !_overlapped ? _now + Late : _comes;
                bool together = _trial.Overlaps && _now >= _comes;
                double each = together ? overlapped : alone;
                if (_now > _nextPause)
                {
                    _nextPause = _now + PauseEvery;
                    each += Pause;
                }

                _moving = _trial.Overlaps == _overlapped ? (_moving ?? Backlog) - Rows : Backlog;
                _overlapped = _trial.Overlaps;
                each += !_overlapped && _moving > 0 ? Moving : 0;
                with += _trial.Overlaps ? each : 0;
                _now += each;
                _trial.Record((long)(_now * s_microsecond), Rows, isDeep: true, Backlog, thread: together ? (_turn ^= 1) : 0);
            }

            return (long)with;
        }
    }
}
