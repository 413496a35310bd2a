using FastBatch.Diagnostics;
using FastBatch.Scheduling;

namespace FastBatch.Execution.Streams;

/// <content>What is known of it. Any thread; a moment's view.</content>
internal sealed partial class DeviceLine
{
    /// <summary>What is known of it, for the choice among several.</summary>
    public DeviceOutlook Outlook
    {
        get
        {
            Estimates estimates = Scheduler.Estimates;
            return new DeviceOutlook(
                Serves, _hasRoom, InFlight + (_relay.IsBusy(Number) ? 1 : 0), estimates.BusyUntil, estimates.Cost, estimates.MaxRows);
        }
    }

    /// <summary>How its graphs fare; none where there are none.</summary>
    public IEnumerable<GraphReport> Graphs => _pipeline?.Graphs ?? [];

    /// <summary>For people.</summary>
    public DeviceStatus Status()
    {
        (long batches, long rows, BatchSizes sizes) = (0, 0, default);
        _executor.Counts[Number].AddTo(ref batches, ref rows, ref sizes);
        CostEstimate cost = Scheduler.Estimates.Cost;
        return new DeviceStatus
        {
            Name = _device.Name,
            Description = _pipeline?.Description ?? "",
            Loss = Loss,
            IsStalled = IsStalled,
            BatchesRunning = InFlight,
            Batches = batches,
            Rows = rows,
            FixedCost = _executor.Duration(cost.Fixed),
            CostPerRow = _executor.Duration(cost.PerRow),
        };
    }
}
