using FastBatch.Scheduling;

namespace FastBatch.Execution;

/// <summary>
/// Learns, while full batches wait, whether a second thread should run the next batch while the first resumes its callers. Where batches
/// are short that moves the callers' state from core to core, which may double what is served or cost three quarters, as the machine is at the
/// moment; so it is tried, for some milliseconds at a time, and measured in rows per time. Each way is measured when it has settled: when all
/// callers have been resumed that way twice, for at first their state is where the other way left it; and with a second thread only while there is
/// one: it may have been woken on the core of the first, and not run for some milliseconds. Device side; the times are given.
/// </summary>
internal sealed class OverlapTrial
{
    // A second core has to earn what it takes from the rest of the process.
    private const double WorthwhileGain = 1.25;

    // Of each way: how often all that wait go by, up to so many, and the least slices, before the measured ones; and those measured.
    private const int Rounds = 2;
    private const int MostToSettle = 8192;
    private const int Settling = 3;
    private const int Measured = 4;

    // A slice in which fewer batches than one in so many were run by another thread than the one before says nothing of two threads; so many of them are
    // passed over.
    private const int OneTurnIn = 8;
    private const int MostMissed = 40;

    // For how many slices the better way is kept before the other is tried again: twice as many each time that it is found to be better again, four times
    // if that is beyond doubt. At first not for long: it may be judged by code that is still being compiled.
    private const int FirstKept = 12;
    private const int LeastKept = 100;
    private const int MostKept = 1600;
    private const double ClearGain = 1.5;

    private static readonly TimeSpan Slice = TimeSpan.FromMicroseconds(250);

    private readonly long _sliceLength;

    // Rows per timestamp unit in the best slice without and with: a pause of the machine only ever lowers one.
    private readonly double[] _best = new double[2];
    private bool _chosen;
    private int _slicesLeft = Settling + Measured;
    private int _kept = FirstKept;
    private long _rowsSinceChange;
    private long _elapsed;
    private long _rows;
    private int _batches;
    private int _turns;
    private int _missed;
    private int _lastThread;
    private long _lastEnded;
    private bool _wasDeep;

    /// <param name="time">Whose timestamps are given.</param>
    public OverlapTrial(TimeProvider time) => _sliceLength = (long)time.ToTimestamp(Slice);

    /// <summary>Whether a second thread is to run the next batch, if it is full.</summary>
    public bool Overlaps { get; private set; }

    /// <summary>A batch ended.</summary>
    /// <param name="ended">When.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="isDeep">Whether a full one waits.</param>
    /// <param name="backlog">All rows that wait.</param>
    /// <param name="thread">Who ran it.</param>
    public void Record(long ended, int rows, bool isDeep, int backlog, int thread)
    {
        _rowsSinceChange += rows;

        // Only what lies between two full batches says how fast things can go.
        if (_wasDeep && isDeep)
        {
            _elapsed += ended - _lastEnded;
            _rows += rows;
            _batches++;
            _turns += thread != _lastThread ? 1 : 0;
            if (_elapsed >= _sliceLength)
            {
                EndSlice((double)_rows / _elapsed, backlog);
                (_elapsed, _rows, _batches, _turns) = (0, 0, 0, 0);
            }
        }

        (_lastEnded, _wasDeep, _lastThread) = (ended, isDeep, thread);
    }

    private void EndSlice(double rate, int backlog)
    {
        if (Overlaps && _turns * OneTurnIn < _batches && _missed < MostMissed)
        {
            _missed++;
            return;
        }

        if (_slicesLeft == Measured + 1 && _rowsSinceChange < Rounds * Math.Min(backlog, MostToSettle))
        {
            return;
        }

        _slicesLeft--;
        if (_slicesLeft < Measured)
        {
            ref double best = ref _best[Overlaps ? 1 : 0];
            best = Math.Max(best, rate);
        }

        if (_slicesLeft > 0)
        {
            return;
        }

        if (Overlaps == _chosen)
        {
            Overlaps = !_chosen;
            _slicesLeft = Settling + Measured;
            _rowsSinceChange = 0;
            _missed = 0;
        }
        else
        {
            bool better = _best[1] > _best[0] * WorthwhileGain;
            bool isClear = better ? _best[1] > _best[0] * ClearGain : _best[0] > _best[1] * ClearGain;
            _kept = better == _chosen ? Math.Min((isClear ? 4 : 2) * _kept, MostKept) : Math.Min(_kept, LeastKept);
            Overlaps = _chosen = better;
            _slicesLeft = _kept;
            _rowsSinceChange = 0;
            _missed = 0;
            _best.AsSpan().Clear();
        }
    }
}
