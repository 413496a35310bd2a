using FastBatch.Diagnostics;
using FastBatch.Scheduling;

namespace FastBatch.Execution.Streams;

/// <content>How the devices are doing, each and together. Any thread; a moment's view.</content>
internal sealed partial class StreamExecutor
{
    public override IReadOnlyList<DeviceStatus> DeviceStatus() => [.. _lines.Select(static line => line.Status())];

    public override IEnumerable<GraphReport> Graphs => _lines.SelectMany(static line => line.Graphs).GroupBy(static size => size.Rows).Select(
        static size => new GraphReport(
            size.Key,
            size.Sum(static graphs => graphs.Recorded),
            size.Sum(static graphs => graphs.Places),
            size.Sum(static graphs => graphs.Replays),
            size.Select(static graphs => graphs.Refusal).FirstOrDefault(static refusal => refusal is not null)));

    public override bool IsDegraded => Array.Exists(_lines, static line => !line.Serves);

    public override int BatchLimit
    {
        get
        {
            int limit = 0;
            foreach (DeviceLine line in _lines)
            {
                limit = Math.Max(limit, line.Loss is null ? line.Scheduler.Estimates.MaxRows : 1);
            }

            return limit;
        }
    }

    // Of the first that serves.
    protected override CostEstimate Cost => FirstEstimates.Cost;

    protected override double ArrivalRate => FirstEstimates.ArrivalRate;

    protected override double TimePerBatch
    {
        get
        {
            double rate = 0;
            foreach (DeviceLine line in _lines)
            {
                rate += line.Loss is null && line.Scheduler.LastDuration is > 0 and var duration ? 1.0 / duration : 0;
            }

            return rate > 0 ? 1 / rate : 0;
        }
    }

    protected override int InFlight
    {
        get
        {
            int count = 0;
            foreach (DeviceLine line in _lines)
            {
                count += line.InFlight;
            }

            return count;
        }
    }

    private Estimates FirstEstimates => (Array.Find(_lines, static line => line.Serves) ?? _lines[0]).Scheduler.Estimates;

    // All that could serve are stalled; or one is with rows for which the others wait, which have come to the end of theirs.
    public override BatcherStalledException? FindStall()
    {
        if (Array.Find(_lines, static line => line.IsStalled) is not { } stalled)
        {
            return null;
        }

        bool isAll = Array.TrueForAll(_lines, static line => line.IsStalled || line.Loss is not null)
            || (Lanes.IsStuck && _order?.OldestDevice is >= 0 and int oldest && _lines[oldest].IsStalled);
        return isAll ? stalled.Stalls!.Fault() : null;
    }
}
