namespace FastBatch.Native.Tests;

/// <summary>What is said where there is no CUDA device.</summary>
public class CudaTests
{
    [NativeFact]
    public void A_device_that_is_not_there_is_refused_with_the_reason()
    {
        string reason = CudaDevice.WhyMissing(1000)!;
        Assert.Contains("CUDA device", reason, StringComparison.Ordinal);
        Assert.Equal(reason, Assert.Throws<NotSupportedException>(static () => new CudaDevice(1000)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(static () => new CudaDevice(-1));
    }
}
