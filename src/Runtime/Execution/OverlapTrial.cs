using FastBatch.Scheduling;

namespace FastBatch.Execution;

/// <summary>
/// Learns, while full batches wait, whether a second thread should run the next batch while the first resumes its callers. Where batches
/// are short that moves the callers' state from core to core, which may gain a half or cost three quarters, as the machine is at the
/// moment; so it is tried, for a millisecond or so at a time, and measured in rows per time. Device side; the times are given.
/// </summary>
internal sealed class OverlapTrial
{
    // A second core has to earn what it takes from the rest of the process.
    private const double WorthwhileGain = 1.15;

    // Of each way: slices that pass before the measured ones, while caches and threads settle, and those measured.
    private const int Settling = 3;
    private const int Measured = 4;

    // How long the better way is kept before the other is tried again.
    private const int Kept = 100;

    private static readonly TimeSpan Slice = TimeSpan.FromMicroseconds(250);

    private readonly long _sliceLength;

    // Rows per timestamp unit in the best slice without and with: a pause of the machine only ever lowers one.
    private readonly double[] _best = new double[2];
    private bool _chosen;
    private int _slicesLeft = Settling + Measured;
    private long _elapsed;
    private long _rows;
    private long _lastEnded;
    private bool _wasDeep;

    public OverlapTrial(TimeProvider time) => _sliceLength = (long)time.ToTimestamp(Slice);

    /// <summary>Whether a second thread is to run the next batch, if it is full.</summary>
    public bool Overlaps { get; private set; }

    /// <summary>A batch of <paramref name="rows"/> rows ended; <paramref name="isDeep"/>: a full one waits.</summary>
    public void Record(long ended, int rows, bool isDeep)
    {
        // Only what lies between two full batches says how fast things can go.
        if (_wasDeep && isDeep)
        {
            _elapsed += ended - _lastEnded;
            _rows += rows;
            if (_elapsed >= _sliceLength)
            {
                EndSlice((double)_rows / _elapsed);
                (_elapsed, _rows) = (0, 0);
            }
        }

        (_lastEnded, _wasDeep) = (ended, isDeep);
    }

    private void EndSlice(double rate)
    {
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
        }
        else
        {
            Overlaps = _chosen = _best[1] > _best[0] * WorthwhileGain;
            _slicesLeft = Kept;
            _best.AsSpan().Clear();
        }
    }
}
