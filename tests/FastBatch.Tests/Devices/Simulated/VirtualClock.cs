namespace FastBatch.Tests.Devices.Simulated;

/// <summary>Time that passes when a test says so, in nanoseconds.</summary>
internal sealed class VirtualClock : TimeProvider
{
    public long Now { get; private set; } = 1_000_000;

    public override long TimestampFrequency => 1_000_000_000;

    public override long GetTimestamp() => Now;

    public void AdvanceTo(long time)
    {
        Assert.True(time > Now, $"Nothing is to happen after {Now}: {time}.");
        Now = time;
    }
}
