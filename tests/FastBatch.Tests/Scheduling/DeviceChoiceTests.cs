using FastBatch.Scheduling;

namespace FastBatch.Tests.Scheduling;

/// <summary>Which of several devices takes the next batch, and when a request is answered that several work for.</summary>
public class DeviceChoiceTests
{
    private const int Rows = 10;
    private const long Now = 1000;

    [Theory]

    // Both idle: the faster one, if that gains more than handing over costs.
    [InlineData(1, 0, 0, 100, 0, 0, 100, 0)]
    [InlineData(1, 0, 0, 100, 0, 0, 95, 0)]
    [InlineData(1, 0, 0, 100, 0, 0, 80, 1)]

    // One busy: the other, unless it is so slow that waiting is quicker.
    [InlineData(1, 1, 50, 100, 0, 0, 100, 1)]
    [InlineData(1, 1, 50, 100, 0, 0, 200, 0)]
    [InlineData(1, 0, 0, 100, 1, 50, 100, 0)]

    // The first is full: what it can soon do waits for it; when there is more than that the other takes it.
    [InlineData(1, 2, 50, 100, 0, 0, 200, 0)]
    [InlineData(Rows, 2, 50, 100, 0, 0, 200, 0)]
    [InlineData(2 * Rows, 2, 50, 100, 0, 0, 200, 1)]

    // It is late already, and may be so for as long again.
    [InlineData(1, 2, -40, 100, 0, 0, 200, 0)]
    [InlineData(1, 2, -140, 100, 0, 0, 200, 1)]

    // Nothing is known of one: tried when idle, and only then.
    [InlineData(1, 0, 0, 100, 0, 0, 0, 1)]
    [InlineData(1, 1, 50, 100, 1, 0, 0, 0)]
    [InlineData(1, 2, 50, 100, 1, 0, 0, 0)]
    [InlineData(5 * Rows, 2, 0, 0, 1, 0, 0, 1)]
    public void The_one_that_should_be_done_first(
        int waiting, int firstInFlight, long firstBusy, double firstCost, int secondInFlight, long secondBusy, double secondCost, int expected)
    {
        DeviceOutlook[] devices = [Outlook(firstInFlight, firstBusy, firstCost), Outlook(secondInFlight, secondBusy, secondCost)];
        Assert.Equal(expected, DeviceChoice.Choose(devices, waiting, current: 0, handOver: 10, Now));
    }

    [Fact]
    public void One_that_does_not_serve_is_not_chosen_and_where_none_does_the_current_one_is()
    {
        DeviceOutlook[] devices = [Outlook(0, 0, 1), Outlook(1, 500, 500), Outlook(0, 0, 1100)];
        devices[0] = devices[0] with { Serves = false };
        Assert.Equal(1, DeviceChoice.Choose(devices, 1, current: 0, handOver: 10, Now));
        devices = [.. devices.Select(static device => device with { Serves = false })];
        Assert.Equal(2, DeviceChoice.Choose(devices, 1, current: 2, handOver: 10, Now));
    }

    [Fact]
    public void Whoever_is_handed_the_lanes_does_not_hand_them_back()
    {
        var random = new Random(3);
        for (int round = 0; round < 20_000; round++)
        {
            DeviceOutlook[] devices = [.. Enumerable.Range(0, random.Next(2, 5)).Select(_ =>
            {
                int inFlight = random.Next(3);
                return Outlook(inFlight, random.Next(-100, 300), random.Next(4) * 50) with { Serves = random.Next(4) > 0 };
            })];
            int waiting = random.Next(1, 60);
            int holder = random.Next(devices.Length);
            int moves = 0;
            for (int next; (next = DeviceChoice.Choose(devices, waiting, holder, 10, Now)) != holder; holder = next)
            {
                Assert.True(++moves < devices.Length, string.Join("; ", devices));
            }
        }
    }

    [Fact]
    public void What_devices_can_do_adds_up()
    {
        DeviceOutlook[] one = [Outlook(0, 0, 100)];
        DeviceOutlook[] two = [Outlook(0, 0, 100), Outlook(0, 0, 100)];
        DeviceOutlook[] busy = [Outlook(1, 1000, 100), Outlook(1, 50, 100)];
        Assert.Equal(Now + 100, Admission.PredictEnd(0, one, Now));
        Assert.Equal(Now + 1100, Admission.PredictEnd(10 * Rows, one, Now));
        Assert.Equal(Now + 600, Admission.PredictEnd(10 * Rows, two, Now));
        Assert.Equal(Now + 150, Admission.PredictEnd(0, busy, Now));

        // Until the first is free the second does all: nine and a half batches, and half of the rest.
        Assert.InRange(Admission.PredictEnd(20 * Rows, busy, Now), Now + 1623, Now + 1626);
        Assert.InRange(Admission.PredictEnd(100, [Outlook(0, 0, 0), Outlook(1, 0, 0)], Now), Now, Now + 1);
    }

    private static DeviceOutlook Outlook(int inFlight, long busyFor, double cost) =>
        new(Serves: true, HasRoom: inFlight < 2, inFlight, Now + busyFor, new CostEstimate(cost, 0, 0), Rows);
}
