using FastBatch.Scheduling;

namespace FastBatch.Execution.Streams;

/// <content>
/// Its thread, and how that waits: with the lanes for rows, without them for whoever calls it; for the device it spins for some microseconds and
/// then naps; with nothing in flight it parks.
/// </content>
internal sealed partial class DeviceLine
{
    // About what parking and waking cost together.
    private static readonly TimeSpan IdleSpin = TimeSpan.FromMicroseconds(20);

    // A batch is looked for this long before it is expected, for the kernel wakes late; and after that, in naps that grow with its delay.
    private static readonly TimeSpan Early = TimeSpan.FromMicroseconds(60);
    private static readonly TimeSpan LongestNap = TimeSpan.FromMilliseconds(1);
    private const int NapFraction = 8;

    private readonly long _early;
    private readonly long _longestNap;
    private readonly ManualResetEventSlim _opened = new();

    // What kept it from opening, before it is said to have opened.
    private Exception? _failure;

    /// <summary>Any thread: starts the thread.</summary>
    public void Start() => new Thread(RunThread) { IsBackground = true, Name = $"FastBatch {_batcher.Name} {_device.Name}" }.UnsafeStart();

    /// <summary>Any thread: waits until it has the device; returns what kept it from that.</summary>
    public Exception? WaitUntilOpen()
    {
        _opened.Wait();
        return _failure;
    }

    private void RunThread()
    {
        try
        {
            Open();
        }
        catch (Exception exception)
        {
            _failure = exception;
            _executor.NoteEnd(isClean: true);
            return;
        }
        finally
        {
            _opened.Set();
        }

        while (!_executor.IsStopped)
        {
            if (!Step(out long until, out int rows))
            {
                Rest(until, rows);
            }
        }

        Close();
    }

    private void Rest(long until, int rows)
    {
        bool hasLanes = _relay.Has(Number);
        if (hasLanes != _hadLanes)
        {
            // They came, or went, meanwhile: whoever had them answered the calls that this thread has not seen.
            return;
        }

        if (Loss is not null || _pipeline!.Count == 0)
        {
            RestIdle(hasLanes, until, rows);
            return;
        }

        long now = _time.GetTimestampOr(0);
        long expected = _pipeline.NextEvent;
        if (until != 0)
        {
            expected = Math.Min(expected, until);
        }

        if (expected - now is var ahead && ahead > _early)
        {
            Nap(hasLanes, Math.Min(expected - _early, now + _longestNap), rows);
        }
        else if (-ahead > _early)
        {
            Nap(hasLanes, now + Math.Min(-ahead / NapFraction, _longestNap), rows);
        }
        else
        {
            DeviceExecutor.Pause();
        }
    }

    private void RestIdle(bool hasLanes, long until, int rows)
    {
        if (!hasLanes)
        {
            _relay.Park(Number, Timeout.InfiniteTimeSpan);
        }
        else if (_waitsForOther)
        {
            // Not for rows: those are there. Whoever gets nearer to taking them calls; and one that does not come back is given up in time.
            _relay.Park(Number, LongestNap);
        }
        else if (until != 0)
        {
            _executor.Wait(until, rows);
        }
        else if (!_executor.SpinForRow(IdleSpin))
        {
            _executor.Park(long.MaxValue, rows: 1);
        }
    }

    // With the lanes, and room for another batch that it is to take, rows end it; without, whoever calls. No nap is longer than it may wait for another.
    private void Nap(bool hasLanes, long until, int rows)
    {
        if (hasLanes && !_waitsForOther && _pipeline!.HasRoom)
        {
            _executor.Park(until, rows, _executor.DecidedWhileResuming);
        }
        else
        {
            _relay.Park(Number, _executor.RemainingUntil(until));
        }
    }
}
