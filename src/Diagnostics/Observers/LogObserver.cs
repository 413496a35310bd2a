using Microsoft.Extensions.Logging;

namespace FastBatch.Diagnostics;

/// <summary>
/// Logs what an operator should see. What could come with every request comes at most once a second, with how many there were since.
/// </summary>
internal sealed class LogObserver(ILogger logger, string endpoint, TimeProvider time) : BatchObserver
{
    private readonly Throttle _failures = new(time);
    private readonly Throttle _rejections = new(time);
    private readonly Throttle _drops = new(time);
    private readonly Throttle _leftovers = new(time);
    private readonly Throttle _stalls = new(time);

    public override void OnBatch(Batcher batcher, in BatchReport batch)
    {
        if (batch.Failed > 0 && _failures.Admits(batch.Failed, out long failed))
        {
            BatcherLog.Failed(logger, batch.Error, endpoint, failed, batch.Rows);
        }

        if (batch.Dropped > 0 && _drops.Admits(batch.Dropped, out long dropped))
        {
            BatcherLog.Dropped(logger, endpoint, dropped);
        }

        if (logger.IsEnabled(LogLevel.Trace))
        {
            BatcherLog.Ran(logger, endpoint, batch.Rows, batch.CloseReason, (batch.Ended - batch.Started) * 1e6 / batch.TimestampFrequency);
        }
    }

    public override void OnEnded(Batcher batcher, RequestOutcome outcome, int count)
    {
        if (outcome == RequestOutcome.Rejected && _rejections.Admits(count, out long rejected))
        {
            BatcherLog.Rejected(logger, endpoint, rejected, batcher.Capacity);
        }

        if (outcome == RequestOutcome.Closed && _leftovers.Admits(count, out long closed))
        {
            BatcherLog.Closed(logger, endpoint, closed);
        }

        if (outcome == RequestOutcome.Stalled && _stalls.Admits(count, out long stalled))
        {
            BatcherLog.Stalled(logger, endpoint, stalled);
        }
    }

    public override void OnGraphRefused(Batcher batcher, int rows, string reason) => BatcherLog.GraphRefused(logger, endpoint, rows, reason);

    // One message a second at most, with what has come up since the last.
    private sealed class Throttle(TimeProvider time)
    {
        private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

        private readonly Lock _gate = new();
        private long _sum;
        private long? _last;

        public bool Admits(int count, out long sum)
        {
            lock (_gate)
            {
                sum = _sum += count;
                long now = time.GetTimestamp();
                if (_last is { } last && time.GetElapsedTime(last, now) < Interval)
                {
                    return false;
                }

                (_last, _sum) = (now, 0);
                return true;
            }
        }
    }
}
